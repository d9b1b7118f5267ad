/** Packing with xz, which halves what gzip leaves. Needs the command xz (xz-utils): Node has no such compression. */
import { spawnSync } from 'node:child_process';

/** Room for the result; the largest input is 120 MB. */
const MAX_BYTES = 256 * 1024 * 1024;

/** The same bytes for the same content and version of xz: one thread, no time and no name in it. */
export function packXz(content: Buffer): Buffer {
  const result = spawnSync('xz', ['--compress', '--stdout', '-6', '--threads=1'], {
    input: content,
    maxBuffer: MAX_BYTES,
  });
  if (result.status === 0) return result.stdout;
  throw new Error(`xz: ${result.error?.message ?? result.stderr.toString()}`);
}
