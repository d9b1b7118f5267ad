/** The express lane: plain requests (GET, HEAD, and POST or PUT with a short body) over kept connections, without an object per message; everything else goes to the full lane. */
import type { Socket } from 'node:net';
import { closed } from '../closed.ts';
import { ConnectionList, openConnection } from '../connections.ts';
import type { FullLane, FullLaneCounters } from '../full-lane.ts';
import { speaksHttp2 } from '../http2/alpn.ts';
import type { FullLaneOptions, OpenConnection } from '../lane.ts';
import { DEFAULT_LIMITS, type FullLaneLimits } from '../limits.ts';
import type { Peer, RequestHead } from '../request.ts';
import { ExpressConnection } from './express-connection.ts';
import type { ExpressShared } from './express-shared.ts';
import { UpstreamPool } from './upstream-pool.ts';

/** Deadlines are looked at this often: late by as much at most. */
const SWEEP_INTERVAL_MS = 500;

export interface ExpressLaneOptions extends FullLaneOptions {
  /** For connections that this lane cannot serve to their end. */
  readonly fullLane: FullLane;
  /** `listen.express`; asked for each new connection. */
  isOn(): boolean;
}

/** Makes the express lane in front of `fullLane`; to the outside the two are one. */
export function createExpressLane(options: ExpressLaneOptions): FullLane {
  return new ExpressLane(options);
}

class ExpressLane implements FullLane, ExpressShared {
  readonly options: ExpressLaneOptions;
  readonly limits: FullLaneLimits;
  readonly pool: UpstreamPool;
  readonly keepAliveLines: string;
  generation = 0;
  isDraining = false;
  readonly #connections = new ConnectionList<ExpressConnection>();
  nextSweepMs: number;
  readonly #sweepIntervalMs: number;
  readonly #sweepTimer: NodeJS.Timeout;
  #onQuiet: (() => void) | undefined;

  constructor(options: ExpressLaneOptions) {
    this.options = options;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.pool = new UpstreamPool(this.limits);
    const keepAliveSeconds = Math.floor(this.limits.keepAliveTimeoutMs / 1000);
    this.keepAliveLines = `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveSeconds}\r\n`;
    this.#sweepIntervalMs = sweepIntervalMs(this.limits);
    this.nextSweepMs = this.#sweepIntervalMs + Math.ceil(performance.now());
    this.#sweepTimer = setInterval(() => this.#sweep(), this.#sweepIntervalMs).unref();
  }

  get counters(): FullLaneCounters {
    const { connections, requestsInFlight, upgraded } = this.options.fullLane.counters;
    return {
      connections: connections + this.#connections.size,
      requestsInFlight: requestsInFlight + this.#requestsInFlight,
      upgraded,
    };
  }

  connections(): OpenConnection[] {
    const here = this.#connections
      .all()
      .map((connection) => openConnection(connection, { isBusy: !connection.isIdle, isUpgraded: false }));
    return [...here, ...this.options.fullLane.connections()];
  }

  accept(socket: Socket, peer: Peer, unread?: Buffer): void {
    if (this.isDraining || !this.options.isOn() || speaksHttp2(socket) || !this.#isServerPlain) {
      this.options.fullLane.accept(socket, peer, unread);
      return;
    }
    socket.setNoDelay(true);
    const connection = new ExpressConnection(socket, peer, this);
    this.#connections.add(connection);
    connection.open(unread);
  }

  async recheck(): Promise<number> {
    this.generation += 1;
    const exchanges = this.#connections
      .all()
      .map(({ exchange }) => exchange)
      .filter((exchange) => exchange !== undefined);
    const forwarding = exchanges.filter((exchange) => exchange.isForwarding);
    const cut = Promise.all(forwarding.map((exchange) => exchange.decideAgain()));
    const [cutInFullLane, cutHere] = await Promise.all([this.options.fullLane.recheck(), cut]);
    return cutInFullLane + cutHere.filter(Boolean).length;
  }

  async drain(graceMs: number): Promise<void> {
    this.isDraining = true;
    for (const connection of this.#connections.all()) if (connection.isIdle) connection.socket.destroy();
    await Promise.all([this.options.fullLane.drain(graceMs), this.#quiet(graceMs)]);
    const cut = this.#connections.all().map(({ socket }) => socket.destroy());
    await Promise.all(cut.map(closed));
    clearInterval(this.#sweepTimer);
    this.pool.close();
  }

  handOver(connection: ExpressConnection, unread: Buffer | undefined): void {
    this.#connections.remove(connection);
    connection.socket.pause();
    this.options.fullLane.accept(connection.socket, connection.peer, unread);
    this.#checkQuiet();
  }

  becameIdle(): void {
    if (this.isDraining) this.#checkQuiet();
  }

  logDefect(error: unknown, { path }: RequestHead): void {
    this.options.log?.error({ error, path }, 'a request failed in the gateway itself');
  }

  /** Towards a server that speaks TLS only the full lane knows the way. To find that out behind a decision would be to decide twice. */
  get #isServerPlain(): boolean {
    return this.options.upstream()?.protocol !== 'https:';
  }

  get #requestsInFlight(): number {
    let count = 0;
    for (const connection of this.#connections.all()) if (!connection.isIdle) count += 1;
    return count;
  }

  #sweep(): void {
    const nowMs = Math.ceil(performance.now());
    this.nextSweepMs = nowMs + this.#sweepIntervalMs;
    for (const connection of this.#connections.all()) if (connection.deadlineMs <= nowMs) connection.expire();
    this.pool.sweep(nowMs);
  }

  #quiet(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, graceMs);
      this.#onQuiet = () => {
        clearTimeout(deadline);
        resolve();
      };
      this.#checkQuiet();
    });
  }

  #checkQuiet(): void {
    if (this.#requestsInFlight === 0) this.#onQuiet?.();
  }
}

/** Fine enough for the shortest deadline. */
function sweepIntervalMs({ headTimeoutMs, halfClosedTimeoutMs, firstByteTimeoutMs, connectTimeoutMs }: FullLaneLimits) {
  const shortestMs = Math.min(headTimeoutMs, halfClosedTimeoutMs, firstByteTimeoutMs, connectTimeoutMs);
  return Math.max(10, Math.min(SWEEP_INTERVAL_MS, Math.floor(shortestMs / 4)));
}
