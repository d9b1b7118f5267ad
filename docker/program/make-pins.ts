/** Writes pins.json anew: the Node version of the lock file, and the Debian packages that are offered now. `node make-pins.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DebianPackages } from './debian-packages.ts';
import { LIBRARY_PACKAGES } from './libraries.ts';
import { runtimeFolder } from './node-runtime.ts';
import { ARCHITECTURES, MACHINES, PINS, type Pins, sha256 } from './pins.ts';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'build/cache');

const packages = new DebianPackages(CACHE);
const binary = (architecture: (typeof ARCHITECTURES)[number]) =>
  sha256(readFileSync(join(runtimeFolder(architecture, ROOT, CACHE), 'bin/node')));

const pins: Pins = {
  node: { version: PINS.node.version, sha256: { x64: binary('x64'), arm64: binary('arm64') } },
  debian: {
    release: PINS.debian.release,
    packages: [
      ...ARCHITECTURES.flatMap((architecture) =>
        LIBRARY_PACKAGES.map((name) => packages.offeredPin(name, MACHINES[architecture].debian)),
      ),
      packages.offeredPin('ca-certificates', 'all'),
    ],
  },
};
writeFileSync(join(import.meta.dirname, 'pins.json'), `${JSON.stringify(pins, undefined, 2)}\n`);
