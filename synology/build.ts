/** Builds the DSM packages: `node build.ts`. The bundle must have been built. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProgramBuilder } from '../docker/program/program-builder.ts';
import { bundledLicenses } from '../docker/program/program-tree.ts';
import { ROOT, sourceDate, VERSION, writePackage } from '../docker/program/release.ts';
import { INSTALL_FOLDER, NAS_NAMES, nativePackage, scriptPackage } from './package/packages.ts';

const modifiedAt = sourceDate();
const builder = new ProgramBuilder(ROOT);
for (const { architecture, tree } of builder.trees(INSTALL_FOLDER)) {
  writePackage(
    `lockgate-${VERSION}-${NAS_NAMES[architecture].file}.spk`,
    nativePackage(architecture, tree, modifiedAt),
  );
}
const bundle = readFileSync(join(ROOT, 'build/lockgate.cjs'));
writePackage(`lockgate-${VERSION}-noarch.spk`, scriptPackage(bundle, bundledLicenses(ROOT), modifiedAt));
