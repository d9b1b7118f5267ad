/** Builds the DSM packages: `node build.ts`. The bundle must have been built. */
import { ProgramBuilder } from '../docker/program/program-builder.ts';
import { ROOT, sourceDate, VERSION, writePackage } from '../docker/program/release.ts';
import { scriptTree } from '../docker/program/script-tree.ts';
import { INSTALL_FOLDER, NAS_NAMES, NODE_COMMAND, nativePackage, scriptPackage } from './package/packages.ts';

const modifiedAt = sourceDate();
const builder = new ProgramBuilder(ROOT);
for (const { architecture, tree } of builder.trees(INSTALL_FOLDER)) {
  writePackage(
    `lockgate-${VERSION}-${NAS_NAMES[architecture].file}.spk`,
    nativePackage(architecture, tree, modifiedAt),
  );
}
const script = scriptTree(ROOT, { node: NODE_COMMAND, installFolder: INSTALL_FOLDER });
writePackage(`lockgate-${VERSION}-noarch.spk`, scriptPackage(script, modifiedAt));
