/** Keeps one certificate of an ACME authority: looks when it is due, runs the order, waits after failures, says how things stand. */
import { within } from '../../lib/deadline.ts';
import { GatewayError, messageOf, systemCodeOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { StateFolder } from '../../lib/state-folder.ts';
import { openAccount } from './account.ts';
import { ChallengeBoard } from './challenge-board.ts';
import { AcmeClient } from './client.ts';
import { type ObtainedCertificate, obtainCertificate } from './order.ts';
import { AcmeProblem } from './problem.ts';
import { believable, isClockSet, renewalTime, waitAfter } from './renewal.ts';
import { askRenewalInfo } from './renewal-info.ts';
import {
  type AcmeSettings,
  findFileFault,
  makeSolvers,
  readAuthorityRoot,
  readExternalKey,
  whatAuthorityNeeds,
} from './settings.ts';
import { FRESH_STANDING, type LastError, type Standing } from './standing.ts';
import { AcmeStore, isSameWish, type KeptAcmeCertificate } from './store.ts';
import { Transport } from './transport.ts';

/** The wall clock may jump, and machines sleep: nothing is slept through in one piece. */
const LONGEST_SLEEP_MS = 10 * 60_000;
const SHORTEST_SLEEP_MS = 1_000;
const CLOCK_LOOK_MS = 15_000;
/** So many attempts in a row may fail as fast as somebody asks for them; authorities bear some more in an hour. */
const HURRIED_FAILURES = 4;
/** From then on one in this time: as many as Let's Encrypt bears for ever (one failed proof of a name in twelve minutes). */
const HURRIED_INTERVAL_MS = 12 * 60_000;
/** For taking proofs back at the end: a hook may take minutes, whoever ends a service waits for seconds. */
const CLOSE_PATIENCE_MS = 3_000;

export interface AcmeIssuerOptions {
  readonly settings: AcmeSettings;
  readonly state: StateFolder;
  readonly log: Log;
  readonly now?: () => number;
  /** How long the authority may take for one step of an order. Default: five minutes. */
  readonly stepTimeoutMs?: number;
}

/** How things stand, for people. Times are milliseconds since 1970. */
export interface AcmeView {
  readonly names: readonly string[];
  readonly directory: string;
  /** Undefined: there is none yet, or not for these names. */
  readonly notAfter: number | undefined;
  /** The same of one for other names or of another profile, which serves meanwhile. */
  readonly formerUntil: number | undefined;
  readonly isTrying: boolean;
  readonly nextAttemptAt: number;
  readonly lastError: LastError | undefined;
  /** Undefined: there was none yet. */
  readonly lastAttempt: { readonly at: number; readonly hasSucceeded: boolean } | undefined;
  /** A file that [acme] names cannot be used. */
  readonly fileFault: GatewayError | undefined;
  /** What has to lead here from outside. */
  readonly needs: readonly string[];
  readonly isClockSet: boolean;
}

export class AcmeIssuer {
  /** What the gateway's own port shows while an order runs. */
  readonly challenges = new ChallengeBoard();
  readonly #options: AcmeIssuerOptions;
  readonly #store: AcmeStore;
  readonly #now: () => number;
  readonly #aborter = new AbortController();
  #standing: Standing = FRESH_STANDING;
  #kept: KeptAcmeCertificate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  /** What is kept has been read. */
  #ready = Promise.resolve();
  #isTrying = false;
  #fileFault: GatewayError | undefined;
  #onIssued = () => {};

  constructor(options: AcmeIssuerOptions) {
    this.#options = options;
    this.#store = new AcmeStore(options.state);
    this.#now = options.now ?? Date.now;
  }

  /** Reads what is kept. Asks nobody and changes nothing. */
  async load(): Promise<void> {
    this.#standing = await this.#store.readStanding();
    this.#kept = await this.#store.readCertificate().catch(() => undefined);
    this.#fileFault = await findFileFault(this.#options.settings);
  }

  /** From now on the certificate is looked after. `onIssued` hears of every new one, once it is kept. */
  start(onIssued: () => void): void {
    this.#onIssued = onIssued;
    // Read again: whoever had the folder before may have got further.
    this.#ready = this.load().then(
      () => {
        this.#sayNeeds();
        this.#look();
      },
      async (error: unknown) => {
        await this.#fail(error);
        this.#sleep();
      },
    );
  }

  /**
   * Somebody wants an attempt now, and what waits after a failure need not wait: unless the authority itself said so, or, where
   * `settings` are as they were, too many have failed. Returns until when it waits then.
   */
  async hurry(settings: 'changed' | 'unchanged'): Promise<number | undefined> {
    await this.#ready;
    const { isRateLimited, notBefore } = this.#standing;
    if (notBefore === 0) return undefined;
    if (isRateLimited || (settings === 'unchanged' && !this.#bearsHurry())) return this.#dueAt();
    this.#standing = { ...this.#standing, notBefore: 0 };
    this.#look();
    return undefined;
  }

  get view(): AcmeView {
    const { wish } = this.#options.settings;
    const kept = this.#wanted();
    return {
      names: wish.names,
      directory: wish.directory,
      notAfter: kept?.chain.leaf.validToDate.getTime(),
      formerUntil: kept === undefined ? this.#kept?.chain.leaf.validToDate.getTime() : undefined,
      isTrying: this.#isTrying,
      nextAttemptAt: this.#dueAt(),
      lastError: this.#standing.lastError,
      lastAttempt: lastAttempt(this.#standing),
      fileFault: this.#fileFault,
      needs: whatAuthorityNeeds(this.#options.settings),
      isClockSet: isClockSet(this.#now()),
    };
  }

  /** Ends what runs, within seconds; an order that is under way is taken up again with the next start. Nothing is written afterwards. */
  async close(): Promise<void> {
    this.#aborter.abort();
    clearTimeout(this.#timer);
    await this.#ready;
    await within(CLOSE_PATIENCE_MS, Promise.resolve(this.#looking));
  }

  /** What asks again and again, a script that reloads for some other reason, does not wear out the authority. */
  #bearsHurry(): boolean {
    const { failures, lastError } = this.#standing;
    if (failures < HURRIED_FAILURES || lastError === undefined) return true;
    // The clock may have been set back.
    return Math.abs(this.#now() - lastError.at) >= HURRIED_INTERVAL_MS;
  }

  /** Before the first order, not by its failure. */
  #sayNeeds(): void {
    const { notAfter, needs, names } = this.view;
    if (notAfter === undefined && needs.length > 0) this.#options.log.info({ names }, needs.join('; or '));
  }

  #look(): void {
    if (this.#aborter.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
      this.#sleep();
    });
  }

  #sleep(): void {
    if (this.#aborter.signal.aborted) return;
    const leftMs = isClockSet(this.#now()) ? this.#dueAt() - this.#now() : CLOCK_LOOK_MS;
    const sleepMs = Math.min(Math.max(leftMs, SHORTEST_SLEEP_MS), LONGEST_SLEEP_MS);
    this.#timer = setTimeout(() => this.#look(), sleepMs).unref();
  }

  /** Never rejects. */
  async #lookOnce(): Promise<void> {
    if (!isClockSet(this.#now()) || !(this.#isDue() || this.#wantsAdvice())) return;
    try {
      await this.#store.prepare();
      const ca = await readAuthorityRoot(this.#options.settings);
      const transport = new Transport({ ca, signal: this.#aborter.signal });
      const client = new AcmeClient(this.#options.settings.wish.directory, transport);
      if (this.#isDue()) await this.#attempt(client);
      if (this.#wantsAdvice()) await this.#takeAdvice(client);
    } catch (error) {
      await this.#fail(error);
    } finally {
      this.#isTrying = false;
    }
  }

  #isDue(): boolean {
    return this.#dueAt() <= this.#now();
  }

  #dueAt(): number {
    const kept = this.#wanted();
    const dueAt = kept === undefined ? 0 : renewalTime(kept.chain.leaf, this.#standing.advice);
    return Math.max(dueAt, believable(this.#standing.notBefore, this.#now()));
  }

  /** The kept certificate, when it is the one that the file asks for. */
  #wanted(): KeptAcmeCertificate | undefined {
    const kept = this.#kept;
    return kept?.wish !== undefined && isSameWish(kept.wish, this.#options.settings.wish) ? kept : undefined;
  }

  #wantsAdvice(): boolean {
    const leaf = this.#wanted()?.chain.leaf;
    const { advice } = this.#standing;
    if (leaf === undefined) return false;
    return advice?.fingerprint !== leaf.fingerprint256 || believable(advice.askAgainAt, this.#now()) <= this.#now();
  }

  async #takeAdvice(client: AcmeClient): Promise<void> {
    const leaf = this.#wanted()?.chain.leaf;
    if (leaf === undefined) return;
    const advice = await askRenewalInfo(client, leaf, this.#now());
    if (!this.#aborter.signal.aborted) await this.#remember({ ...this.#standing, advice });
  }

  async #attempt(client: AcmeClient): Promise<void> {
    const { wish } = this.#options.settings;
    this.#isTrying = true;
    this.#fileFault = await findFileFault(this.#options.settings);
    this.#options.log.info({ names: wish.names, directory: wish.directory }, 'asking for a certificate');
    const { chain, challenge } = await this.#order(client).catch(async (error: unknown) => {
      if (!(error instanceof AcmeProblem) || error.type !== 'accountDoesNotExist') throw error;
      await this.#store.removeAccount(wish.directory);
      return this.#order(client);
    });
    await this.#store.writeCertificate(chain, wish);
    await this.#store.removeOrder();
    // At once with the standing: whoever looks sees both or neither.
    this.#kept = { chain, wish };
    await this.#remember({
      ...FRESH_STANDING,
      succeededAt: this.#now(),
      goodChallenge: challenge ?? this.#standing.goodChallenge,
    });
    this.#onIssued();
  }

  async #order(client: AcmeClient): Promise<ObtainedCertificate> {
    const { settings } = this.#options;
    const { wish, email } = settings;
    const external = await readExternalKey(settings);
    const account = await openAccount({ client, store: this.#store, directory: wish.directory, email, external });
    return obtainCertificate({
      client,
      account,
      store: this.#store,
      wish,
      present: this.#kept?.chain.leaf,
      solvers: await makeSolvers(settings, this.#standing, this.challenges),
      signal: this.#aborter.signal,
      stepTimeoutMs: this.#options.stepTimeoutMs,
    });
  }

  /** What was not foreseen is a defect: logged, and waited after like everything else. */
  async #fail(error: unknown): Promise<void> {
    if (this.#aborter.signal.aborted) return;
    const { log, settings } = this.#options;
    const now = this.#now();
    const failures = this.#standing.failures + 1;
    const problem = error instanceof AcmeProblem ? error : undefined;
    const waitMs = Math.max(waitAfter(failures, Math.random()), problem?.retryAfterMs ?? 0);
    const sentence = messageOf(error);
    const remedy = (error instanceof GatewayError ? error.hint : undefined) ?? 'the log has more';
    const nextAttempt = new Date(now + waitMs).toISOString();
    const fields = { names: settings.wish.names, failures, nextAttempt, remedy };
    if (error instanceof GatewayError || systemCodeOf(error) !== undefined)
      log.warn(fields, `no certificate: ${sentence}`);
    else log.error({ ...fields, error }, 'asking for a certificate failed in the gateway itself');
    await this.#remember({
      ...this.#standing,
      failures,
      notBefore: now + waitMs,
      isRateLimited: problem?.type === 'rateLimited' && problem.retryAfterMs !== undefined,
      lastError: { at: now, sentence, remedy },
      failedChallenge: problem?.challenge ?? this.#standing.failedChallenge,
    });
  }

  /** A disk that is full is no reason to forget it. */
  async #remember(standing: Standing): Promise<void> {
    this.#standing = standing;
    await this.#store.writeStanding(standing).catch((error: unknown) => {
      this.#options.log.warn({ error }, 'how things stand with the certificate authority cannot be kept');
    });
  }
}

function lastAttempt({ lastError, succeededAt }: Standing): AcmeView['lastAttempt'] {
  if (lastError !== undefined) return { at: lastError.at, hasSucceeded: false };
  return succeededAt === undefined ? undefined : { at: succeededAt, hasSucceeded: true };
}
