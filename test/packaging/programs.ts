/** Self-contained programs for tests, built from the pinned inputs, one test file at a time. */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PackageUnavailable } from '../../docker/program/debian-packages.ts';
import { type Architecture, isPublished } from '../../docker/program/pins.ts';
import { ProgramBuilder } from '../../docker/program/program-builder.ts';
import type { Tree } from '../../docker/program/tree.ts';

const ROOT = join(import.meta.dirname, '../..');
const LOCK = join(ROOT, 'build/cache.lock');
const LOCK_RETRY_MS = 200;
/** A lock that is older was left by a test that was killed. */
const LOCK_STALE_MS = 170_000;

/** A program tree to stand at `installFolder`, or why there is none: printed, it says why tests are skipped. */
export async function programFor(
  architecture: Architecture,
  installFolder: string,
): Promise<{ readonly tree: Tree } | { readonly missing: string }> {
  await lock();
  try {
    const testSuccessor = (message: string) => console.log(`note: ${message}: its successor is tested`);
    // Debian's own runtime fits the very libraries that it was made with.
    const builder = new ProgramBuilder(ROOT, isPublished(architecture) ? testSuccessor : undefined);
    return { tree: builder.tree(architecture, installFolder) };
  } catch (error) {
    if (error instanceof PackageUnavailable) return { missing: error.message };
    throw error;
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

/** Downloads are shared: two test files must not fetch the same one at once. */
async function lock(): Promise<void> {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  for (;;) {
    try {
      mkdirSync(LOCK);
      return;
    } catch {
      const { mtimeMs } = statSync(LOCK, { throwIfNoEntry: false }) ?? { mtimeMs: 0 };
      if (mtimeMs > 0 && Date.now() - mtimeMs > LOCK_STALE_MS) rmSync(LOCK, { recursive: true, force: true });
      else await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
    }
  }
}
