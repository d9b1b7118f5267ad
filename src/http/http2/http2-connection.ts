/** One HTTP/2 connection: its session, the requests on its streams, and the bounds that keep one client from costing more than it may. */
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { isConnected } from '../../net/is-connected.ts';
import type { LastDecision } from '../client-message.ts';
import { openConnection } from '../connections.ts';
import { Exchange } from '../exchange.ts';
import type { Lane, OpenConnection } from '../lane.ts';
import type { Peer } from '../request.ts';
import { Http2Carrier } from './http2-carrier.ts';
import { translateHead } from './http2-head.ts';

/** Requests at a time; browsers ask for a wall of posters at once. */
const MAX_STREAMS = 100;
/** What the client may send ahead of its being read: on one stream, and on all together. */
const WINDOW_BYTES = 262_144;
/** Of one session: tables, heads, frames that wait; as much as all streams together may hold. Node counts in millions of bytes. */
const SESSION_MEMORY_MB = 16;
/** Fields of a head as Node counts them; `readHead` has a limit of its own, and an answer for it. */
const MAX_FIELDS = 1024;
/** Resets by the client: so many at once, and then a second (CVE-2023-44487). Whoever skips through a library makes some. */
const RESET_BURST = 500;
const RESETS_PER_SECOND = 33;
const MAX_INVALID_FRAMES = 100;
const MAX_REJECTED_STREAMS = 100;

export class Http2Connection {
  readonly peer: Peer;
  last: LastDecision | undefined;
  readonly socket: Socket;
  readonly #lane: Lane;
  readonly #session: ServerHttp2Session;
  readonly #exchanges = new Set<Exchange>();
  #idleTimer: NodeJS.Timeout | undefined;

  /** Serves `socket` until it closes. `onFinished` is called for each request that has ended. */
  constructor(socket: Socket, peer: Peer, lane: Lane, onFinished: (exchange: Exchange) => void) {
    this.#lane = lane;
    this.socket = socket;
    this.peer = peer;
    this.#session = performServerHandshake(socket, sessionOptions(lane.limits.headerBytes));
    this.#session.setLocalWindowSize(WINDOW_BYTES);
    this.#session.on('error', ignoreError);
    this.#session.on('stream', (stream, _headers, _flags, rawHeaders) => this.#begin(stream, rawHeaders, onFinished));
    // Node stops reading while it writes, and drops the error of a write that fails: without a look it would never hear of the end.
    const goneTimer = setInterval(() => isConnected(socket) || this.cut(), lane.limits.goneCheckMs).unref();
    socket.once('close', () => {
      clearTimeout(this.#idleTimer);
      clearInterval(goneTimer);
    });
    // Who closes one side has gone: streams have ends of their own. The session hears only of a socket that closes.
    socket.once('end', () => this.cut());
    this.#wait(lane.limits.headTimeoutMs);
  }

  get exchanges(): readonly Exchange[] {
    return [...this.#exchanges];
  }

  /** What there is to say of it to its owner. */
  get view(): OpenConnection {
    return openConnection(this, { isBusy: this.#exchanges.size > 0, isUpgraded: false });
  }

  /** Takes no new request; closes when those that run have ended (GOAWAY, RFC 9113 section 6.8). For a lane that is draining. */
  end(): void {
    this.#session.close();
    if (this.#exchanges.size === 0) this.#wait();
  }

  cut(): void {
    this.#session.destroy();
    this.socket.destroy();
  }

  #begin(stream: ServerHttp2Stream, rawHeaders: readonly string[], onFinished: (exchange: Exchange) => void): void {
    if (stream.destroyed) return;
    clearTimeout(this.#idleTimer);
    const head = translateHead(rawHeaders, !stream.endAfterHeaders, this.#lane.limits.headerBytes);
    const carrier = new Http2Carrier(stream, this, head);
    const refusal = head.refusal ?? this.#lane.options.refuseStream?.(stream, this.peer);
    const { request, answer } = carrier;
    const expectsContinue = isContinueExpected(head.parts.rawHeaders);
    const exchange = new Exchange(this.#lane, { carrier, request, response: answer, expectsContinue, refusal });
    this.#exchanges.add(exchange);
    answer.once('close', () => {
      this.#exchanges.delete(exchange);
      if (this.#exchanges.size === 0) this.#wait();
      onFinished(exchange);
    });
    exchange.start();
  }

  /** For a request, or for the client's end of it. PING and SETTINGS are none: they hold no connection open. */
  #wait(timeoutMs = this.#restMs): void {
    clearTimeout(this.#idleTimer);
    if (this.socket.destroyed) return;
    this.#idleTimer = setTimeout(() => this.cut(), timeoutMs);
  }

  get #restMs(): number {
    const { keepAliveTimeoutMs, halfClosedTimeoutMs } = this.#lane.limits;
    return this.#lane.isDraining ? halfClosedTimeoutMs : keepAliveTimeoutMs;
  }
}

function sessionOptions(headerBytes: number) {
  return {
    settings: {
      maxConcurrentStreams: MAX_STREAMS,
      initialWindowSize: WINDOW_BYTES,
      // Node resets a stream over this without a word: half of it is the limit, whose excess gets an answer.
      maxHeaderListSize: 2 * headerBytes,
    },
    maxHeaderListPairs: MAX_FIELDS,
    maxSendHeaderBlockLength: 2 * headerBytes,
    maxSessionMemory: SESSION_MEMORY_MB,
    maxSessionInvalidFrames: MAX_INVALID_FRAMES,
    maxSessionRejectedStreams: MAX_REJECTED_STREAMS,
    streamResetBurst: RESET_BURST,
    streamResetRate: RESETS_PER_SECOND,
    // What the media server repeats is passed on as it is.
    strictSingleValueFields: false,
  };
}

/** RFC 9110 section 10.1.1; `readHead` reads the rest. */
function isContinueExpected(rawHeaders: readonly string[]): boolean {
  return rawHeaders.some(
    (name, index) => index % 2 === 0 && name === 'expect' && rawHeaders[index + 1]?.toLowerCase() === '100-continue',
  );
}

function ignoreError(): void {
  // Followed by `close`.
}
