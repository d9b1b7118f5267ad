/** Warnings about names that askers choose: so many a minute, the rest only counted, or a page full of made-up names would fill the log. */
import type { Log, LogFields } from '../lib/log.ts';

const WINDOW_MS = 60_000;
const LINES_PER_WINDOW = 20;

export class BoundedLog {
  readonly #log: Log;
  #windowEndsMs = 0;
  #written = 0;
  #leftOut = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Writes the line, with the number of those left out before it, unless the minute is full. */
  warn(fields: LogFields, message: string): void {
    const nowMs = performance.now();
    if (nowMs >= this.#windowEndsMs) {
      this.#windowEndsMs = nowMs + WINDOW_MS;
      this.#written = 0;
    }
    if (this.#written >= LINES_PER_WINDOW) {
      this.#leftOut += 1;
      return;
    }
    this.#written += 1;
    this.#log.warn(this.#leftOut === 0 ? fields : { ...fields, leftOut: this.#leftOut }, message);
    this.#leftOut = 0;
  }
}
