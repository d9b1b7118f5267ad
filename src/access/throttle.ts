/** Counts wrong guesses by client, and wrong PINs and setup keys by everybody together: a guesser runs dry, a household does not. */
import { createHmac, randomBytes } from 'node:crypto';
import { BoundedCache } from '../lib/cache.ts';
import { addressFamily, labelFromAddress } from '../net/address.ts';

const MAX_CLIENTS = 4_000;
/** One household has a /64 of IPv6 addresses: the first four groups. */
const IPV6_NETWORK_GROUPS = 4;
const SHARED_WINDOW_MS = 60 * 60_000;
const SHARED_FAILURES = 50;
const FIRST_SHARED_WAIT_MS = 60_000;
const MAX_SHARED_WAIT_MS = 60 * 60_000;

export interface ThrottleOptions {
  /** Distinct failures that one client may have within the window. */
  readonly failures: number;
  readonly windowMs: number;
  /** Monotonic clock in milliseconds. */
  readonly now?: () => number;
}

interface Failure {
  readonly fingerprint: string;
  readonly atMs: number;
}

/**
 * A guess is charged before it is looked at and refunded when it was right, so that many at once do not slip through. The same
 * wrong guess again costs nothing.
 */
export class Throttle {
  readonly #now: () => number;
  readonly #clients = new BoundedCache<string, Failure[]>({ max: MAX_CLIENTS });
  /** Guesses are compared by a hash that means nothing outside this process. */
  readonly #fingerprintKey = randomBytes(32);
  #limits: { readonly failures: number; readonly windowMs: number };
  /** Times of the wrong PINs and keys of the last hour; the waits keep it short. */
  #sharedFailures: number[] = [];

  constructor(options: ThrottleOptions) {
    this.#now = options.now ?? (() => performance.now());
    this.#limits = options;
  }

  /** Other limits, for a reload. */
  configure(limits: { readonly failures: number; readonly windowMs: number }): void {
    this.#limits = limits;
  }

  /** Seconds until this client may try another credential; 0: now. */
  waitSeconds(client: string): number {
    const failures = this.#recent(client);
    const oldest = failures[failures.length - this.#limits.failures];
    return oldest === undefined ? 0 : secondsUntil(oldest.atMs + this.#limits.windowMs, this.#now());
  }

  /** The same for a PIN or setup key, for which everybody's failures count too. */
  guessWaitSeconds(client: string): number {
    return Math.max(this.waitSeconds(client), this.#sharedWaitSeconds());
  }

  /** Charges one guess; false when this very one is charged already. */
  charge(client: string, guess: string): boolean {
    const fingerprint = this.#fingerprint(guess);
    const failures = this.#recent(client);
    if (failures.some((failure) => failure.fingerprint === fingerprint)) return false;
    this.#clients.set(
      clientKey(client),
      [...failures, { fingerprint, atMs: this.#now() }].slice(-this.#limits.failures),
    );
    return true;
  }

  /** Takes a charge back: the guess was right, or nobody could say. */
  refund(client: string, guess: string): void {
    const fingerprint = this.#fingerprint(guess);
    const failures = this.#recent(client).filter((failure) => failure.fingerprint !== fingerprint);
    this.#clients.set(clientKey(client), failures);
  }

  /** Charges a PIN or setup key to the client and to everybody. Returns what takes it back. */
  chargeGuess(client: string, guess: string): () => void {
    const refundShared = this.charge(client, guess) ? this.#chargeShared() : () => {};
    return () => {
      this.refund(client, guess);
      refundShared();
    };
  }

  /** Forgets all failures. */
  reset(): void {
    this.#clients.clear();
    this.#sharedFailures = [];
  }

  #recent(client: string): Failure[] {
    const since = this.#now() - this.#limits.windowMs;
    return this.#clients.get(clientKey(client))?.filter((failure) => failure.atMs > since) ?? [];
  }

  #chargeShared(): () => void {
    const atMs = this.#now();
    this.#sharedFailures = [...this.#recentShared(), atMs];
    return () => {
      const index = this.#sharedFailures.indexOf(atMs);
      if (index >= 0) this.#sharedFailures.splice(index, 1);
    };
  }

  #recentShared(): number[] {
    const since = this.#now() - SHARED_WINDOW_MS;
    return this.#sharedFailures.filter((atMs) => atMs > since);
  }

  /** Fifty an hour are free; from there each failure doubles the wait after it. */
  #sharedWaitSeconds(): number {
    const failures = this.#recentShared();
    const last = failures.at(-1);
    if (last === undefined || failures.length < SHARED_FAILURES) return 0;
    const waitMs = Math.min(MAX_SHARED_WAIT_MS, FIRST_SHARED_WAIT_MS * 2 ** (failures.length - SHARED_FAILURES));
    return secondsUntil(last + waitMs, this.#now());
  }

  #fingerprint(guess: string): string {
    return createHmac('sha256', this.#fingerprintKey).update(guess).digest('base64url');
  }
}

function secondsUntil(thenMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((thenMs - nowMs) / 1000));
}

/** IPv4: the address. IPv6: its /64. */
function clientKey(client: string): string {
  if (addressFamily(client) === 4) return client;
  return labelFromAddress(client).split('-').slice(0, IPV6_NETWORK_GROUPS).join(':');
}
