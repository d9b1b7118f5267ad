/** What the gateway calls itself with to have a worker: not a command for people. */
import { Worker } from '../gateway/workers/worker.ts';
import { GatewayError } from '../lib/errors.ts';
import { keepMemoryLow } from '../lib/memory-keeper.ts';

/** Serves until the main process lets go, or is gone. Throws `usage` without one. */
export function run(): Promise<number> {
  if (process.send === undefined)
    throw new GatewayError('usage', 'the gateway starts its workers by itself: lockgate run');
  // Signals for the whole group mean the main process, which says what to do.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGPIPE']) process.on(signal, () => {});
  process.once('disconnect', () => process.exit());
  new Worker(process, () => process.exit());
  keepMemoryLow();
  return new Promise(() => {});
}
