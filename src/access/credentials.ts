/** Whether credentials are good: the media server is asked once, the answer kept for a while, by hash and never by value. */
import { hash, randomBytes } from 'node:crypto';
import { BoundedCache } from '../lib/cache.ts';
import { type Log, silentLog } from '../lib/log.ts';
import type { Verdict } from '../server/kind.ts';
import type { VerifiedTable } from './verified-table.ts';

const DEADLINE_MS = 5_000;
const VALID_MS = 5 * 60_000;
const INVALID_MS = 30_000;
/** How long a credential that is valid by the seven days' grace is not asked about again. */
const GRACE_MS = 30_000;
/** A doubt that the server's own answer raises is looked into this often at most, per credential. */
const RECHECK_INTERVAL_MS = 10_000;
const MAX_VALID = 2_000;
const MAX_INVALID = 4_000;
/** Verifications of strangers' credentials under way at once; more are unverifiable until one is done. */
const MAX_FLIGHTS = 64;
const MADE_UP_BYTES = 15;

const TRUSTS_GATEWAY =
  'the media server accepts made-up credentials from the gateway; remove its address from the networks that the server lets in without authentication';

const VALID: Verdict = { verdict: 'valid' };
const UNVERIFIABLE: Verdict = { verdict: 'unverifiable' };

/** Asks somebody about one credential. */
export type AskAbout = (credential: string) => Promise<Verdict>;

export interface CredentialsOptions {
  /** The media server. */
  readonly askServer: AskAbout;
  /** Whether the media server says at this very moment that it is claimed: one without an owner takes anything for good. */
  readonly confirmClaimed: () => Promise<boolean>;
  /** The account service, for when the media server's answers prove nothing; absent: there is none. */
  readonly askAccount?: AskAbout;
  readonly verified: VerifiedTable;
  readonly log?: Log;
  /** Monotonic clock in milliseconds. */
  readonly now?: () => number;
}

interface Remembered {
  readonly verdict: Verdict;
  readonly untilMs: number;
  readonly askedAtMs: number;
}

/** One client asks for one thing after another: the last name is not worked out again. */
let lastNamed = { credential: '', key: '' };

/** The name of a credential in tables: its SHA-256. */
export function credentialKey(credential: string): string {
  if (credential !== lastNamed.credential) lastNamed = { credential, key: hash('sha256', credential, 'base64url') };
  return lastNamed.key;
}

export class Credentials {
  readonly #options: CredentialsOptions;
  readonly #log: Log;
  readonly #now: () => number;
  /** Apart, so that a flood of wrong ones cannot push out the good ones. */
  readonly #valid = new BoundedCache<string, Remembered>({ max: MAX_VALID });
  readonly #invalid = new BoundedCache<string, Remembered>({ max: MAX_INVALID });
  readonly #flights = new Map<string, Promise<Verdict>>();
  readonly #listeners = new Set<() => void>();
  #selfTest: Promise<void> | undefined;
  #serverIsStrict: boolean | undefined;
  /** Counts the servers that were seen: an answer of an earlier one proves nothing about this. */
  #generation = 0;

