/** Sends one request to the media server and relays the answer, with backpressure and without touching the body. */
import { systemCodeOf } from '../../lib/errors.ts';
import type { FullLaneLimits } from '../limits.ts';
import type { Upstream } from '../upstream.ts';
import { type AnswerBody, bodyFramedBy } from './answer-body.ts';
import { type AnswerHead, linkLines, readAnswerHead } from './answer-head.ts';
import type { AnswerReceiver, UpstreamConnection } from './upstream-connection.ts';
import type { Borrower, UpstreamPool } from './upstream-pool.ts';

const END_OF_HEAD = '\r\n\r\n';
const SWITCHING_PROTOCOLS = 101;
const EARLY_HINTS = 103;
/** Nearly all heads are shorter. */
const COMMON_HEAD_BYTES = 1_024;
const NOTHING = Buffer.alloc(0);
/** An answer of this size is copied into Node's buffer pool, and its connection serves the next request at once. */
const SMALL_ANSWER_BYTES = 4_000;

/** What is relayed, and between whom. */
export interface RelayJob {
  readonly method: string;
  /** The request for the server, complete (Latin-1). */
  readonly text: string;
  readonly upstream: Upstream;
  readonly pool: UpstreamPool;
  readonly limits: FullLaneLimits;
}

/** The client's side of a relay. */
export interface RelayClient {
  /** The relay stands still for so long at most; then `expire` is called. */
  setDeadline(timeoutMs: number): void;
  /** Writes text (Latin-1) and bytes as one; `onWritten` is called when the bytes are not needed any more. */
  write(text: string, bytes: Buffer, onWritten: () => void): void;
  /** The head of the answer is about to be written; returns the lines about the client's own connection. */
  answering(status: number): string;
  /** Nothing of an answer was written, and nothing follows. */
  failed(kind: 'down' | 'silent', error: Error): void;
  /** The answer breaks off; nothing follows. */
  broken(error: Error): void;
  /** The answer is written. */
  complete(): void;
}

export class AnswerRelay implements AnswerReceiver, Borrower {
  readonly #job: RelayJob;
  readonly #client: RelayClient;
  readonly #onWritten = () => this.#written();
  #phase: 'waiting' | 'answering' | 'done' = 'waiting';
  /** Undefined: it has ended, or serves another request already. */
  #server: UpstreamConnection | undefined;
  #hasRetried = false;
  /** The beginning of a head that comes in pieces. */
  #headBytes: Buffer | undefined;
  #hasReceived = false;
  #answer: AnswerHead | undefined;
  #body: AnswerBody | undefined;
  #pendingWrites = 0;
  /** The server's connection waits until the client has what it brought. */
  #isStopped = false;

  constructor(job: RelayJob, client: RelayClient) {
    this.#job = job;
    this.#client = client;
  }

  start(): void {
    const { pool, upstream } = this.#job;
    pool.lend(upstream, this);
  }

