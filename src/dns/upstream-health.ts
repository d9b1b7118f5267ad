/** How an upstream is doing: measured from every question it was asked, for the order in which upstreams are tried. */
import { type Upstream, UpstreamError } from './upstream.ts';
import { inspectAnswer, type UpstreamAnswer } from './upstream-answer.ts';

/** This many failures in a row make an upstream sick. One lost datagram does not. */
const FAILURES_UNTIL_SICK = 2;
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 300_000;
/** Weight of the newest measurement in the mean. */
const SMOOTHING = 0.25;
const EXPECTED_MS = 250;
/** Bounds of the time after which the next upstream is asked as well. */
const LEAST_PATIENCE_MS = 300;
const MOST_PATIENCE_MS = 1200;

export interface UpstreamStatus {
  readonly name: string;
  readonly isHealthy: boolean;
  /** Smoothed time to an answer; undefined before the first. */
  readonly meanMs: number | undefined;
  readonly lastError: string | undefined;
}

export class UpstreamHealth {
  readonly upstream: Upstream;
  readonly #onTimeout: () => void;
  #meanMs: number | undefined;
  #failures = 0;
  #pauseEndsMs = 0;
  #lastError: string | undefined;

  constructor(upstream: Upstream, onTimeout: () => void) {
    this.upstream = upstream;
    this.#onTimeout = onTimeout;
  }

  get isHealthy(): boolean {
    return this.#failures < FAILURES_UNTIL_SICK;
  }

  /** A sick upstream whose pause is over: worth a question that does not count on it. */
  isDue(nowMs: number): boolean {
    return !this.isHealthy && nowMs >= this.#pauseEndsMs;
  }

  /** How long to wait for this upstream alone. */
  get patienceMs(): number {
    return Math.min(MOST_PATIENCE_MS, Math.max(LEAST_PATIENCE_MS, 4 * (this.#meanMs ?? EXPECTED_MS)));
  }

  get status(): UpstreamStatus {
    return { name: this.upstream.name, isHealthy: this.isHealthy, meanMs: this.#meanMs, lastError: this.#lastError };
  }

  /** Rejects like the upstream, and with `garbage` for an answer that cannot be relied on. */
  async ask(query: Buffer, timeoutMs: number): Promise<UpstreamAnswer> {
    const startedMs = performance.now();
    try {
      const answer = inspectAnswer(await this.upstream.ask(query, timeoutMs));
      this.#succeeded(performance.now() - startedMs);
      return answer;
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  #succeeded(tookMs: number): void {
    this.#failures = 0;
    this.#lastError = undefined;
    this.#meanMs = this.#meanMs === undefined ? tookMs : this.#meanMs + SMOOTHING * (tookMs - this.#meanMs);
  }

  #failed(error: unknown): void {
    if (error instanceof UpstreamError && error.failure === 'closed') return;
    if (error instanceof UpstreamError && error.failure === 'timeout') this.#onTimeout();
    this.#lastError = error instanceof Error ? error.message : String(error);
    this.#failures += 1;
    const doublings = Math.max(0, this.#failures - FAILURES_UNTIL_SICK);
    this.#pauseEndsMs = performance.now() + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** doublings);
  }
}
