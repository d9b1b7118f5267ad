/** Commands of this machine that read packages: independent hands, run in a folder that is thrown away. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TIMEOUT_MS = 60_000;

/** Runs `work` in a folder that is removed afterwards. */
export function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-packaging-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a command prints; throws when it fails. */
export function output(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', timeout: TIMEOUT_MS });
}

/** A line of `tar --list --verbose` for each entry: mode, owner, size, time and name. */
export function listArchive(bytes: Buffer): string[] {
  return inFolder((folder) => {
    const path = join(folder, 'archive');
    writeFileSync(path, bytes);
    const listing = output('tar', '--utc', '--numeric-owner', '--list', '--verbose', '--file', path);
    return listing.trimEnd().split('\n');
  });
}

/** The content of one entry of an archive, by tar. */
export function readFromArchive(bytes: Buffer, name: string): Buffer {
  const result = spawnSync('tar', ['--extract', '--to-stdout', '--gzip', '--file=-', name], { input: bytes });
  if (result.status === 0) return result.stdout;
  const plain = spawnSync('tar', ['--extract', '--to-stdout', '--file=-', name], { input: bytes });
  if (plain.status === 0) return plain.stdout;
  throw new Error(plain.stderr.toString());
}

/** Whether a command is there. */
export function hasCommand(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
}
