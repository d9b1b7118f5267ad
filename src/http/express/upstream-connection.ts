/** A connection to the media server that carries one request after another, and reads all answers into one buffer of its own. */
import { connect, type Socket } from 'node:net';
import type { Upstream } from '../upstream.ts';

/** Two TLS records of four; larger buffers gain nothing, smaller ones cost a call each. */
const BUFFER_BYTES = 65_536;

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
  readonly #onClosed: (connection: UpstreamConnection) => void;
  #receiver: AnswerReceiver | undefined;
  #error: Error | undefined;
  #hasEnded = false;
  #requests = 0;

  constructor(upstream: Upstream, onClosed: (connection: UpstreamConnection) => void) {
    this.upstream = upstream;
    this.#onClosed = onClosed;
    const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#socket = connect({
      host: upstream.hostname,
      port: upstream.port,
      noDelay: true,
      onread: { buffer, callback: (count) => this.#read(buffer.subarray(0, count)) },
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

  get isConnecting(): boolean {
    return this.#socket.connecting;
  }

  /** Sends a request head (Latin-1); its answer goes to `receiver`. */
  send(text: string, receiver: AnswerReceiver): void {
    this.#requests += 1;
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

  #read(bytes: Buffer): boolean {
    if (this.#receiver !== undefined) return this.#receiver.received(bytes);
    this.#socket.destroy();
    return false;
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const receiver = this.#receiver;
    this.destroy();
    this.#onClosed(this);
    receiver?.ended(this.#error);
  }
}
