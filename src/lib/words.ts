/** Numbers and days as people say them. */

/** `1 request`, `2 requests`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `2026-03-01`: the day of `moment` (a date, or Unix milliseconds) in UTC. */
export function day(moment: Date | number): string {
  return new Date(moment).toISOString().slice(0, 10);
}
