/** A folder that becomes the root of something, with whatever is mounted below it: taken away as a whole, however a test ends. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder, gone at the end of this process if nobody has removed it before. */
export function makeRoot(name: string): string {
  const root = mkdtempSync(join(tmpdir(), `lockgate-${name}-`));
  process.once('exit', () => removeRoot(root));
  return root;
}

/** Unmounts what is mounted below, then removes the folder; never what a mount that is left there shows. */
export function removeRoot(root: string): void {
  for (const path of mountsBelow(root).reverse()) spawnSync('umount', ['--lazy', path], { stdio: 'ignore' });
  if (mountsBelow(root).length === 0) rmSync(root, { recursive: true, force: true });
}

/** In the order in which they were mounted, the root itself included (proc_pid_mounts(5): blanks are `\040`). */
function mountsBelow(root: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) =>
      (line.split(' ')[1] ?? '').replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8))),
    )
    .filter((path) => path === root || path.startsWith(`${root}/`));
}
