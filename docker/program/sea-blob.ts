/** The blob of a single executable application: a script, the flags it runs with, and what it reads, as Node itself writes it. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RUNTIME_FLAGS } from './flags.ts';

/** The script that runs, and files that it finds as assets by these names. */
export interface BlobContent {
  readonly main: string;
  readonly assets: Readonly<Record<string, string>>;
}

/**
 * Made by a Node of the very version that will run it; the machine does not matter, since there is no snapshot and no code cache of
 * Node's making in it. All paths are relative because Node writes that of the script into the blob.
 */
export function makeBlob(node: string, { main, assets }: BlobContent): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-blob-'));
  try {
    copyFileSync(main, join(folder, 'lockgate.cjs'));
    for (const [name, path] of Object.entries(assets)) copyFileSync(path, join(folder, name));
    const config = {
      main: 'lockgate.cjs',
      output: 'blob',
      disableExperimentalSEAWarning: true,
      useSnapshot: false,
      // It would be made of the script without running it; src/start.ts has a better one.
      useCodeCache: false,
      execArgv: RUNTIME_FLAGS,
      // The environment cannot add flags.
      execArgvExtension: 'none',
      assets: Object.fromEntries(Object.keys(assets).map((name) => [name, name])),
    };
    writeFileSync(join(folder, 'sea.json'), JSON.stringify(config));
    execFileSync(node, ['--experimental-sea-config', 'sea.json'], { cwd: folder, stdio: 'pipe' });
    return readFileSync(join(folder, 'blob'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
