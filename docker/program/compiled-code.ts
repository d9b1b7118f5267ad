/** The compiled code that the bundle starts with on each published machine: made by its own runtime, which is emulated where this machine is another. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DebianPackages, PackageUnavailable } from './debian-packages.ts';
import { libraryEntries } from './libraries.ts';
import { type RuntimePlaces, runtimeFolder } from './node-runtime.ts';
import { MACHINES, type Published, sha256 } from './pins.ts';
import { tree } from './tree.ts';
import { writeTree } from './write-tree.ts';

const MAKER_FOLDER = join(import.meta.dirname, 'code-cache');
const EMULATORS = { x64: 'qemu-x86_64-static', arm64: 'qemu-aarch64-static' } as const;

/** The file with the code. Throws `PackageUnavailable` where the other machine cannot be emulated. */
export function compiledCodeFile(architecture: Published, packages: DebianPackages, places: RuntimePlaces): string {
  const { root, cacheFolder } = places;
  if (architecture === process.arch) return join(root, 'build/bundle.code');
  const bundle = join(root, 'build/bundle.js');
  const name = `code-${architecture}-`;
  const kept = join(cacheFolder, name + sha256(madeOf(bundle, places.version)).slice(0, 16));
  if (existsSync(kept)) return kept;
  for (const former of readdirSync(cacheFolder)) if (former.startsWith(name)) rmSync(join(cacheFolder, former));
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-runtime-'));
  try {
    writeTree(tree(...libraryEntries(architecture, packages)), folder);
    const runtime = emulated(architecture, join(folder, 'lib'), join(runtimeFolder(architecture, places), 'bin/node'));
    execFileSync(process.execPath, [join(MAKER_FOLDER, 'make.ts'), bundle, `${kept}.new`, ...runtime], {
      stdio: 'inherit',
    });
    renameSync(`${kept}.new`, kept);
    return kept;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Emulation takes half a minute: it is done again when one of these is another. */
function madeOf(bundle: string, version: string): Buffer {
  const makers = readdirSync(MAKER_FOLDER).sort();
  const files = [bundle, ...makers.map((maker) => join(MAKER_FOLDER, maker))];
  return Buffer.concat([Buffer.from(version), ...files.map((path) => readFileSync(path))]);
}

/** The command that runs `node` with the target's own loader and libraries. */
function emulated(architecture: Published, libraries: string, node: string): string[] {
  const emulator = EMULATORS[architecture];
  if (spawnSync(emulator, ['--version']).status !== 0) {
    throw new PackageUnavailable(`${emulator} is not installed: the code for ${architecture} is made with it`);
  }
  return [emulator, join(libraries, MACHINES[architecture].loader), '--library-path', libraries, node];
}
