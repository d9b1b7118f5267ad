/** Builds the archives for any Linux: `node archive.ts` → `dist/lockgate-<version>-linux-<arch>.tar.xz`, to be unpacked at `/`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProgramBuilder } from './program-builder.ts';
import { ROOT, sourceDate, VERSION, writePackage } from './release.ts';
import { writeTar } from './tar.ts';
import { below, file, tree } from './tree.ts';
import { packXz } from './xz.ts';

const INSTALL_FOLDER = '/opt/lockgate';

const builder = new ProgramBuilder(ROOT);
for (const { architecture, tree: programFiles } of builder.trees(INSTALL_FOLDER)) {
  const service = readFileSync(join(import.meta.dirname, 'lockgate.service'));
  const files = tree(...programFiles, file('lockgate.service', service));
  const archive = writeTar(tree(...below(INSTALL_FOLDER.slice(1), files)), { modifiedAt: sourceDate() });
  writePackage(`lockgate-${VERSION}-linux-${architecture}.tar.xz`, packXz(archive));
}
