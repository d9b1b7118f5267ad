/** What the full lane is given, what it reports, and what its requests share. Types only. */
import type { Decision, Forward, Page, RefusalReason, Refuse, RuleName } from '../access/decision.ts';
import type { Log } from '../lib/log.ts';
import type { ClientAnswer, ReceivedRequest } from './client-message.ts';
import type { Forwarder } from './forward.ts';
import type { Client } from './forwarding-headers.ts';
import type { FullLaneLimits } from './limits.ts';
import type { Peer, RequestHead } from './request.ts';
import type { Upstream } from './upstream.ts';

/** What the gateway hands to the full lane. */
export interface FullLaneOptions {
  /** The policy. Called for every request, and again for what is open. */
  decide(head: RequestHead, peer: Peer): Decision | Promise<Decision>;
  /** Where the media server is now; undefined: not known. */
  upstream(): Upstream | undefined;
  /** The request as the decision wants it: credentials kept, replaced or removed. */
  prepare(head: RequestHead, decision: Forward): { readonly target: string; readonly rawHeaders: readonly string[] };
  /** Who asks, for the forwarding fields and the record. */
  clientOf(head: RequestHead, peer: Peer): Client;
  /** Answers one of the gateway's own pages, to its end. */
  page(ask: PageAsk): void | Promise<void>;
  /** The body of the public identity endpoint, from the last probe; undefined: there was none yet. */
  identity(head: RequestHead): { readonly contentType: string; readonly body: string } | undefined;
  /** The origin that may read an error which the policy did not foresee (502, 503, 504). */
  corsOrigin?(head: RequestHead, peer: Peer): string | undefined;
  /** Counts a stream of HTTP/2 for its client until it closes, or says why the client may not have another. */
  refuseStream?(stream: Closeable, peer: Peer): Refuse | undefined;
  /** The server kind's fields on a 401 and 498. */
  unauthorizedHeaders?(): Readonly<Record<string, string>>;
  /** Every request, once, when its answer or its WebSocket has ended. */
  onFinished?(record: RequestRecord): void;
  /** The server refused the connection, broke off, talked nonsense or stayed silent: evidence for the monitor. */
  onUpstreamFailure?(error: Error): void;
  /** An answer is about to be passed on. */
  onUpstreamAnswer?(answer: UpstreamAnswer): void;
  readonly log?: Log;
  readonly limits?: Partial<FullLaneLimits>;
}

/** One open connection of a client, by the last decision on it. */
export interface OpenConnection {
  /** Undefined: nobody said who it is. */
  readonly client: string | undefined;
  /** Undefined: nothing was decided yet. */
  readonly rule: RuleName | undefined;
  /** A request is under way. */
  readonly isBusy: boolean;
  /** It has become a WebSocket. */
  readonly isUpgraded: boolean;
}

/** Which lane served a request. */
export type LaneName = 'express' | 'full';

/** A connection, or a stream of one. */
export interface Closeable {
  once(event: 'close', listener: () => void): unknown;
}

export interface PageAsk {
  readonly request: ReceivedRequest;
  readonly response: ClientAnswer;
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly client: Client;
  readonly decision: Page;
}

/** The beginning of an answer of the media server. */
export interface UpstreamAnswer {
  /** The request that it answers. */
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly status: number;
  /** From the moment in which the request was passed on. */
  readonly waitedMs: number;
}

/** One line of the access log. Free of secrets: the query is left out. */
export interface RequestRecord {
  readonly lane: LaneName;
  /** Undefined: nobody said who it is. */
  readonly client: string | undefined;
  readonly method: string;
  readonly path: string;
  /** 0: the connection ended before an answer. */
  readonly status: number;
  readonly rule: RuleName | undefined;
  readonly reason: RefusalReason | undefined;
  /** Bytes to and from the client since the last record of its connection or stream, heads included, TLS and frames not. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly durationMs: number;
  readonly upgraded: boolean;
  /** The answer did not come to its end: the client left, the server broke off, or the gateway cut it. */
  readonly aborted: boolean;
}

/** What all exchanges of a lane share. `generation` counts the changes after which decisions are made again. */
export interface Lane {
  readonly options: FullLaneOptions;
  readonly limits: FullLaneLimits;
  readonly forwarder: Forwarder;
  readonly log: Log;
  readonly generation: number;
  readonly isDraining: boolean;
}
