/** Notices from a router's own clock that it has restarted and forgotten its mappings (RFC 6887 section 8.5). */

/** Clocks of small boxes may be off by one part in sixteen, and by this much more. */
const TOLERATED_SECONDS = 2;
const TOLERATED_DRIFT = 1 / 16;

export class RouterEpoch {
  readonly #now: () => number;
  #last: { readonly epochSeconds: number; readonly atSeconds: number } | undefined;

  /** `now`: a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Takes the "seconds since start" of an answer; true when the router has lost its state since the one before. */
  note(epochSeconds: number): boolean {
    const atSeconds = this.#now() / 1000;
    const last = this.#last;
    this.#last = { epochSeconds, atSeconds };
    if (last === undefined) return false;
    const here = atSeconds - last.atSeconds;
    const there = epochSeconds - last.epochSeconds;
    if (there < -1) return true;
    return lagsBehind(here, there) || lagsBehind(there, here);
  }
}

function lagsBehind(slow: number, fast: number): boolean {
  return slow + TOLERATED_SECONDS < fast - fast * TOLERATED_DRIFT;
}
