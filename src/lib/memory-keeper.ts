/** Gives memory back when a burst of work is over: the engine by itself keeps it for the next one. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { residentBytes } from './memory.ts';

const LOOK_INTERVAL_MS = 500;
/** Who had less to do than this since the last look is at rest. */
const REST_MS = 25;
/** A collection stops everything for a moment: it is not worth less. */
const WORTH_BYTES = 8 * 1024 * 1024;
/** Nor is it worth less work than so many times its own. */
const WORTH_TIMES = 20;

export interface MemoryKeeperOptions {
  /** Default: the engine's collector. */
  readonly collect?: () => void;
  /** Resident memory; undefined: not known. */
  readonly memoryBytes?: () => number | undefined;
}

/** Looks twice a second, from now on until the returned function is called. What the start has left behind goes first. */
export function keepMemoryLow({
  collect = collectAll,
  memoryBytes = residentBytes,
}: MemoryKeeperOptions = {}): () => void {
  let lookedMs = workMs();
  let collectedMs = 0;
  let leastWorkMs = 0;
  let collectedBytes = 0;
  const look = () => {
    const nowMs = workMs();
    const isAtRest = nowMs - lookedMs < REST_MS;
    lookedMs = nowMs;
    if (!isAtRest || nowMs - collectedMs < leastWorkMs) return;
    if ((memoryBytes() ?? 0) - collectedBytes < WORTH_BYTES) return;
    collect();
    lookedMs = collectedMs = workMs();
    leastWorkMs = (collectedMs - nowMs) * WORTH_TIMES;
    collectedBytes = memoryBytes() ?? 0;
  };
  const timer = setInterval(look, LOOK_INTERVAL_MS).unref();
  return () => clearInterval(timer);
}

/** Processor time of this process so far, in milliseconds. */
function workMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Everything that is not needed, as if it were the last resort: young space, compiled text and free pages go as well. The collector is shown
 * only now: under `--expose-gc` from the start, V8 would not take the code that was compiled without. A runtime that does not show it keeps
 * its memory.
 */
function collectAll(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('globalThis.gc') as NodeJS.GCFunction | undefined;
  gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
