/**
 * Closes a set of packages: the changelog's section of this version, `dist/manifest.json` (every file, and what went into it) and
 * `dist/SHA256SUMS`. `node finish.ts [--complete]`; `--complete`: fails when a machine was left out.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { changelogSection } from './changelog.ts';
import { ARCHITECTURES, PINS, sha256 } from './pins.ts';
import { ROOT, sourceDate, VERSION } from './release.ts';

const DIST = join(ROOT, 'dist');
const SUMS = 'SHA256SUMS';
const MANIFEST = 'manifest.json';
const CHANGES = `lockgate-${VERSION}-changes.md`;

writeFileSync(join(DIST, CHANGES), changelogSection(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'), VERSION));
const packages = readdirSync(DIST)
  .filter((name) => name !== SUMS && name !== MANIFEST)
  .sort();
const leftOut = ARCHITECTURES.filter((name) => !packages.includes(`lockgate-${VERSION}-linux-${name}.tar.xz`));
if (leftOut.length > 0 && process.argv.includes('--complete')) {
  process.stderr.write(`a release is made for every machine; ${leftOut.join(', ')} was left out: run \`make pins\`\n`);
  process.exit(1);
}
const artifacts = packages.map((name) => {
  const bytes = readFileSync(join(DIST, name));
  return { name, bytes: bytes.length, sha256: sha256(bytes) };
});
const manifest = { version: VERSION, sourceDate: sourceDate(), inputs: PINS, leftOut, artifacts };
writeFileSync(join(DIST, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
const lines = [...packages, MANIFEST].map((name) => `${sha256(readFileSync(join(DIST, name)))}  ${name}\n`);
writeFileSync(join(DIST, SUMS), lines.join(''));
process.stdout.write(`dist/${SUMS}: ${lines.length} files\n`);
