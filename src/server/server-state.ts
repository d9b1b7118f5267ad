/** The states of the media server, and the pure step from what a probe saw to the state. */
import type { ServerIdentity, ServerKind } from './kind.ts';

/** `signed-out`: it was claimed once (remembered over restarts) and is not now. */
export type ServerState = 'claimed' | 'unclaimed' | 'signed-out' | 'unknown';

/** `starting`: nothing was seen of it since the gateway started. `down`: it was there. `other-server`: another one answers. */
export type UnknownBecause = 'starting' | 'down' | 'other-server';

/** A server that was found: it answered at this URL and said who it is. */
export interface FoundServer {
  readonly kind: ServerKind;
  readonly url: string;
  readonly identity: ServerIdentity;
  /** The name in its answer on the LAN, for servers whose identity has none. */
  readonly announcedName?: string | undefined;
}

/** What a person knows it by: its name, else its id. */
export function nameOf({ identity, announcedName }: FoundServer): string {
  return identity.name ?? announcedName ?? identity.id;
}

/** What one look at the server brought. `detail`: a sentence for people. */
export type Observation =
  | ({ readonly seen: 'server' } & FoundServer)
  /** No usable answer. `isFinal` false: silence, of which three in a row count. */
  | { readonly seen: 'nothing'; readonly isFinal: boolean; readonly detail: string }
  /** The expected server answers elsewhere, and nothing proves that it is the same. */
  | ({ readonly seen: 'moved' } & FoundServer)
  /** Several answer, and nothing says which one is meant. */
  | { readonly seen: 'several'; readonly found: readonly FoundServer[] };

export interface ServerStanding {
  readonly state: ServerState;
  /** Only while unknown. */
  readonly unknownBecause: UnknownBecause | undefined;
  /** Why it is not simply claimed: one sentence; undefined while claimed. */
  readonly detail: string | undefined;
}

export interface Expectation {
  /** The id of `server.id`, or the remembered one; undefined: the first one found will do. */
  readonly id: string | undefined;
  /** The server of this id was claimed once. */
  readonly wasClaimed: boolean;
  /** A server was seen since the gateway started. */
  readonly wasSeen: boolean;
}

/** Fails closed: only an expected server that says that it is claimed is claimed. */
export function standingAfter(observation: Observation, expected: Expectation): ServerStanding {
  if (observation.seen === 'server') return standingOf(observation.identity, observation.url, expected);
  if (observation.seen === 'moved') return unknown('other-server', movedSentence(observation));
  const detail = observation.seen === 'several' ? severalSentence(observation.found) : observation.detail;
  return unknown(expected.wasSeen ? 'down' : 'starting', detail);
}

function standingOf(identity: ServerIdentity, url: string, expected: Expectation): ServerStanding {
  if (expected.id !== undefined && identity.id !== expected.id) {
    return unknown('other-server', `the server at ${url} is ${identity.id}, not ${expected.id}`);
  }
  if (identity.claimed === true) return { state: 'claimed', unknownBecause: undefined, detail: undefined };
  if (identity.claimed === undefined) return unknown('down', `the server at ${url} does not say whether it is claimed`);
  const state = expected.wasClaimed ? 'signed-out' : 'unclaimed';
  const detail = expected.wasClaimed ? 'was signed out of its account' : 'is not claimed yet';
  return { state, unknownBecause: undefined, detail: `the server at ${url} ${detail}` };
}

function unknown(unknownBecause: UnknownBecause, detail: string): ServerStanding {
  return { state: 'unknown', unknownBecause, detail };
}

function movedSentence({ identity, url }: FoundServer): string {
  return `the server ${identity.id} seems to answer at ${url} now, but nothing proves that it is the same`;
}

function severalSentence(found: readonly FoundServer[]): string {
  const list = found.map((server) => `${server.kind.title} ${JSON.stringify(nameOf(server))} at ${server.url}`);
  return `several media servers were found, and none is chosen: ${list.join('; ')}`;
}
