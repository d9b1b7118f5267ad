/**
 * A network namespace of its own for a whole test file: only loopback is there, every port is free, and nothing can get out. Import it before
 * anything else: the file is run once more inside, and ends with that run. Needs root; where namespaces cannot be made, it runs where it is.
 */
import { spawnSync } from 'node:child_process';
import { isAlone } from './alone.ts';
import { canMakeNamespaces } from './netns.ts';

if (!isAlone() && canMakeNamespaces()) {
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const script = 'ip link set lo up && exec "$0" "$@"';
  const { status } = spawnSync('unshare', ['--net', 'sh', '-c', script, ...again], { stdio: 'inherit' });
  process.exit(status ?? 1);
}
