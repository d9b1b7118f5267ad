/** How many requests at a time one client may have over HTTP/2, where one connection carries many: as many as it may have connections. */
import type { Refuse } from '../access/decision.ts';
import type { Closeable } from '../http/lane.ts';
import type { Peer } from '../http/request.ts';
import { clientKey } from '../net/limits.ts';
import type { Parts } from './parts.ts';
import { TOO_MANY } from './turn-away.ts';

/** Counts open streams. The table holds only clients with an open one. */
export class StreamLimit {
  readonly #parts: () => Pick<Parts, 'config' | 'trustedProxies'>;
  readonly #openByClient = new Map<string, number>();

  constructor(parts: () => Pick<Parts, 'config' | 'trustedProxies'>) {
    this.#parts = parts;
  }

  /** Counts a stream until it closes; says why its client may not have it. A proxy stands for many, and is not counted. */
  refuse(stream: Closeable, { address }: Peer): Refuse | undefined {
    const { config, trustedProxies } = this.#parts();
    if (trustedProxies.contains(address)) return undefined;
    const client = clientKey(address);
    const open = this.#openByClient.get(client) ?? 0;
    if (open >= config.limits.connections_per_client) return TOO_MANY;
    this.#openByClient.set(client, open + 1);
    stream.once('close', () => this.#leave(client));
    return undefined;
  }

  #leave(client: string): void {
    const open = (this.#openByClient.get(client) ?? 0) - 1;
    if (open > 0) this.#openByClient.set(client, open);
    else this.#openByClient.delete(client);
  }
}
