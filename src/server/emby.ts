/** Emby Server. */
import { isJellyfin } from './jellyfin.ts';
import type { ServerKind } from './kind.ts';
import { mediaBrowserKind } from './media-browser.ts';

export const emby: ServerKind = mediaBrowserKind({
  name: 'emby',
  title: 'Emby Server',
  productName: undefined,
  alwaysOptionalPrefix: '/emby',
  discoveryQuestion: 'who is EmbyServer?',
  recognizes: (info) => !isJellyfin(info),
  wizardQuestion: '/Startup/Configuration',
  authorize: (token) => ({ 'X-Emby-Token': token }),
});
