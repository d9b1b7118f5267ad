/**
 * A network namespace of its own for a whole test file: only loopback is there, every port is free, and nothing can get out. Import it before
 * anything else: the file is run once more inside, and ends with that run. Needs root; where namespaces cannot be made, the file is skipped.
 */
import { spawnSync } from 'node:child_process';
import { isAlone } from './alone.ts';
import { whyNoNamespaces } from './netns.ts';

if (!isAlone()) {
  const reason = whyNoNamespaces();
  if (reason === undefined) process.exit(runAgainInside());
  console.log(`skipped: all of this file, which must not speak to the network of this machine (${reason})`);
  console.log('\n  Total:     0\n  Passed:    0\n  Skipped:   1');
  process.exit(0);
}

/** Its exit status. */
function runAgainInside(): number {
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const script = 'ip link set lo up && exec "$0" "$@"';
  return spawnSync('unshare', ['--net', 'sh', '-c', script, ...again], { stdio: 'inherit' }).status ?? 1;
}
