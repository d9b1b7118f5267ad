/** What every package is stamped with: version and date of the sources, and the folder that packages go to. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };

/** The checkout. */
export const ROOT = join(import.meta.dirname, '../..');
export const VERSION: string = packageJson.version;
export const DESCRIPTION: string = packageJson.description;
export const LICENSE: string = packageJson.license;

/** The date of every file in every package, in seconds since 1970: SOURCE_DATE_EPOCH, or that of the commit. */
export function sourceDate(): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }));
}

/** Writes a finished package into dist/ and says so. */
export function writePackage(name: string, bytes: Buffer): void {
  const folder = join(ROOT, 'dist');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), bytes);
  process.stdout.write(`dist/${name}: ${(bytes.length / 1e6).toFixed(1)} MB\n`);
}
