/** Closes a release: `dist/manifest.json` (every file, and what went into it) and `dist/SHA256SUMS`. `node finish.ts`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PINS, sha256 } from './pins.ts';
import { ROOT, sourceDate, VERSION } from './release.ts';

const DIST = join(ROOT, 'dist');
const SUMS = 'SHA256SUMS';
const MANIFEST = 'manifest.json';

const packages = readdirSync(DIST)
  .filter((name) => name !== SUMS && name !== MANIFEST)
  .sort();
const artifacts = packages.map((name) => {
  const bytes = readFileSync(join(DIST, name));
  return { name, bytes: bytes.length, sha256: sha256(bytes) };
});
const manifest = { version: VERSION, sourceDate: sourceDate(), inputs: PINS, artifacts };
writeFileSync(join(DIST, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
const lines = [...packages, MANIFEST].map((name) => `${sha256(readFileSync(join(DIST, name)))}  ${name}\n`);
writeFileSync(join(DIST, SUMS), lines.join(''));
process.stdout.write(`dist/${SUMS}: ${lines.length} files\n`);
