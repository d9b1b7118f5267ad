/** The credentials that were good within the last seven days, by hash, kept over restarts: they outlive an outage of whoever verifies. */
import { BoundedCache } from '../lib/cache.ts';
import { messageOf } from '../lib/errors.ts';
import { type Log, silentLog } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';

const FILE = 'verified-credentials.json';
const LIFETIME_MS = 7 * 24 * 60 * 60_000;
const MAX_ENTRIES = 1000;
/** Entries are renewed this often at most: the state folder is flash memory on a router. */
const RENEWAL_MS = 60 * 60_000;
const WRITE_DELAY_MS = 5_000;
/** A time stamp this far ahead was written under another clock. */
const MAX_CLOCK_SKEW_MS = 60 * 60_000;

export interface VerifiedTableOptions {
  readonly state: StateFolder;
  readonly log?: Log;
  /** Wall clock in milliseconds: entries live across restarts. */
  readonly now?: () => number;
}

/** Wall-clock times of verification by credential key. */
export class VerifiedTable {
  readonly #verifiedAt = new BoundedCache<string, number>({ max: MAX_ENTRIES });
  readonly #state: StateFolder;
  readonly #log: Log;
  readonly #now: () => number;
  #pendingWrite: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: VerifiedTableOptions) {
    this.#state = options.state;
    this.#log = options.log ?? silentLog;
    this.#now = options.now ?? Date.now;
  }

  /** Reads the table; a missing or damaged file is an empty one. Throws `state` when it cannot be read. */
  static async load(options: VerifiedTableOptions): Promise<VerifiedTable> {
    const table = new VerifiedTable(options);
    const content = await options.state.readJson(FILE);
    if (typeof content !== 'object' || content === null) return table;
    for (const [key, verifiedAt] of Object.entries(content)) {
      if (typeof verifiedAt === 'number') table.#verifiedAt.set(key, verifiedAt);
    }
    return table;
  }

  /** Whether the credential was good within seven days. A time in the future is no proof. */
  has(key: string): boolean {
    const verifiedAt = this.#verifiedAt.get(key);
    if (verifiedAt === undefined) return false;
    const ageMs = this.#now() - verifiedAt;
    return ageMs < LIFETIME_MS && ageMs > -MAX_CLOCK_SKEW_MS;
  }

  /** The credential is good now. */
  note(key: string): void {
    const ageMs = this.#now() - (this.#verifiedAt.get(key) ?? Number.NEGATIVE_INFINITY);
    if (Math.abs(ageMs) < RENEWAL_MS) return;
    this.#verifiedAt.set(key, this.#now());
    this.#writeSoon();
  }

  /** The credential is bad: written at once, so that a crash does not make it good again. */
  forget(key: string): void {
    if (!this.#verifiedAt.has(key)) return;
    this.#verifiedAt.delete(key);
    this.#writeNow();
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    if (this.#pendingWrite !== undefined) this.#writeNow();
    await this.#writing;
  }

  #writeSoon(): void {
    this.#pendingWrite ??= setTimeout(() => this.#writeNow(), WRITE_DELAY_MS).unref();
  }

  #writeNow(): void {
    clearTimeout(this.#pendingWrite);
    this.#pendingWrite = undefined;
    const content = JSON.stringify(Object.fromEntries(this.#verifiedAt.entries()));
    this.#writing = this.#writing
      .then(() => this.#state.write(FILE, content))
      .catch((error: unknown) => {
        this.#log.warn({ file: FILE, reason: messageOf(error) }, 'the table of verified credentials was not written');
      });
  }
}
