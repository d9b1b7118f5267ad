/**
 * The first file to run: starts the bundle with the code that V8 made of it when it was built (docker/program/code-cache), so that a
 * start compiles next to nothing. Code that is missing, broken or of another bundle is left out: then it is compiled, as without.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getRawAsset, isSea } from 'node:sea';
import { Script } from 'node:vm';

const BUNDLE = 'bundle.js';
const CODE = 'bundle.code';
/** The code begins with the CRC-32 of bundle and code: V8 itself compares no more than the length of the source. */
const SEAL_BYTES = 4;

interface Program {
  readonly filename: string;
  readonly source: string;
  readonly code: Buffer | undefined;
}

/** Both are in the executable since it was made: there is nothing to compare. */
function programInside(): Program {
  const asset = (name: string) => Buffer.from(getRawAsset(name) as ArrayBuffer);
  return {
    filename: process.execPath,
    source: asset(BUNDLE).toString('latin1'),
    code: asset(CODE).subarray(SEAL_BYTES),
  };
}

function programBeside(): Program {
  const filename = join(__dirname, BUNDLE);
  const bundle = readFileSync(filename);
  return { filename, source: bundle.toString('latin1'), code: codeOf(bundle) };
}

function codeOf(bundle: Buffer): Buffer | undefined {
  try {
    const sealed = readFileSync(join(__dirname, CODE));
    const code = sealed.subarray(SEAL_BYTES);
    // Loaded here, because a program with both inside has nothing to compare.
    const { crc32 } = require('node:zlib') as typeof import('node:zlib');
    return crc32(code, crc32(bundle)) === sealed.readUInt32BE() ? code : undefined;
  } catch {
    return undefined;
  }
}

const { filename, source, code } = isSea() ? programInside() : programBeside();
const script = new Script(source, code === undefined ? { filename } : { filename, cachedData: code });

// The bundle is one function of these two: see bundle.ts.
script.runInThisContext()(require, __dirname);
