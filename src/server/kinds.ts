/** The kinds of media server: a new one is a file of its own and a line here. */
import { emby } from './emby.ts';
import { generic } from './generic.ts';
import { jellyfin } from './jellyfin.ts';
import type { ServerKind } from './kind.ts';
import { plex } from './plex.ts';

/** In the order in which `auto` tries them. */
export const KINDS = { plex, jellyfin, emby, generic };

export type ServerKindName = keyof typeof KINDS;

/** The kinds that a server can be recognized as: all but `generic`. */
export const RECOGNIZABLE_KINDS: readonly ServerKind[] = Object.values(KINDS).filter((kind) => kind.hasIdentity);

/** The kind of this name, or undefined when there is none. */
export function kindNamed(name: string): ServerKind | undefined {
  return Object.hasOwn(KINDS, name) ? KINDS[name as ServerKindName] : undefined;
}
