/** The kept connections to the media server: bounded in number, the idle ones closed before the server would. */
import type { FullLaneLimits } from '../limits.ts';
import type { Upstream } from '../upstream.ts';
import { ReadBuffers } from './read-buffers.ts';
import { UpstreamConnection } from './upstream-connection.ts';

/** A connection is not used in the last second that the server promised: its end may be on the way. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

/** Who needs a connection. */
export interface Borrower {
  /** Returns false when it is not wanted any more. */
  take(connection: UpstreamConnection): boolean;
}

export class UpstreamPool {
  readonly #limits: FullLaneLimits;
  readonly #buffers = new ReadBuffers();
  readonly #connections = new Set<UpstreamConnection>();
  /** The one used last stands last, and is used first. */
  #idle: UpstreamConnection[] = [];
  /** The fewest that were idle since the last sweep: so many nobody has needed. */
  #unneeded = 0;
  readonly #waiting: { readonly upstream: Upstream; readonly borrower: Borrower }[] = [];
  #upstream: Upstream | undefined;
  /** The time of the last sweep: idle connections are closed early rather than late. */
  #sweptMs = Math.floor(performance.now());

  constructor(limits: FullLaneLimits) {
    this.#limits = limits;
  }

  /**
   * Hands `borrower` a kept connection, or a new one (always when `fresh`), at once; or when one becomes free, while too many are in use.
   * When the server moves, kept ones are closed.
   */
  lend(upstream: Upstream, borrower: Borrower, which: 'kept' | 'fresh' = 'kept'): void {
    if (this.#upstream !== upstream) this.#moveTo(upstream);
    const kept = which === 'fresh' ? undefined : this.#idle.pop();
    this.#unneeded = Math.min(this.#unneeded, this.#idle.length);
    if (kept === undefined && this.#connections.size >= this.#limits.upstreamSockets) {
      this.#waiting.push({ upstream, borrower });
      return;
    }
    const connection = kept ?? this.#connect(upstream);
    if (!borrower.take(connection)) this.keep(connection, undefined);
  }

  /** Keeps a connection whose answer is complete for the next request, unless it would cost more than a new one. */
  keep(connection: UpstreamConnection, keepAliveSeconds: number | undefined): void {
    connection.detach();
    const promisedMs =
      keepAliveSeconds === undefined ? Number.POSITIVE_INFINITY : keepAliveSeconds * 1000 - KEEP_ALIVE_MARGIN_MS;
    const keptMs = Math.min(this.#limits.idleUpstreamTimeoutMs, promisedMs);
    if (connection.upstream !== this.#upstream || keptMs <= 0 || connection.hasLargeBuffer) {
      connection.destroy();
      return;
    }
    if (this.#waiting.length > 0 && this.#serveWaiting(connection)) return;
    connection.idleUntilMs = this.#sweptMs + keptMs;
    this.#idle.push(connection);
  }

  /** Closes what was idle for too long, and what a burst has left over and nobody has needed since the last time. Call it about once a second. */
  sweep(nowMs: number): void {
    this.#sweptMs = nowMs;
    const surplus = Math.min(this.#unneeded, this.#idle.length - this.#limits.idleUpstreamSockets);
    const isKept = (connection: UpstreamConnection, index: number) =>
      index >= surplus && connection.idleUntilMs > nowMs;
    const closed = this.#idle.filter((connection, index) => !isKept(connection, index));
    this.#idle = this.#idle.filter(isKept);
    this.#unneeded = this.#idle.length;
    for (const connection of closed) connection.destroy();
  }

  /** Closes the idle connections and keeps no more. */
  close(): void {
    this.#moveTo(undefined);
  }

  #moveTo(upstream: Upstream | undefined): void {
    const former = this.#idle;
    this.#upstream = upstream;
    this.#idle = [];
    for (const connection of former) connection.destroy();
  }

  #connect(upstream: Upstream): UpstreamConnection {
    const connection = new UpstreamConnection(upstream, this.#buffers, (closed) => this.#forget(closed));
    this.#connections.add(connection);
    return connection;
  }

  #forget(connection: UpstreamConnection): void {
    this.#connections.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    const next = this.#waiting.shift();
    if (next !== undefined) this.lend(next.upstream, next.borrower);
  }

  /** Returns whether the connection is taken care of. */
  #serveWaiting(connection: UpstreamConnection): boolean {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (next.upstream !== connection.upstream) {
        this.#waiting.unshift(next);
        connection.destroy();
        return true;
      }
      if (next.borrower.take(connection)) return true;
    }
    return false;
  }
}
