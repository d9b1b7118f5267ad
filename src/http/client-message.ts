/** A client's request, the answer to it and what carries the two, whichever version of HTTP that is. Types only. */
import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { RuleName } from '../access/decision.ts';
import type { Peer } from './request.ts';

/** The request: its head in the words of HTTP/1, and its body to be read. */
export interface ReceivedRequest extends Readable {
  readonly method?: string | undefined;
  /** The request target. */
  readonly url?: string | undefined;
  readonly httpVersion: string;
  /** Name, value, name, value. */
  readonly rawHeaders: string[];
  /** What frames the body. */
  readonly headers: Pick<IncomingMessage['headers'], 'content-length' | 'transfer-encoding'>;
  /** The body has come to its end. */
  readonly complete: boolean;
}

/** The answer, as much of Node's `ServerResponse` as there is in every version. Emits `timeout` when its carrier stands still. */
export interface ClientAnswer extends Writable {
  readonly req: Pick<ReceivedRequest, 'method' | 'httpVersion'>;
  readonly headersSent: boolean;
  readonly statusCode: number;
  sendDate: boolean;
  /** What carries it may serve another request afterwards. */
  shouldKeepAlive: boolean;
  /** The body has no length, and an end of its own. */
  readonly chunkedEncoding: boolean;
  /** Null where it shares a connection with others. */
  readonly socket: Socket | null;
  writeHead(status: number, headers?: OutgoingHttpHeaders): ClientAnswer;
  writeHead(status: number, reason: string, rawHeaders: OutgoingHttpHeader[]): ClientAnswer;
  /** Sends the head before there is a body. */
  flushHeaders(): void;
  addTrailers(trailers: readonly [string, string][]): void;
  writeContinue(): void;
  /** May throw when `link` is no Link field. */
  writeEarlyHints(hints: { readonly link: string | string[] }): void;
}

/** Who is at the other end, and the rule that decided last. */
export interface LastDecision {
  readonly client: string | undefined;
  readonly rule: RuleName;
}

/** What carries one request at a time: a connection of HTTP/1, or one stream of HTTP/2. */
export interface Carrier {
  readonly peer: Peer;
  /** Undefined: nothing was decided yet. */
  last: LastDecision | undefined;
  /** It has closed. */
  readonly isGone: boolean;
  /** The client has closed its sending side: it still reads, or it is gone. */
  readonly isHalfClosed: boolean;
  /** Ends it at once, so that no client takes it for the end of an answer. */
  cut(): void;
  /** It serves no request behind the present one. */
  endAfterPresent(): void;
  /** The answer emits `timeout` when nothing moves for so long; 0: somebody else's deadline counts. */
  setIdleTimeout(timeoutMs: number): void;
  /** Bytes in both directions since the last call. */
  takeTraffic(): { readonly bytesSent: number; readonly bytesReceived: number };
}
