/** How many connections may be open: in all, and from one client. What is over in all is closed without a word; a client with too many may be told. */
import type { Socket } from 'node:net';
import type { Log } from '../lib/log.ts';
import { addressFamily, networkOf } from './address.ts';

/** So many connections at a time that are over the limit of their client are answered; the others are closed without a word. */
const MAX_ANSWERED = 16;
/** One IPv6 subscriber has a /64 at least, and all the addresses in it. */
const IPV6_CLIENT_PREFIX = 64;

/** What counts as one client: an IPv4 address, or the /64 of an IPv6 address. `address` is canonical. */
export function clientKey(address: string): string {
  if (addressFamily(address) === 4) return address;
  return networkOf(address, IPV6_CLIENT_PREFIX) ?? address;
}

export interface ConnectionLimitOptions {
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
}

/** Counts open connections. The table holds only clients with an open one, so it is never larger than `maxConnections`. */
export class ConnectionLimits {
  #options: ConnectionLimitOptions;
  #open = 0;
  #answered = 0;
  readonly #openByClient = new Map<string, number>();
  readonly #log: Log;
  #refused = 0;

  constructor(options: ConnectionLimitOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  /** New limits for connections to come. */
  update(options: ConnectionLimitOptions): void {
    this.#options = options;
  }

  /** Counts a connection until it closes. False: there are too many, and it was destroyed. */
  admitConnection(socket: Socket): boolean {
    if (this.#open >= this.#options.maxConnections) {
      socket.destroy();
      return this.#note('limits.connections', undefined);
    }
    this.#open++;
    socket.once('close', () => this.#open--);
    return true;
  }

  /**
   * Counts the connection for its client, too. Call it at once for a client that is the TCP peer, and after the PROXY header for one that is
   * named there; never for a proxy that stands for many. False: the client has too many; see `mayAnswer`.
   */
  admitClient(socket: Socket, address: string): boolean {
    const key = clientKey(address);
    const open = this.#openByClient.get(key) ?? 0;
    if (open >= this.#options.maxConnectionsPerClient) return this.#note('limits.connections_per_client', key);
    this.#openByClient.set(key, open + 1);
    socket.once('close', () => this.#leave(key));
    return true;
  }

  /** Whether a connection that is over the limit of its client may be told so; it counts until it closes. False: it was destroyed. */
  mayAnswer(socket: Socket): boolean {
    if (this.#answered >= MAX_ANSWERED) {
      socket.destroy();
      return false;
    }
    this.#answered++;
    socket.once('close', () => this.#answered--);
    return true;
  }

  #leave(key: string): void {
    const open = (this.#openByClient.get(key) ?? 0) - 1;
    if (open > 0) this.#openByClient.set(key, open);
    else this.#openByClient.delete(key);
  }

  #note(limit: string, client: string | undefined): false {
    this.#refused++;
    this.#log.warn({ limit, client }, 'a connection was closed because too many are open');
    return false;
  }

  get openConnections(): number {
    return this.#open;
  }

  get openClients(): number {
    return this.#openByClient.size;
  }

  /** How many were closed for being too many, since the start. */
  get refusedConnections(): number {
    return this.#refused;
  }
}