  constructor(options: CredentialsOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Whether the server refused a made-up credential from this address. Undefined: not tested, or the test had no answer. */
  get serverIsStrict(): boolean | undefined {
    return this.#serverIsStrict;
  }

  /** The remembered verdict; undefined: none, or too old. */
  recall(key: string): Verdict | undefined {
    const remembered = this.#valid.get(key) ?? this.#invalid.get(key);
    return remembered !== undefined && remembered.untilMs > this.#now() ? remembered.verdict : undefined;
  }

  /** How long the credential goes on to pass for valid without being asked about; 0: not at all. */
  validForMs(key: string): number {
    return Math.max(0, (this.#valid.get(key)?.untilMs ?? 0) - this.#now());
  }

  /** Whether the credential was good within seven days: verifying it again is no guess. */
  wasValidLately(key: string): boolean {
    return this.#options.verified.has(key);
  }

  /** Whether somebody waits for the verdict already. */
  isAsked(key: string): boolean {
    return this.#flights.has(key);
  }

  /** The verdict, asked for if it is not remembered; once for all who wait. Never rejects, ends within 5 s. */
  verify(credential: string, key = credentialKey(credential)): Promise<Verdict> {
    const remembered = this.recall(key);
    return remembered === undefined ? this.#ask(credential, key) : Promise.resolve(remembered);
  }

  /** The server refused a request with this credential: asks again if it passes for valid, and tells the listeners when it is not. */
  async doubt(credential: string): Promise<void> {
    const key = credentialKey(credential);
    const remembered = this.#valid.get(key);
    if (remembered === undefined || this.#now() - remembered.askedAtMs < RECHECK_INTERVAL_MS) return;
    await this.#ask(credential, key);
  }

  /** The server came back, perhaps as another: forgets what was learnt from it. The seven days' table stays. */
  forget(): void {
    this.#generation++;
    this.#valid.clear();
    this.#invalid.clear();
    this.#flights.clear();
    this.#selfTest = undefined;
    this.#serverIsStrict = undefined;
  }

  /**
   * Finds out whether the server refuses a made-up credential: one that takes it for good trusts this address, and its answers prove
   * nothing. For start and every hour; a verification that comes earlier runs it by itself. Never rejects.
   */
  testServer(): Promise<void> {
    if (this.#selfTest !== undefined) return this.#selfTest;
    const test = this.#runSelfTest(this.#generation).finally(() => {
      if (this.#selfTest === test) this.#selfTest = undefined;
    });
    this.#selfTest = test;
    return test;
  }

  /** Calls `listener` whenever a credential that was valid turns out not to be. */
  onRevoked(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Writes what is to be remembered over a restart. */
  close(): Promise<void> {
    return this.#options.verified.close();
  }

  #ask(credential: string, key: string): Promise<Verdict> {
    const flight = this.#flights.get(key);
    if (flight !== undefined) return flight;
    if (this.#flights.size >= MAX_FLIGHTS && !this.wasValidLately(key)) return Promise.resolve(UNVERIFIABLE);
    const started = this.#judge(credential, key).finally(() => {
      if (this.#flights.get(key) === started) this.#flights.delete(key);
    });
    this.#flights.set(key, started);
    return started;
  }

  async #judge(credential: string, key: string): Promise<Verdict> {
    const generation = this.#generation;
    const answer = await beforeDeadline(this.#askWhoeverKnows(credential, key));
    if (generation !== this.#generation) return UNVERIFIABLE;
    if (answer.verdict === 'valid') return this.#keepValid(key, VALID_MS);
    if (answer.verdict === 'invalid') return this.#keepInvalid(key, answer);
    return this.wasValidLately(key) ? this.#remember(this.#valid, key, VALID, GRACE_MS) : UNVERIFIABLE;
  }

  /** The server, if it is known to tell good from bad; else the account service. */
  async #askWhoeverKnows(credential: string, key: string): Promise<Verdict> {
    if (this.#serverIsStrict === undefined) await this.testServer();
    if (this.#serverIsStrict === true) {
      const answer = await this.#options.askServer(credential);
      if (answer.verdict !== 'valid') return answer;
      // What it was a moment ago proves nothing: its yes to somebody new counts when it still says no to nonsense.
      if (!(await this.#options.confirmClaimed())) return UNVERIFIABLE;
      if (!this.wasValidLately(key)) await this.testServer();
      if (this.#serverIsStrict) return answer;
    }
    return this.#options.askAccount?.(credential) ?? UNVERIFIABLE;
  }

  #keepValid(key: string, lifetimeMs: number): Verdict {
    this.#options.verified.note(key);
    this.#invalid.delete(key);
    return this.#remember(this.#valid, key, VALID, lifetimeMs);
  }

  #keepInvalid(key: string, verdict: Verdict): Verdict {
    const wasValid = this.#valid.has(key) || this.wasValidLately(key);
    this.#valid.delete(key);
    this.#options.verified.forget(key);
    this.#remember(this.#invalid, key, verdict, INVALID_MS);
    if (wasValid) for (const listener of this.#listeners) listener();
    return verdict;
  }

  #remember(table: BoundedCache<string, Remembered>, key: string, verdict: Verdict, lifetimeMs: number): Verdict {
    const askedAtMs = this.#now();
    table.set(key, { verdict, askedAtMs, untilMs: askedAtMs + lifetimeMs });
    return verdict;
  }

  async #runSelfTest(generation: number): Promise<void> {
    const madeUp = randomBytes(MADE_UP_BYTES).toString('base64url');
    const answer = await beforeDeadline(this.#options.askServer(madeUp));
    if (generation !== this.#generation) return;
    if (answer.verdict === 'valid' && this.#serverIsStrict !== false) this.#log.warn({}, TRUSTS_GATEWAY);
    this.#serverIsStrict = answer.verdict === 'unverifiable' ? undefined : answer.verdict === 'invalid';
  }
}

/** The verdict, or `unverifiable` when it does not come in time or the question fails. */
async function beforeDeadline(asked: Promise<Verdict>): Promise<Verdict> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Verdict>((resolve) => {
    timer = setTimeout(resolve, DEADLINE_MS, UNVERIFIABLE);
  });
  try {
    return await Promise.race([asked, tooLate]);
  } catch {
    return UNVERIFIABLE;
  } finally {
    clearTimeout(timer);
  }
}
