/** A histogram as Prometheus has it: how many values were at most so large, their number and their sum. */
import type { Sample } from './metrics.ts';

/** A histogram as data. */
export interface HistogramReport {
  readonly count: number;
  readonly sum: number;
  /** How many values were at most `atMost`, the smaller ones included. */
  readonly buckets: readonly { readonly atMost: number; readonly count: number }[];
}

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** `bounds`: ascending; what is above the last counts, too. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = [...bounds, Number.POSITIVE_INFINITY].map(() => 0);
  }

  observe(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const index = found === -1 ? this.#bounds.length : found;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
  }

  get report(): HistogramReport {
    let count = 0;
    const buckets = this.#bounds.map((atMost, index) => {
      count += this.#counts[index] ?? 0;
      return { atMost, count };
    });
    return { count: count + (this.#counts.at(-1) ?? 0), sum: this.#sum, buckets };
  }

  /** `name` has its unit in it, as in `_seconds`. */
  samples(name: string, help: string): Sample[] {
    const { count, sum, buckets } = this.report;
    const about = { name, help, type: 'histogram' } as const;
    const bucket = (le: string, value: number): Sample => ({ ...about, suffix: '_bucket', labels: { le }, value });
    return [
      ...buckets.map((one) => bucket(String(one.atMost), one.count)),
      bucket('+Inf', count),
      { ...about, suffix: '_sum', value: sum },
      { ...about, suffix: '_count', value: count },
    ];
  }
}
