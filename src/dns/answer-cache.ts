/** Remembers upstream answers by question, for their lifetime and an hour beyond it (RFC 8767). */
import { BoundedCache } from '../lib/cache.ts';
import type { StoredAnswer } from './stored-answer.ts';

/** How long past its lifetime an answer may still be given when no upstream answers. */
const STALE_SECONDS = 3600;
/** Longer answers are not kept: the number of entries is bounded, so is their size. */
const MAX_KEPT_BYTES = 4096;

export class AnswerCache {
  readonly #answers: BoundedCache<string, StoredAnswer> | undefined;

  /** `size` in answers; 0: nothing is kept. */
  constructor(size: number) {
    this.#answers = size === 0 ? undefined : new BoundedCache({ max: size });
  }

  /** The answer under `key`, fresh or stale, or undefined. */
  get(key: string): StoredAnswer | undefined {
    return this.#answers?.get(key);
  }

  /** Keeps an answer that lasts; one that does not lasts nowhere and leaves what was there. */
  keep(key: string, answer: StoredAnswer): void {
    if (answer.lifetimeSeconds === 0 || answer.bytes.length > MAX_KEPT_BYTES) return;
    this.#answers?.set(key, answer, (answer.lifetimeSeconds + STALE_SECONDS) * 1000);
  }
}
