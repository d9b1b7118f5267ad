/** A connection to the media server that carries one request after another, and reads all answers into one buffer of its own. */
import { connect, type Socket } from 'node:net';
import type { Upstream } from '../upstream.ts';
import type { ReadBuffers } from './read-buffers.ts';

/** An answer that is this long and fills the buffer at once is a film. */
const LONG_ANSWER_BYTES = 1024 * 1024;

/** Who waits for an answer. */
export interface AnswerReceiver {
  /** The connection is made; not called on one that was open already. */
  connected(): void;
  /**
   * The next bytes, in a buffer that is used again: they may be kept only when this returns false, which stops the reading until
   * `resume`.
   */
  received(bytes: Buffer): boolean;
  /** The server ended in order, or broke off with this error. Nothing follows. */
  ended(error: Error | undefined): void;
}

export class UpstreamConnection {
  readonly upstream: Upstream;
  /** Monotonic milliseconds until which the idle connection is worth keeping. */
  idleUntilMs = 0;
  readonly #socket: Socket;
  readonly #buffers: ReadBuffers;
  readonly #onClosed: (connection: UpstreamConnection) => void;
  #buffer: Buffer;
  #isBufferLent = false;
  #answerBytes = 0;
  #receiver: AnswerReceiver | undefined;
  #error: Error | undefined;
  #hasEnded = false;
  #requests = 0;

  constructor(upstream: Upstream, buffers: ReadBuffers, onClosed: (connection: UpstreamConnection) => void) {
    this.upstream = upstream;
    this.#buffers = buffers;
    this.#onClosed = onClosed;
    this.#buffer = buffers.small();
    this.#socket = connect({
      host: upstream.hostname,
      port: upstream.port,
      noDelay: true,
      onread: { buffer: () => this.#buffer, callback: (count) => this.#read(count) },
    });
    this.#socket.once('connect', () => this.#receiver?.connected());
    this.#socket.on('error', (error) => {
      this.#error = error;
    });
    this.#socket.once('end', () => this.#end());
    this.#socket.once('close', () => this.#end());
  }

  /** It has carried an earlier request. */
  get isReused(): boolean {
    return this.#requests > 1;
  }

  /** It has carried a film, and would keep its large buffer. */
  get hasLargeBuffer(): boolean {
    return this.#isBufferLent;
  }

  get isConnecting(): boolean {
    return this.#socket.connecting;
  }

  /** Sends a request head (Latin-1); its answer goes to `receiver`. */
  send(text: string, receiver: AnswerReceiver): void {
    this.#requests += 1;
    this.#answerBytes = 0;
    this.#receiver = receiver;
    this.#socket.write(text, 'latin1');
  }

  /** Reads on after `received` returned false. */
  resume(): void {
    this.#socket.resume();
  }

  /** The answer is complete: what comes now belongs to nobody. */
  detach(): void {
    this.#receiver = undefined;
  }

  destroy(): void {
    this.#receiver = undefined;
    this.#socket.destroy();
  }

  #read(count: number): boolean {
    const buffer = this.#buffer;
    this.#answerBytes += count;
    // The receiver may keep the present one: what is read next goes into the other.
    if (count === buffer.length && this.#answerBytes > LONG_ANSWER_BYTES && !this.#isBufferLent) this.#growBuffer();
    if (this.#receiver !== undefined) return this.#receiver.received(buffer.subarray(0, count));
    this.#socket.destroy();
    return false;
  }

  #growBuffer(): void {
    const large = this.#buffers.lendLarge();
    if (large === undefined) return;
    this.#buffer = large;
    this.#isBufferLent = true;
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const receiver = this.#receiver;
    this.destroy();
    if (this.#isBufferLent) this.#buffers.giveBack(this.#buffer);
    this.#onClosed(this);
    receiver?.ended(this.#error);
  }
}
