/** What the gateway must know of a kind of media server: one interface, one file per kind. Types only. */
import type { RequestHead } from '../http/request.ts';
import type { LanDiscovery } from './lan-discovery.ts';

export type { ServerKindName } from './kinds.ts';

import type { ServerKindName } from './kinds.ts';

/**
 * A small request of the gateway's own to the media server. `timeoutMs` is for the whole exchange. Rejects with `ServerTrouble`
 * (ask.ts) on network trouble, after the deadline, or at an answer over `maxBodyBytes`.
 */
export interface ServerQuestion {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
  readonly maxBodyBytes?: number;
}
export interface ServerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}
export type AskServer = (question: ServerQuestion) => Promise<ServerAnswer>;

/** What a server says of itself on its public endpoint. `claimed` undefined: this answer does not tell. */
export interface ServerIdentity {
  readonly id: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly claimed: boolean | undefined;
  /** What all routes of this server begin with: empty, or `/jellyfin`. */
  readonly basePath: string;
}

/** The credentials in a request: none, exactly one value, or two different ones (rule 0). */
export type FoundCredentials =
  | { readonly found: 'none' }
  | { readonly found: 'one'; readonly value: string }
  | { readonly found: 'conflict' };

/** The server's word on one credential. `status` is what it answered (401 or 498). */
export type Verdict =
  | { readonly verdict: 'valid' }
  | { readonly verdict: 'invalid'; readonly status: 401 | 498 }
  | { readonly verdict: 'unverifiable' };

/** The part of a request that credentials are taken from and added to. */
export interface CredentialCarrier {
  readonly target: string;
  readonly rawHeaders: readonly string[];
}

export interface ServerKind {
  readonly name: ServerKindName;
  /** Name for people: `Plex Media Server`. */
  readonly title: string;
  readonly defaultPort: number;
  /** False for `generic`: no identity, no claim state, rule 6 is off. */
  readonly hasIdentity: boolean;
  /** How such a server is found on a LAN; undefined: it does not announce itself. */
  readonly discovery: LanDiscovery | undefined;
  /** This kind for a server whose routes all begin with `basePath` (which stays optional); empty: the kind itself. */
  atBasePath(basePath: string): ServerKind;

  /** Reads identity, version and claimed state. Undefined: something answers, but not this kind of server. Rejects when nothing answers. */
  identify(ask: AskServer): Promise<ServerIdentity | undefined>;
  /** Reads an answer of the identity endpoint that passed by; undefined when it is none. */
  readIdentity(body: Buffer): ServerIdentity | undefined;
  /** A request after which the server's claimed state may be another: probe at once. */
  mayChangeClaim(method: string, path: string): boolean;
  /** Exact public identity endpoint(s) (rule 5); matched on the raw path in normal form. */
  isIdentity(path: string): boolean;
  /** Answers an identity request from the last probe. */
  renderIdentity(identity: ServerIdentity, accept: string | undefined): { contentType: string; body: string };

  /** All places where this kind carries credentials; empty values count as none. */
  findCredentials(head: Pick<RequestHead, 'query' | 'values'>): FoundCredentials;
  /** Asks the server about one credential. Never rejects: trouble is `unverifiable`. */
  verify(ask: AskServer, credential: string): Promise<Verdict>;
  /**
   * The request without any credential of this kind (empty ones too), its other bytes untouched, and with `token` added as a
   * header when given. Only plex adds one: a token of the others has the rights of an administrator.
   */
  replaceCredentials(request: CredentialCarrier, token: string | undefined): { target: string; rawHeaders: string[] };
  /** Extra headers on the gateway's 401 and 498 so that apps understand it; they win over its own. */
  readonly unauthorizedHeaders: Readonly<Record<string, string>>;

  /** Where a browser that asks for `/` is sent (rule 12); undefined: the kind has no web client. */
  readonly webClientPath: string | undefined;
  /** Web apps whose Origin is fine. */
  readonly webOrigins: readonly string[];
  /** Static web client (rule 13). */
  isWebClient(path: string): boolean;
  /** Method and path that a client let in without its own credentials may use (rule 15). */
  isViewerRequest(method: string, path: string, query: string): boolean;
  /** The kind's public sign-in calls (rule 17). */
  isSignIn(method: string, path: string): boolean;
  /** Media that the server serves to anyone because apps send no token (rule 18). */
  isTokenlessMedia(path: string): boolean;
  /** True when this upstream path needs X-Plex-style headers other than the token dropped (`bare_streams = "auto"`). */
  isBareStream(path: string): boolean;

  /** `X.Y.Z` below which this kind is known to be vulnerable; undefined: no table. */
  readonly minimumSafeVersion: string | undefined;
}
