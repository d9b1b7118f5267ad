/** One client connection in the express lane: reads plain requests one after another, and hands everything else over to the full lane. */
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { LastDecision } from '../client-message.ts';
import type { Client } from '../forwarding-headers.ts';
import type { Peer, RequestHead } from '../request.ts';
import { ExpressExchange } from './express-exchange.ts';
import type { ExpressShared } from './express-shared.ts';
import { MAX_KEPT_LENGTH, type PlainRequest, RequestReader } from './request-reader.ts';
import { fieldLines } from './request-text.ts';

/** A head in more pieces than this is put together by the full lane's parser, which does not begin anew with each. */
const MAX_PIECES = 8;
const NEVER = Number.POSITIVE_INFINITY;
const END_OF_HEAD = '\r\n\r\n';

export class ExpressConnection {
  readonly socket: Socket;
  readonly peer: Peer;
  /** Undefined: nothing was decided yet. */
  last: LastDecision | undefined;
  /** Monotonic milliseconds; then `expire` is due. */
  deadlineMs = 0;
  readonly #shared: ExpressShared;
  #unread: Buffer | undefined;
  #pieces = 0;
  #exchange: ExpressExchange | undefined;
  #isHalfClosed = false;
  readonly #reader: RequestReader;
  #lines: { readonly text: string; readonly of: readonly string[]; readonly client: Client } | undefined;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(socket: Socket, peer: Peer, shared: ExpressShared) {
    this.socket = socket;
    this.peer = peer;
    this.#shared = shared;
    this.#reader = new RequestReader(shared.limits.headerBytes / 2);
  }

  /** Starts to read. */
  open(unread: Buffer | undefined): void {
    const { socket } = this;
    this.setDeadline(this.#shared.limits.headTimeoutMs);
    socket.on('error', ignoreError);
    socket.on('data', this.#onData);
    socket.push = this.#push;
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
    if (unread !== undefined && unread.length > 0) this.#onData(unread);
    if (socket.isPaused()) socket.resume();
  }

  /** No request is running. */
  get isIdle(): boolean {
    return this.#exchange === undefined;
  }

  get exchange(): ExpressExchange | undefined {
    return this.#exchange;
  }

  /** The client has closed its sending side: it still reads, or it is gone. */
  get isHalfClosed(): boolean {
    return this.#isHalfClosed;
  }

  /** The connection ends behind the present answer. */
  get isEnding(): boolean {
    return this.#isHalfClosed || this.#shared.isDraining;
  }

  setDeadline(timeoutMs: number): void {
    const { limits, nextSweepMs } = this.#shared;
    this.deadlineMs = nextSweepMs + (this.#isHalfClosed ? Math.min(timeoutMs, limits.halfClosedTimeoutMs) : timeoutMs);
  }

  /** The deadline has passed. */
  expire(): void {
    if (this.#exchange === undefined) this.socket.destroy();
    else this.#exchange.expire();
  }

  /** Writes text (Latin-1) and bytes in one go. `onWritten` may come after the connection's end, too. */
  write(text: string, bytes: Buffer, onWritten: () => void): void {
    const { socket } = this;
    this.#bytesSent += text.length + bytes.length;
    if (text === '') {
      socket.write(bytes, onWritten);
      return;
    }
    socket.cork();
    socket.write(text, 'latin1');
    socket.write(bytes, onWritten);
    socket.uncork();
  }

  /** The request has been acted on: its bytes are not needed any more. */
  consume({ byteLength }: PlainRequest): void {
    const { length = 0 } = this.#unread ?? {};
    this.#unread = length > byteLength ? this.#unread?.subarray(byteLength) : undefined;
  }

  /** The field lines for the server, from `rawHeaders`; undefined when they cannot be sent. The same ones again, unless long, are not written again. */
  fieldLines(head: RequestHead, rawHeaders: readonly string[], client: Client): string | undefined {
    const known = this.#lines;
    if (known?.of === rawHeaders && known.client.address === client.address && known.client.tls === client.tls) {
      return known.text;
    }
    const text = fieldLines(head, rawHeaders, { client, peer: this.peer });
    const isKept = rawHeaders === head.rawHeaders && text !== undefined && text.length <= MAX_KEPT_LENGTH;
    this.#lines = isKept ? { text, of: rawHeaders, client } : undefined;
    return text;
  }

  /** Gives the connection to the full lane, for good. */
  handOver(): void {
    const { socket } = this;
    socket.off('error', ignoreError);
    this.#stopReading();
    socket.off('end', this.#onEnd);
    socket.off('close', this.#onClose);
    this.#exchange = undefined;
    this.#shared.handOver(this, this.#unread);
  }

  /** The present answer has ended. */
  finished(closes: boolean): void {
    this.#exchange = undefined;
    if (closes || this.isEnding) this.#endGently();
    else if (this.#unread !== undefined) this.#readOn();
    else this.setDeadline(this.#shared.limits.keepAliveTimeoutMs);
    this.#shared.becameIdle();
  }

  /** Bytes to the client since the last call. */
  takeBytesSent(): number {
    const count = this.#bytesSent;
    this.#bytesSent = 0;
    return count;
  }

  /** Bytes from the client since the last call. */
  takeBytesReceived(): number {
    const count = this.#bytesReceived;
    this.#bytesReceived = 0;
    return count;
  }

  readonly #onData = (chunk: Buffer) => {
    this.#bytesReceived += chunk.length;
    this.#unread = this.#unread === undefined ? chunk : Buffer.concat([this.#unread, chunk]);
    if (this.#exchange === undefined) this.#readOn();
    else this.#boundWaiting();
  };

  /**
   * Takes what the socket has read (`Readable.push`) past the queue of the stream while that is empty and flows: a fifteenth of a request's
   * time.
   */
  readonly #push = (chunk: Buffer | null): boolean => {
    const { socket } = this;
    if (chunk === null || socket.readableFlowing !== true || socket.readableLength > 0) return pushInto(socket, chunk);
    this.#onData(chunk);
    return true;
  };

  #stopReading(): void {
    this.socket.off('data', this.#onData);
    this.socket.push = Readable.prototype.push;
  }

  readonly #onEnd = () => {
    this.#isHalfClosed = true;
    if (this.#exchange === undefined) this.socket.destroy();
    else this.setDeadline(this.#shared.limits.halfClosedTimeoutMs);
  };

  readonly #onClose = () => {
    this.#exchange?.abandon();
    this.#exchange = undefined;
    this.#shared.becameIdle();
  };

  #readOn(): void {
    const { socket } = this;
    if (this.#unread === undefined) return;
    if (socket.isPaused()) socket.resume();
    const request = this.#reader.read(this.#unread.toString('latin1'));
    if (typeof request === 'object') this.#begin(request);
    else if (this.#isHalfClosed) socket.destroy();
    else if (request === 'incomplete') this.#waitForMore();
    else this.handOver();
  }

  #begin(request: PlainRequest): void {
    this.#pieces = 0;
    this.#exchange = new ExpressExchange(this.#shared, this, request);
    this.deadlineMs = NEVER;
    this.#exchange.start();
    this.#boundWaiting();
  }

  /** Too many requests in waiting end the connection, as in the full lane; too many bytes of them stay in the network. */
  #boundWaiting(): void {
    const waiting = this.#unread;
    if (waiting === undefined || this.#exchange === undefined) return;
    const { pipelinedRequests, headerBytes } = this.#shared.limits;
    if (hasMoreHeads(waiting, pipelinedRequests)) this.socket.destroy();
    else if (waiting.length > headerBytes) this.socket.pause();
  }

  #waitForMore(): void {
    if (this.#pieces === 0) this.setDeadline(this.#shared.limits.headTimeoutMs);
    this.#pieces += 1;
    if (this.#pieces > MAX_PIECES) this.handOver();
  }

  /** Lets the client see the answer before the connection closes (RFC 9112 section 9.6). */
  #endGently(): void {
    const { socket } = this;
    this.#exchange = undefined;
    this.#stopReading();
    socket.resume();
    socket.end();
    this.setDeadline(this.#shared.limits.refusedBodyTimeoutMs);
  }
}

function pushInto(socket: Socket, chunk: Buffer | null): boolean {
  return Readable.prototype.push.call(socket, chunk);
}

function hasMoreHeads(bytes: Buffer, count: number): boolean {
  let from = -1;
  for (let found = 0; found <= count; found++) {
    from = bytes.indexOf(END_OF_HEAD, from + 1);
    if (from === -1) return false;
  }
  return true;
}

function ignoreError(): void {
  // Followed by `close`.
}
