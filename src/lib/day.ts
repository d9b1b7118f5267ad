/** Days, as sentences for people name them. */

/** `2026-03-01`: the day of `moment` (a date, or Unix milliseconds) in UTC. */
export function day(moment: Date | number): string {
  return new Date(moment).toISOString().slice(0, 10);
}
