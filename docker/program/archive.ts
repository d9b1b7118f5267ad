/**
 * Builds the archives for any Linux, to be unpacked at `/`: `dist/lockgate-<version>-linux-<arch>.tar.xz` with a runtime, and
 * `…-linux-noarch.tar.xz` for machines that have Node. `node archive.ts`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProgramBuilder } from './program-builder.ts';
import { ROOT, sourceDate, VERSION, writePackage } from './release.ts';
import { scriptTree } from './script-tree.ts';
import { writeTar } from './tar.ts';
import { below, file, type Tree, tree } from './tree.ts';
import { packXz } from './xz.ts';

const INSTALL_FOLDER = '/opt/lockgate';

const modifiedAt = sourceDate();
const service = file('lockgate.service', readFileSync(join(import.meta.dirname, 'lockgate.service')));

function writeArchive(name: string, programFiles: Tree): void {
  const files = tree(...programFiles, service);
  const archive = writeTar(tree(...below(INSTALL_FOLDER.slice(1), files)), { modifiedAt });
  writePackage(`lockgate-${VERSION}-linux-${name}.tar.xz`, packXz(archive));
}

for (const built of new ProgramBuilder(ROOT).trees(INSTALL_FOLDER)) writeArchive(built.architecture, built.tree);
writeArchive('noarch', scriptTree(ROOT, { node: `"\${LOCKGATE_NODE:-node}"`, installFolder: INSTALL_FOLDER }));
