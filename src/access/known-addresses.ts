/** Addresses from which valid credentials came lately (rule 18): their apps fetch some media without sending them. */
import { BoundedCache } from '../lib/cache.ts';

const MAX_ADDRESSES = 4_000;
const LIFETIME_MS = 12 * 60 * 60_000;

export class KnownAddresses {
  readonly #seenAtMs = new BoundedCache<string, number>({ max: MAX_ADDRESSES });
  readonly #now: () => number;

  /** `now`: monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Valid credentials came from there. */
  note(address: string): void {
    this.#seenAtMs.set(address, this.#now());
  }

  /** Whether they did within twelve hours. */
  has(address: string): boolean {
    const seenAtMs = this.#seenAtMs.get(address);
    return seenAtMs !== undefined && this.#now() - seenAtMs < LIFETIME_MS;
  }
}
