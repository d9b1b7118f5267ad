/** What the process has in memory, as far as the system tells. */

/** Resident memory in bytes; undefined where /proc is not mounted (a jail, a container without it). */
export function residentBytes(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}
