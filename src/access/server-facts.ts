/** What the policy knows of the media server, taken from what the last probe brought. */
import type { ServerIdentity, ServerKind } from '../server/kind.ts';
import type { ServerState, UnknownBecause } from '../server/server-state.ts';
import type { ServerFacts } from './facts.ts';

/** The media server at one moment. */
export interface ServerView {
  /** While `auto` has not found one: any kind that has an identity, with the state `unknown`. */
  readonly kind: ServerKind;
  readonly state: ServerState;
  readonly unknownBecause: UnknownBecause | undefined;
  /** From the last good probe. */
  readonly identity: ServerIdentity | undefined;
}

const VERSION = /^\d{1,9}(?:\.\d{1,9})*(?=$|-)/;

/** `minimumVersion`: `min_server_version`, where `auto` is the kind's own table and `0` is off. */
export function serverFacts(
  { kind, state, unknownBecause, identity }: ServerView,
  minimumVersion: string,
): ServerFacts {
  const minimum = minimumVersion === 'auto' ? kind.minimumSafeVersion : minimumVersion;
  return {
    state,
    unknownBecause,
    hasIdentity: kind.hasIdentity,
    hasLastIdentity: identity !== undefined,
    isOutdated: minimum !== undefined && isVersionBelow(identity?.version, minimum),
    isPlex: kind.name === 'plex',
    webClientPath: kind.webClientPath,
  };
}

/** Compares numerically, the part after `-` aside. A version that is missing or unreadable is not known to be below anything. */
export function isVersionBelow(version: string | undefined, minimum: string): boolean {
  const actual = numbersOf(version ?? '');
  const wanted = numbersOf(minimum);
  if (actual === undefined || wanted === undefined) return false;
  for (let index = 0; index < Math.max(actual.length, wanted.length); index++) {
    const difference = (actual[index] ?? 0) - (wanted[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function numbersOf(version: string): number[] | undefined {
  return VERSION.exec(version)?.[0].split('.').map(Number);
}
