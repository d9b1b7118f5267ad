/** Builds program trees for several packages of one checkout: blobs are made once, and downloads are shared. */
import { join } from 'node:path';
import { compiledCodeFile } from './compiled-code.ts';
import { DebianPackages, PackageUnavailable } from './debian-packages.ts';
import { ARCHITECTURES, type Architecture, isPublished, PINS, type Published } from './pins.ts';
import { programTree } from './program-tree.ts';
import { makeBlob } from './sea-blob.ts';
import type { Tree } from './tree.ts';

export class ProgramBuilder {
  readonly #root: string;
  readonly #cacheFolder: string;
  readonly #packages: DebianPackages;
  readonly #blobs = new Map<Published, Buffer>();

  /** `root`: the checkout, with the bundle built. `onReplaced`: see `DebianOptions`. */
  constructor(root: string, onReplaced?: (message: string) => void) {
    this.#root = root;
    this.#cacheFolder = join(root, 'build/cache');
    this.#packages = new DebianPackages({
      cacheFolder: this.#cacheFolder,
      ...(onReplaced === undefined ? {} : { onReplaced }),
    });
  }

  /** The program for `architecture`, to stand at the absolute path `installFolder`. */
  tree(architecture: Architecture, installFolder: string): Tree {
    return programTree({
      architecture,
      installFolder,
      blobFor: (published) => this.#blobFor(published),
      root: this.#root,
      cacheFolder: this.#cacheFolder,
      packages: this.#packages,
    });
  }

  #blobFor(architecture: Published): Buffer {
    const made = this.#blobs.get(architecture);
    if (made !== undefined) return made;
    const places = { version: PINS.node.version, root: this.#root, cacheFolder: this.#cacheFolder };
    const blob = makeBlob(process.execPath, {
      main: join(this.#root, 'build/lockgate.cjs'),
      assets: {
        'bundle.js': join(this.#root, 'build/bundle.js'),
        'bundle.code': compiledCodeFile(architecture, this.#packages, places),
      },
    });
    this.#blobs.set(architecture, blob);
    return blob;
  }

  /**
   * The programs for all machines. One of the second tier is left out, and that is said, when Debian has replaced what it is made of;
   * any other that cannot be made ends the build.
   */
  trees(installFolder: string): { readonly architecture: Architecture; readonly tree: Tree }[] {
    return ARCHITECTURES.flatMap((architecture) => {
      try {
        return [{ architecture, tree: this.tree(architecture, installFolder) }];
      } catch (error) {
        if (isPublished(architecture) || !(error instanceof PackageUnavailable)) throw error;
        process.stderr.write(`LEFT OUT: ${architecture}: ${error.message}\n`);
        return [];
      }
    });
  }
}