  /** Takes a connection that was asked for. Returns false when it is not wanted any more. */
  take(server: UpstreamConnection): boolean {
    if (this.#phase !== 'waiting') return false;
    const { connectTimeoutMs, firstByteTimeoutMs } = this.#job.limits;
    this.#server = server;
    this.#client.setDeadline(server.isConnecting ? connectTimeoutMs : firstByteTimeoutMs);
    server.send(this.#job.text, this);
    return true;
  }

  /** Ends the request to the server; no event follows. */
  cancel(): void {
    this.#phase = 'done';
    this.#server?.destroy();
    this.#server = undefined;
  }

  /** The deadline has passed. */
  expire(): void {
    if (this.#phase === 'answering') this.#break(new Error('the answer stood still for too long'));
    else if (this.#server?.isConnecting === true) this.#fail('down', new Error('the connection was not made in time'));
    else this.#fail('silent', new Error('no answer in time'));
  }

  connected(): void {
    if (this.#phase === 'waiting') this.#client.setDeadline(this.#job.limits.firstByteTimeoutMs);
  }

  received(bytes: Buffer): boolean {
    this.#hasReceived = true;
    if (this.#phase === 'waiting') return this.#readHead(bytes);
    this.#client.setDeadline(this.#job.limits.answerIdleTimeoutMs);
    return this.#relay('', bytes);
  }

  ended(error: Error | undefined): void {
    const server = this.#server;
    this.#server = undefined;
    if (this.#phase === 'waiting') this.#endedEarly(server, error);
    else if (this.#phase === 'answering' && this.#body?.isComplete === false) this.#endedInBody(this.#body, error);
  }

  #written(): void {
    this.#pendingWrites -= 1;
    if (this.#pendingWrites > 0 || this.#phase !== 'answering') return;
    if (this.#body?.isComplete === true) this.#complete();
    else if (this.#isStopped) this.#resume();
  }

  /** Returns whether the server's connection may go on reading; so do the others below. */
  #readHead(bytes: Buffer): boolean {
    const { method, limits } = this.#job;
    let unread = this.#headBytes === undefined ? bytes : Buffer.concat([this.#headBytes, bytes]);
    this.#headBytes = undefined;
    while (unread.length > 0) {
      const { text, end } = findHead(unread, limits.headerBytes);
      const headLength = end === -1 ? unread.length : end + END_OF_HEAD.length;
      if (headLength > limits.headerBytes) return this.#fail('down', new Error('the head of the answer is too long'));
      if (end === -1) {
        this.#headBytes = Buffer.from(unread);
        return true;
      }
      const head = readAnswerHead(text.slice(0, headLength), method);
      if ('fault' in head) return this.#fail('down', new Error(head.fault));
      unread = unread.subarray(headLength);
      if (head.status >= 200) return this.#begin(head, unread);
      if (head.status === SWITCHING_PROTOCOLS) return this.#fail('down', new Error('the answer is an upgrade'));
      if (head.status === EARLY_HINTS) this.#passHints(head);
    }
    return true;
  }

  /** RFC 8297; other informational answers mean nothing to a client that asked for none of them. */
  #passHints(head: AnswerHead): void {
    const links = linkLines(head);
    if (links !== '') this.#write(`HTTP/1.1 103 Early Hints\r\n${links}\r\n`, NOTHING);
  }

  #begin(answer: AnswerHead, bytes: Buffer): boolean {
    const { limits } = this.#job;
    this.#phase = 'answering';
    this.#answer = answer;
    this.#body = bodyFramedBy(answer.framing, limits.headerBytes);
    this.#client.setDeadline(limits.answerIdleTimeoutMs);
    return this.#relay(`${answer.text}${this.#client.answering(answer.status)}\r\n`, bytes);
  }

  /** Passes on what belongs to the body, behind `headText`. */
  #relay(headText: string, bytes: Buffer): boolean {
    const body = this.#body;
    if (body === undefined || (body.isComplete && headText === '')) return this.#dropSurplus();
    const data = body.take(bytes);
    if (body.isBroken) return this.#break(new Error('the chunks of the answer cannot be read'));
    if (headText === '' && data.length === 0) return true;
    if (headText !== '' && headText.length + data.length <= SMALL_ANSWER_BYTES) {
      this.#write('', copyOf(headText, data));
      if (body.isComplete) this.#release();
      return true;
    }
    this.#isStopped = true;
    this.#write(headText, data);
    return false;
  }

  #write(text: string, bytes: Buffer): void {
    this.#pendingWrites += 1;
    this.#client.write(text, bytes, this.#onWritten);
  }

  #resume(): void {
    this.#isStopped = false;
    this.#server?.resume();
  }

  #complete(): void {
    this.#release();
    this.#phase = 'done';
    this.#client.complete();
  }

  /** The server's connection is free for the next request, unless it has said or sent something else. */
  #release(): void {
    const server = this.#server;
    const answer = this.#answer;
    if (server === undefined || answer === undefined) return;
    this.#server = undefined;
    if (!answer.keepsAlive || this.#body?.hasSurplus === true) {
      server.destroy();
      return;
    }
    this.#job.pool.keep(server, answer.keepAliveSeconds);
    if (this.#isStopped) server.resume();
  }

  #dropSurplus(): boolean {
    this.#server?.destroy();
    this.#server = undefined;
    return false;
  }

  #endedEarly(server: UpstreamConnection | undefined, error: Error | undefined): void {
    if (!this.#mayRetry(server, error)) {
      this.#fail('down', error ?? hungUp());
      return;
    }
    this.#hasRetried = true;
    const { pool, upstream } = this.#job;
    pool.lend(upstream, this, 'fresh');
  }

  /** A kept connection that the server closed just now tells nothing about the server. */
  #mayRetry(server: UpstreamConnection | undefined, error: Error | undefined): boolean {
    const { method } = this.#job;
    if (method !== 'GET' && method !== 'HEAD') return false;
    if (this.#hasRetried || this.#hasReceived || server?.isReused !== true) return false;
    const code = systemCodeOf(error);
    return error === undefined || code === 'ECONNRESET' || code === 'EPIPE';
  }

  /** Only where the connection's end is the body's, it may end in order. */
  #endedInBody(body: AnswerBody, error: Error | undefined): void {
    const lastBytes = error === undefined ? body.end() : NOTHING;
    if (body.isComplete) this.#write('', lastBytes);
    else this.#break(error ?? hungUp());
  }

  #fail(kind: 'down' | 'silent', error: Error): false {
    this.cancel();
    this.#client.failed(kind, error);
    return false;
  }

  #break(error: Error): false {
    this.cancel();
    this.#client.broken(error);
    return false;
  }
}

/** Latin-1 with the head in it, and where its last line ends; -1: not there yet. Behind a head there may be much of a body. */
function findHead(bytes: Buffer, maxBytes: number): { readonly text: string; readonly end: number } {
  const start = bytes.toString('latin1', 0, COMMON_HEAD_BYTES);
  const end = start.indexOf(END_OF_HEAD);
  if (end !== -1 || bytes.length <= COMMON_HEAD_BYTES) return { text: start, end };
  const text = bytes.toString('latin1', 0, maxBytes + 1);
  return { text, end: text.indexOf(END_OF_HEAD) };
}

/** Text and bytes in a buffer of their own. */
function copyOf(text: string, bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(text.length + bytes.length);
  copy.write(text, 0, 'latin1');
  bytes.copy(copy, text.length);
  return copy;
}

/** What Node's own client calls it, too. */
function hungUp(): Error {
  return Object.assign(new Error('the server closed the connection before its answer was complete'), {
    code: 'ECONNRESET',
  });
}
