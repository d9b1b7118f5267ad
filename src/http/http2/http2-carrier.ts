/** One HTTP/2 stream as what carries an exchange: its request and answer, what they have moved, and how long they may stand still. */
import type { ServerHttp2Stream } from 'node:http2';
import type { Carrier, LastDecision } from '../client-message.ts';
import type { Peer } from '../request.ts';
import { Http2Answer } from './http2-answer.ts';
import type { Http2Head } from './http2-head.ts';
import { Http2Request } from './http2-request.ts';

/** What the streams of one connection share. */
interface Shared {
  readonly peer: Peer;
  last: LastDecision | undefined;
}

export class Http2Carrier implements Carrier {
  /** A client that has ended its side of a stream has only ended its request. */
  readonly isHalfClosed = false;
  readonly request: Http2Request;
  readonly answer: Http2Answer;
  readonly #connection: Shared;
  readonly #stream: ServerHttp2Stream;
  /** Node's own timer of a stream takes the progress of other streams for this one's. */
  #idleTimer: NodeJS.Timeout | undefined;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(stream: ServerHttp2Stream, connection: Shared, head: Http2Head) {
    this.#connection = connection;
    this.#stream = stream;
    this.#bytesReceived = head.byteLength;
    this.request = new Http2Request(stream, head.parts, (byteLength) => {
      this.#bytesReceived += byteLength;
      this.#idleTimer?.refresh();
    });
    this.answer = new Http2Answer(stream, this.request, (byteLength) => {
      this.#bytesSent += byteLength;
      this.#idleTimer?.refresh();
    });
    this.answer.once('close', () => clearTimeout(this.#idleTimer));
  }

  get peer(): Peer {
    return this.#connection.peer;
  }

  get last(): LastDecision | undefined {
    return this.#connection.last;
  }

  set last(decision: LastDecision | undefined) {
    this.#connection.last = decision;
  }

  get isGone(): boolean {
    return this.#stream.closed || this.#stream.destroyed;
  }

  cut(): void {
    this.answer.destroy();
  }

  /** Other streams are other requests: they go on. */
  endAfterPresent(): void {}

  setIdleTimeout(timeoutMs: number): void {
    clearTimeout(this.#idleTimer);
    const isOver = timeoutMs === 0 || this.answer.destroyed;
    this.#idleTimer = isOver ? undefined : setTimeout(() => this.answer.emit('timeout'), timeoutMs);
  }

  takeTraffic(): { bytesSent: number; bytesReceived: number } {
    const traffic = { bytesSent: this.#bytesSent, bytesReceived: this.#bytesReceived };
    this.#bytesSent = 0;
    this.#bytesReceived = 0;
    return traffic;
  }
}
