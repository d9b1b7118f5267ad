/** How many requests at a time one client may have over HTTP/2, where one connection carries many: as many as it may have connections. */
import type { Refuse } from '../access/decision.ts';
import type { Closeable } from '../http/lane.ts';
import type { Peer } from '../http/request.ts';
import type { NetworkList } from '../net/address.ts';
import { clientKey } from '../net/limits.ts';
import { TOO_MANY } from './turn-away.ts';

export interface StreamLimitSettings {
  readonly streamsPerClient: number;
  readonly trustedProxies: NetworkList;
}

/** Counts open streams. The table holds only clients with an open one. */
export class StreamLimit {
  readonly #settings: () => StreamLimitSettings;
  readonly #openByClient = new Map<string, number>();

  constructor(settings: () => StreamLimitSettings) {
    this.#settings = settings;
  }

  /** Counts a stream until it closes; says why its client may not have it. A proxy stands for many, and is not counted. */
  refuse(stream: Closeable, { address }: Peer): Refuse | undefined {
    const { streamsPerClient, trustedProxies } = this.#settings();
    if (trustedProxies.contains(address)) return undefined;
    const client = clientKey(address);
    const open = this.#openByClient.get(client) ?? 0;
    if (open >= streamsPerClient) return TOO_MANY;
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
