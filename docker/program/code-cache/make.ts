/**
 * Makes the compiled code that a bundle starts with: `make.ts BUNDLE OUTFILE [RUNTIME WORD…]`, the runtime as a command where it is not the one
 * that runs this. What V8 has compiled by the end of a rehearsal is what a start needs; code of a bundle that never ran would be little,
 * and code of everything too much.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { rehearse } from './rehearsal.ts';

/**
 * The same bytes each time: hashes do not change with the run, and no memory is used again, of which some would show in gaps between
 * fields. None of these is part of what V8 compares.
 */
const STEADY = ['--random-seed=1', '--min-semi-space-size=64', '--max-semi-space-size=64'];
const SETTLE_TIMEOUT_MS = 60_000;

const [, , bundle = '', outfile = '', ...named] = process.argv;
if (outfile === '') {
  process.stderr.write('usage: make.ts BUNDLE OUTFILE [RUNTIME WORD…]\n');
  process.exit(2);
}
const runtime = named.length === 0 ? [process.execPath] : named;
try {
  writeFileSync(outfile, seal(readFileSync(bundle), await compiled(resolve(bundle))));
} catch (error) {
  process.stderr.write(`${outfile} was not made: ${(error as Error).message}\n`);
  process.exit(1);
}

async function compiled(bundleFile: string): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-rehearsal-'));
  const [recorded, settled] = [join(folder, 'recorded'), join(folder, 'settled')];
  try {
    await rehearse([...run('recorder.ts'), bundleFile, recorded], folder);
    const [command = '', ...words] = [...run('settle.ts'), bundleFile, recorded, settled];
    execFileSync(command, words, { stdio: 'inherit', timeout: SETTLE_TIMEOUT_MS });
    return readFileSync(settled);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(script: string): string[] {
  return [...runtime, ...STEADY, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, script)];
}

/** See `src/start.ts`. */
function seal(source: Buffer, code: Buffer): Buffer {
  const seal = Buffer.alloc(4);
  seal.writeUInt32BE(crc32(code, crc32(source)));
  return Buffer.concat([seal, code]);
}
