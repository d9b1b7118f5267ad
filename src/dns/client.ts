/** Who is asking: whether they may, how often, and which of the gateway's addresses is theirs. One bounded table of askers. */
import { BoundedCache } from '../lib/cache.ts';
import { addressScope } from '../net/address.ts';
import type { BestGateway } from './gateway-addresses.ts';
import type { Site } from './site.ts';

/** Askers that are remembered at once; a forged flood pushes out old ones and finds no more memory than this. */
const MAX_CLIENTS = 4096;
/** `allow_clients` may hold the word lan, which follows the interfaces. */
const PERMISSION_MAX_AGE_MS = 5000;

/** One asker. */
export interface Client {
  readonly address: string;
  /** A forwarder on this host: it stands for many, and its address cannot be forged from outside. */
  readonly isLoopback: boolean;
  readonly isAllowed: boolean;
  /** Where names that lead to the gateway lead this asker. */
  readonly gateway: BestGateway;
}

interface Entry extends Client {
  isAllowed: boolean;
  gateway: BestGateway;
  site: Site;
  checkedAtMs: number;
  tokens: number;
  filledAtMs: number;
}

export interface ClientTableOptions {
  readonly allowsClient: (address: string) => boolean;
  /** Questions per second that one asker outside loopback may send for long; twice as many at once. */
  readonly questionsPerSecond: number;
}

export class ClientTable {
  readonly #options: ClientTableOptions;
  readonly #entries = new BoundedCache<string, Entry>({ max: MAX_CLIENTS });

  constructor(options: ClientTableOptions) {
    this.#options = options;
  }

  /** The asker at `address` (as the socket spells it), or undefined when its rate is spent: then it gets no answer. */
  admit(address: string, site: Site, nowMs: number): Client | undefined {
    const entry = this.#entries.get(address) ?? this.#add(address, site, nowMs);
    if (entry.site !== site || nowMs - entry.checkedAtMs > PERMISSION_MAX_AGE_MS) this.#update(entry, site, nowMs);
    if (entry.isLoopback) return entry;

    const burst = 2 * this.#options.questionsPerSecond;
    const refill = ((nowMs - entry.filledAtMs) * this.#options.questionsPerSecond) / 1000;
    entry.tokens = Math.min(burst, entry.tokens + refill);
    entry.filledAtMs = nowMs;
    if (entry.tokens < 1) return undefined;
    entry.tokens -= 1;
    return entry;
  }

  #add(address: string, site: Site, nowMs: number): Entry {
    const entry: Entry = {
      address,
      isLoopback: addressScope(address) === 'loopback',
      isAllowed: this.#options.allowsClient(address),
      gateway: site.gateways.forAsker(address),
      site,
      checkedAtMs: nowMs,
      tokens: 2 * this.#options.questionsPerSecond,
      filledAtMs: nowMs,
    };
    this.#entries.set(address, entry);
    return entry;
  }

  #update(entry: Entry, site: Site, nowMs: number): void {
    entry.isAllowed = this.#options.allowsClient(entry.address);
    entry.gateway = site.gateways.forAsker(entry.address);
    entry.site = site;
    entry.checkedAtMs = nowMs;
  }
}
