/** The self-contained program as a tree: the command, its runtime, loader and libraries, and everybody's licences. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebianPackages } from './debian-packages.ts';
import { debianRuntimeEntries } from './debian-runtime.ts';
import { trimIcu } from './icu.ts';
import { libraryEntries } from './libraries.ts';
import { readRuntime, runtimeFolder } from './node-runtime.ts';
import { type Architecture, isPublished, MACHINES, PINS, type Published } from './pins.ts';
import { makeSingleProgram } from './single-program.ts';
import { type Entry, file, program, type Tree, tree } from './tree.ts';

export interface ProgramOptions {
  readonly architecture: Architecture;
  /** Where the tree will stand on the target, absolute: the loader's path is part of the executable. */
  readonly installFolder: string;
  /** What `makeBlob` makes of the bundle and its code. */
  readonly blobFor: (architecture: Published) => Buffer;
  /** The checkout, with the bundle built. */
  readonly root: string;
  /** Downloads that are kept between builds. */
  readonly cacheFolder: string;
  readonly packages: DebianPackages;
}

/** `lockgate`, what it needs beside it, and `licenses/…`. */
export function programTree(options: ProgramOptions): Tree {
  const { architecture, installFolder, root, packages } = options;
  const runtime = isPublished(architecture)
    ? singleProgramEntries(architecture, options)
    : debianRuntimeEntries(packages, scriptEntries(root), installFolder);
  return tree(
    ...runtime,
    file('licenses/lockgate', readFileSync(join(root, 'LICENSE'))),
    file('licenses/bundled', bundledLicenses(root)),
  );
}

/** `lockgate.cjs`, which a runtime starts, and the bundle; without compiled code, for runtimes that nobody here has. */
export function scriptEntries(root: string): Entry[] {
  return ['lockgate.cjs', 'bundle.js'].map((name) => file(name, readFileSync(join(root, 'build', name))));
}

/** One executable, and the libraries that every program needs. */
function singleProgramEntries(architecture: Published, options: ProgramOptions): Entry[] {
  const { installFolder, blobFor, root, cacheFolder, packages } = options;
  const runtime = readRuntime(
    architecture,
    runtimeFolder(architecture, { version: PINS.node.version, root, cacheFolder }),
  );
  const libraryFolder = `${installFolder}/lib`;
  const loader = `${libraryFolder}/${MACHINES[architecture].loader}`;
  const executable = makeSingleProgram({ runtime: runtime.binary, blob: blobFor(architecture), loader, libraryFolder });
  trimIcu(executable);
  return [
    program('lockgate', executable),
    ...libraryEntries(architecture, packages),
    file('licenses/node', runtime.license),
  ];
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
