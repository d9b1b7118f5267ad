/** Medians and their noise. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** The middle of several measurements, with the least and the greatest. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), greatest: Math.max(...values) };
}

/** The ratio in each round, so that a machine that grows slower meanwhile counts for both. */
export function ratios(own: readonly number[], other: readonly number[]): number[] {
  return own.map((value, round) => value / (other[round] ?? Number.NaN));
}

/** `1.23 (1.10 to 1.31)`; one value stands alone. */
export function spreadText(
  { median: middle, least, greatest }: Spread,
  digits = middle < 10 ? 2 : middle < 100 ? 1 : 0,
): string {
  const text = middle.toFixed(digits);
  return least === greatest ? text : `${text} (${least.toFixed(digits)} to ${greatest.toFixed(digits)})`;
}
