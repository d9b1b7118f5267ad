/** A warning that can come thousands of times: logged when it first happens, then counted and told once a minute. */
import type { Log, LogFields } from '../lib/log.ts';

const REPEAT_INTERVAL_MS = 60_000;

export class WarningCounter {
  readonly #log: Log;
  readonly #message: string;
  #untold = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #total = 0;

  constructor(log: Log, message: string) {
    this.#log = log;
    this.#message = message;
  }

  /** Counts one more; `fields` describe the latest and are logged with `count`, how many it stands for. */
  add(fields: LogFields): void {
    this.#total++;
    this.#untold++;
    const nowMs = performance.now();
    if (nowMs - this.#toldAtMs < REPEAT_INTERVAL_MS) return;
    this.#log.warn({ ...fields, count: this.#untold }, this.#message);
    this.#untold = 0;
    this.#toldAtMs = nowMs;
  }

  /** How many there have been since the start. */
  get total(): number {
    return this.#total;
  }
}
