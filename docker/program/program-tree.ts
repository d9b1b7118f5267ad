/** The self-contained program as a tree: the executable, its loader and libraries, and everybody's licences. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebianPackages } from './debian-packages.ts';
import { trimIcu } from './icu.ts';
import { libraryEntries } from './libraries.ts';
import { readRuntime, runtimeFolder } from './node-runtime.ts';
import { type Architecture, MACHINES, PINS } from './pins.ts';
import { makeSingleProgram } from './single-program.ts';
import { file, program, type Tree, tree } from './tree.ts';

export interface ProgramOptions {
  readonly architecture: Architecture;
  /** Where the tree will stand on the target, absolute: the loader's path is part of the executable. */
  readonly installFolder: string;
  /** Made by `makeBlob`. */
  readonly blob: Buffer;
  /** The checkout. */
  readonly root: string;
  /** Downloads that are kept between builds. */
  readonly cacheFolder: string;
  readonly packages: DebianPackages;
}

/** `lockgate`, `lib/…` and `licenses/…`. */
export function programTree(options: ProgramOptions): Tree {
  const { architecture, installFolder, blob, root, cacheFolder, packages } = options;
  const runtime = readRuntime(
    architecture,
    runtimeFolder(architecture, { version: PINS.node.version, root, cacheFolder }),
  );
  const libraryFolder = `${installFolder}/lib`;
  const loader = `${libraryFolder}/${MACHINES[architecture].loader}`;
  const executable = makeSingleProgram({ runtime: runtime.binary, blob, loader, libraryFolder });
  trimIcu(executable);
  return tree(
    program('lockgate', executable),
    ...libraryEntries(architecture, packages),
    file('licenses/lockgate', readFileSync(join(root, 'LICENSE'))),
    file('licenses/node', runtime.license),
    file('licenses/bundled', bundledLicenses(root)),
  );
}

/** The licences of the libraries in the bundle, by the bundler's own list of what went in. */
export function bundledLicenses(root: string): string {
  const { inputs } = JSON.parse(readFileSync(join(root, 'build/bundle.json'), 'utf8')) as { inputs: object };
  const folders = Object.keys(inputs).map((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  const libraries = [...new Set(folders)].filter((folder) => folder !== undefined).sort();
  return libraries
    .map((folder) => `${folder.slice('node_modules/'.length)}\n\n${licenseOf(join(root, folder))}\n\n`)
    .join('');
}

function licenseOf(folder: string): string {
  for (const name of ['LICENSE', 'LICENSE.md']) {
    try {
      return readFileSync(join(folder, name), 'utf8').trim();
    } catch {}
  }
  throw new Error(`${folder} has no licence file`);
}
