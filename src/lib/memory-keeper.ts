/** Gives memory back when a burst of work is over: the engine by itself keeps it for the next one. */

const LOOK_INTERVAL_MS = 500;
/** Who had less to do than this since the last look is at rest. */
const REST_MS = 25;
/** A collection stops everything: it has to be worth so many times as much work as the last one took. */
const WORTH = 20;

/** Looks twice a second, from now on until the returned function is called. Without `--expose-gc` it does nothing. */
export function keepMemoryLow(collect = collectAll): () => void {
  let lookedMs = workMs();
  let collectedMs = 0;
  let leastWorkMs = 0;
  const look = () => {
    const nowMs = workMs();
    const isAtRest = nowMs - lookedMs < REST_MS;
    lookedMs = nowMs;
    if (!isAtRest || nowMs - collectedMs < leastWorkMs) return;
    collect();
    lookedMs = collectedMs = workMs();
    leastWorkMs = (collectedMs - nowMs) * WORTH;
  };
  const timer = setInterval(look, LOOK_INTERVAL_MS).unref();
  return () => clearInterval(timer);
}

/** Processor time of this process so far, in milliseconds. */
function workMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Everything that is not needed, as if it were the last resort: young space, compiled text and free pages go as well. */
function collectAll(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
