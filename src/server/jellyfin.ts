/** Jellyfin. */
import type { ServerKind } from './kind.ts';
import { mediaBrowserKind, type PublicInfo } from './media-browser.ts';

/** Jellyfin began at 10; Emby is at 4. */
const FIRST_MAJOR_VERSION = 10;

export const jellyfin: ServerKind = mediaBrowserKind({
  name: 'jellyfin',
  title: 'Jellyfin',
  productName: 'Jellyfin Server',
  alwaysOptionalPrefix: '',
  discoveryQuestion: 'who is JellyfinServer?',
  recognizes: isJellyfin,
  wizardQuestion: undefined,
  authorize: (token) => ({ Authorization: `MediaBrowser Token="${encodeURIComponent(token)}"` }),
});

/** By its product name; without one (old versions, other builds) by its version. */
export function isJellyfin(info: PublicInfo): boolean {
  if (info.productName !== undefined) return /jellyfin/i.test(info.productName);
  return Number.parseInt(info.version ?? '', 10) >= FIRST_MAJOR_VERSION;
}
