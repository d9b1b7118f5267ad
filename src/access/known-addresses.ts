/** Addresses from which valid credentials came lately (rule 18): their apps fetch some media without sending them. */
import { BoundedCache } from '../lib/cache.ts';

const MAX_ADDRESSES = 4_000;
const LIFETIME_MS = 12 * 60 * 60_000;
/** A wall of posters is hundreds of requests from one address. */
const SAME_CLIENT_MS = 1_000;

export class KnownAddresses {
  readonly #seenAtMs = new BoundedCache<string, number>({ max: MAX_ADDRESSES });
  readonly #now: () => number;
  #last = { address: '', atMs: Number.NEGATIVE_INFINITY };

  /** `now`: monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Valid credentials came from there. */
  note(address: string): void {
    const nowMs = this.#now();
    if (address === this.#last.address && nowMs - this.#last.atMs < SAME_CLIENT_MS) return;
    this.#last = { address, atMs: nowMs };
    this.#seenAtMs.set(address, nowMs);
  }

  /** Whether they did within twelve hours. */
  has(address: string): boolean {
    const seenAtMs = this.#seenAtMs.get(address);
    return seenAtMs !== undefined && this.#now() - seenAtMs < LIFETIME_MS;
  }
}
