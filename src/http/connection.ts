/** One client connection: who is at its other end, its requests one after another, and how long it may stand still. */
import type { Socket } from 'node:net';
import type { Carrier, ClientAnswer, LastDecision } from './client-message.ts';
import type { FullLaneLimits } from './limits.ts';
import type { Peer } from './request.ts';

/** Something that waits for its turn to answer on a connection. */
export interface Turn {
  /** When it closes, the next turn starts. Undefined: nothing comes after. */
  readonly response: ClientAnswer | undefined;
  start(): void;
  /** The parser failed behind this request's head. Returns false when its body was complete, and so the next message is at fault. */
  bodyUnreadable(): boolean;
}

export class ClientConnection implements Carrier {
  readonly socket: Socket;
  readonly peer: Peer;
  /** Undefined: nothing was decided yet. */
  last: LastDecision | undefined;
  readonly #limits: FullLaneLimits;
  readonly #turns: Turn[] = [];
  #isHalfClosed = false;
  #isClosing = false;
  #bytesReadAtFault: number | undefined;
  #countedSent: number;
  #countedReceived: number;

  constructor(socket: Socket, peer: Peer, limits: FullLaneLimits) {
    this.socket = socket;
    this.peer = peer;
    this.#limits = limits;
    // An express lane may have served, and counted, the requests before.
    this.#countedSent = socket.bytesWritten;
    this.#countedReceived = socket.bytesRead - socket.readableLength;
    socket.once('end', () => this.#clientEnded());
  }

  /** The request that runs, and those that wait behind it. */
  get turns(): readonly Turn[] {
    return this.#turns;
  }

  get isGone(): boolean {
    return this.socket.destroyed;
  }

  /** No request is running or waiting. */
  get isIdle(): boolean {
    return this.#turns.length === 0;
  }

  /** The client has closed its sending side: it still reads, or it is gone. */
  get isHalfClosed(): boolean {
    return this.#isHalfClosed;
  }

  /**
   * Starts a request when those before it are answered: pipelined requests must not overtake each other, and the policy decides
   * on each when its turn comes (RFC 9112 section 9.3.2). Too many in waiting end the connection.
   */
  enqueue(turn: Turn): void {
    if (this.#isClosing) return;
    this.#turns.push(turn);
    if (this.#turns.length === 1) this.#startFirst();
    else if (this.#turns.length > this.#limits.pipelinedRequests) this.socket.destroy();
  }

  cut(): void {
    this.socket.destroy();
  }

  /** No request behind the present one is started. */
  endAfterPresent(): void {
    this.#isClosing = true;
    this.#turns.splice(1);
  }

  /** What the client sends cannot be read any further. `refusal` takes its turn behind the requests that could be. */
  failed(refusal: Turn): void {
    this.#bytesReadAtFault ??= this.socket.bytesRead;
    if (this.socket.bytesRead - this.#bytesReadAtFault > this.#limits.refusedBodyBytes) this.socket.pause();
    if (this.#isClosing) return;
    if (this.#turns.at(-1)?.bodyUnreadable() !== true) this.enqueue(refusal);
    this.#isClosing = true;
  }

  /** The connection ends when it stands still for so long; 0: somebody else's deadline counts. */
  setIdleTimeout(timeoutMs: number): void {
    const { halfClosedTimeoutMs } = this.#limits;
    const isShorter = timeoutMs > 0 && timeoutMs < halfClosedTimeoutMs;
    this.socket.setTimeout(this.#isHalfClosed && !isShorter ? halfClosedTimeoutMs : timeoutMs);
  }

  /** Bytes in both directions since the last call. */
  takeTraffic(): { bytesSent: number; bytesReceived: number } {
    const { bytesWritten, bytesRead } = this.socket;
    const traffic = { bytesSent: bytesWritten - this.#countedSent, bytesReceived: bytesRead - this.#countedReceived };
    this.#countedSent = bytesWritten;
    this.#countedReceived = bytesRead;
    return traffic;
  }

  #startFirst(): void {
    const first = this.#turns[0];
    if (first === undefined || this.socket.destroyed) return;
    first.response?.once('close', () => {
      this.#turns.shift();
      this.#startFirst();
    });
    first.start();
  }

  #clientEnded(): void {
    this.#isHalfClosed = true;
    if (!this.isIdle) this.setIdleTimeout(0);
  }
}
