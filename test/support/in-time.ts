/** Upper bounds that hold on a busy machine: by the timers of this process, which are late together with those of a product that runs in it. */

import { setTimeout as sleep } from 'node:timers/promises';

/** Turns of the event loop in which what was due before comes to its end. */
const TURNS = 20;
const TURN_MS = 10;

/** What `promise` resolves with; rejects when a timer of `limitMs`, begun now, is over before. */
export async function inTime<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(async () => {
    for (let turn = 0; turn < TURNS; turn += 1) await sleep(TURN_MS);
    late.reject(new Error(`not within ${limitMs} ms`));
  }, limitMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
