/**
 * Builds the image for every architecture: `dist/lockgate-<version>.oci.tar`, and the same root file systems as folders below
 * `build/image`, which the Dockerfile copies.
 */
import { join } from 'node:path';
import { writeOciArchive } from './image/oci.ts';
import { INSTALL_FOLDER, imageTree } from './image/root-files.ts';
import { ANNOTATIONS, RUN_SETTINGS } from './image/settings.ts';
import { MACHINES, PUBLISHED } from './program/pins.ts';
import { ProgramBuilder } from './program/program-builder.ts';
import { ROOT, sourceDate, VERSION, writePackage } from './program/release.ts';
import { writeTree } from './program/write-tree.ts';

const builder = new ProgramBuilder(ROOT);
const platforms = PUBLISHED.map((architecture) => ({
  architecture: MACHINES[architecture].oci,
  root: imageTree(builder.tree(architecture, INSTALL_FOLDER)),
}));
for (const { architecture, root } of platforms) writeTree(root, join(ROOT, 'build/image', architecture));
const archive = writeOciArchive({
  name: 'lockgate',
  version: VERSION,
  settings: RUN_SETTINGS,
  annotations: ANNOTATIONS,
  platforms,
  createdAt: sourceDate(),
});
writePackage(`lockgate-${VERSION}.oci.tar`, archive);
