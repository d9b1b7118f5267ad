/**
 * Builds the self-contained program of one architecture for one install folder: `node sea.ts ARCHITECTURE INSTALL_FOLDER OUTPUT_FOLDER`.
 * The bundle must have been built.
 */
import { join, resolve } from 'node:path';
import { ARCHITECTURES, isArchitecture } from './pins.ts';
import { ProgramBuilder } from './program-builder.ts';
import { writeTree } from './write-tree.ts';

const [architecture = '', installFolder = '', output = ''] = process.argv.slice(2);
if (!isArchitecture(architecture) || !installFolder.startsWith('/') || output === '') {
  process.stderr.write(`usage: sea.ts ${ARCHITECTURES.join('|')} INSTALL_FOLDER OUTPUT_FOLDER\n`);
  process.exit(2);
}

const built = new ProgramBuilder(join(import.meta.dirname, '../..')).tree(architecture, installFolder);
writeTree(built, resolve(output));
process.stdout.write(`${output}/lockgate: for ${architecture}, to stand at ${installFolder}\n`);
