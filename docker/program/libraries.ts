/** The few files of glibc and of the compiler's runtime that the program needs on machines that have none, or older ones. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DebianPackages } from './debian-packages.ts';
import { type Architecture, MACHINES } from './pins.ts';
import { type Entry, file, program } from './tree.ts';

/** Packages and what is taken of each; the loader is libc6's too, and gcc-12-base has the notice of the compiler's libraries. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  libc6: ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0'],
  'gcc-12-base': [],
  'libgcc-s1': ['libgcc_s.so.1'],
  'libstdc++6': ['libstdc++.so.6'],
};

/** Names of the Debian packages, for making pins. */
export const LIBRARY_PACKAGES = Object.keys(LIBRARIES);

/** The loader and the libraries as `lib/…`, and the notices of their authors as `licenses/…`. */
export function libraryEntries(architecture: Architecture, packages: DebianPackages): Entry[] {
  const { debian, triplet, loader } = MACHINES[architecture];
  return Object.entries(LIBRARIES).flatMap(([name, libraries]) =>
    withUnpacked(packages, name, debian, (root) => [
      ...[...libraries, ...(name === 'libc6' ? [loader] : [])].map((library) =>
        program(`lib/${library}`, readLibrary(root, triplet, library)),
      ),
      ...noticeEntry(root, name),
    ]),
  );
}

function withUnpacked<T>(packages: DebianPackages, name: string, architecture: string, read: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), 'lockgate-deb-'));
  try {
    packages.unpack(name, architecture, root);
    return read(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function readLibrary(root: string, triplet: string, library: string): Buffer {
  const folders = [`lib/${triplet}`, `usr/lib/${triplet}`];
  const folder = folders.find((one) => existsSync(join(root, one, library)));
  if (folder === undefined) throw new Error(`${library} is in none of ${folders.join(', ')}`);
  return readFileSync(join(root, folder, library));
}

/** Nothing for a package that shares the notice of another. */
function noticeEntry(root: string, name: string): Entry[] {
  const notice = join(root, 'usr/share/doc', name, 'copyright');
  return existsSync(notice) ? [file(`licenses/${name}`, readFileSync(notice))] : [];
}
