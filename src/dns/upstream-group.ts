/** Asks several upstreams as one: in their order, the healthy ones first. */
import type { Upstream } from './upstream.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';
import { UpstreamHealth, type UpstreamStatus } from './upstream-health.ts';
import { UpstreamRace } from './upstream-race.ts';

/** Stub resolvers give up after five seconds. */
const TOTAL_TIMEOUT_MS = 4500;
/** Attempts for one question at least: a single upstream is asked again when a datagram is lost. */
const MIN_ATTEMPTS = 3;

export class UpstreamGroup {
  readonly #members: readonly UpstreamHealth[];
  readonly #races = new Set<UpstreamRace>();

  /** `onTimeout` is called for each attempt that ended without an answer. */
  constructor(upstreams: readonly Upstream[], onTimeout: () => void) {
    this.#members = upstreams.map((upstream) => new UpstreamHealth(upstream, onTimeout));
  }

  get status(): readonly UpstreamStatus[] {
    return this.#members.map((member) => member.status);
  }

  /** Rejects with `UpstreamError` when no upstream answered. A sick upstream whose pause is over is asked beside the others. */
  async ask(query: Buffer): Promise<UpstreamAnswer> {
    const nowMs = performance.now();
    for (const member of this.#members) {
      if (member.isDue(nowMs)) member.ask(query, TOTAL_TIMEOUT_MS).catch(() => {});
    }
    const order = [...this.#members].sort((one, other) => Number(other.isHealthy) - Number(one.isHealthy));
    const count = Math.max(MIN_ATTEMPTS, order.length);
    const attempts = Array.from({ length: count }, (_, index) => order[index % order.length]!);
    const race = new UpstreamRace(query, attempts, TOTAL_TIMEOUT_MS);
    this.#races.add(race);
    try {
      return await race.run();
    } finally {
      this.#races.delete(race);
    }
  }

  /** Ends what is under way; pending questions reject. */
  close(): void {
    for (const race of this.#races) race.stop();
    for (const { upstream } of this.#members) upstream.close();
  }
}
