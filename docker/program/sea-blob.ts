/** The blob of a single executable application: the bundle and the flags it runs with, as Node itself writes it. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RUNTIME_FLAGS } from './flags.ts';

/**
 * Made by a Node of the very version that will run it; the machine does not matter, since there is no snapshot and no code cache in it.
 * `main` is relative because Node writes the path into the blob.
 */
export function makeBlob(node: string, bundle: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-blob-'));
  try {
    copyFileSync(bundle, join(folder, 'lockgate.cjs'));
    const config = {
      main: 'lockgate.cjs',
      output: 'blob',
      disableExperimentalSEAWarning: true,
      useSnapshot: false,
      useCodeCache: false,
      execArgv: RUNTIME_FLAGS,
      // The environment cannot add flags.
      execArgvExtension: 'none',
    };
    writeFileSync(join(folder, 'sea.json'), JSON.stringify(config));
    execFileSync(node, ['--experimental-sea-config', 'sea.json'], { cwd: folder, stdio: 'pipe' });
    return readFileSync(join(folder, 'blob'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
