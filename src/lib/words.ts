/** Numbers and days as people say them. */

/** `1 request`, `2 requests`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `2026-03-01`: the day of `moment` (a date, or Unix milliseconds) in UTC. */
export function day(moment: Date | number): string {
  return new Date(moment).toISOString().slice(0, 10);
}

/** `2026-03-01 07:12 UTC`: the minute of `moment` (Unix milliseconds). */
export function minute(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `23:30:01`: as the clock on this machine's wall had it at `moment` (a date, its text, or Unix milliseconds; default now). */
export function clock(moment: Date | number | string = Date.now()): string {
  return new Date(moment).toTimeString().slice(0, 8);
}
