/** The few libraries that the program needs on machines that have none, or older ones: glibc, the compiler's, and Debian's Node's. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebianPackages } from './debian-packages.ts';
import { type Architecture, MACHINES } from './pins.ts';
import { type Entry, file, program } from './tree.ts';

/** Packages, and what is taken of each beside its notice. The loader is libc6's too. */
type Libraries = Readonly<Record<string, readonly string[]>>;

/** The published runtime brings everything else itself; gcc-12-base has the notice of the compiler's libraries. */
const FOR_PUBLISHED: Libraries = {
  libc6: ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0'],
  'gcc-12-base': [],
  'libgcc-s1': ['libgcc_s.so.1'],
  'libstdc++6': ['libstdc++.so.6'],
};

/** Debian's runtime is one library among others. */
const FOR_ARMV7: Libraries = {
  libc6: ['libc.so.6', 'libm.so.6'],
  'gcc-16-base': [],
  'libgcc-s1': ['libgcc_s.so.1'],
  'libstdc++6': ['libstdc++.so.6'],
  'libada-url0-3': ['libada-url0.so.3'],
  libbrotli1: ['libbrotlicommon.so.1', 'libbrotlidec.so.1', 'libbrotlienc.so.1'],
  libcares2: ['libcares.so.2'],
  'libhdr-histogram6': ['libhdr_histogram.so.6'],
  libicu78: ['libicudata.so.78', 'libicui18n.so.78', 'libicuuc.so.78'],
  'libllhttp9.4': ['libllhttp.so.9.4'],
  'libnghttp2-14': ['libnghttp2.so.14'],
  libnode137: ['libnode.so.137'],
  libsimdjson33: ['libsimdjson.so.33'],
  libsimdutf35: ['libsimdutf.so.35'],
  'libsqlite3-0': ['libsqlite3.so.0'],
  libssl3t64: ['libcrypto.so.3', 'libssl.so.3'],
  libuv1t64: ['libuv.so.1'],
  libzstd1: ['libzstd.so.1'],
  zlib1g: ['libz.so.1'],
};

const LIBRARIES: Readonly<Record<Architecture, Libraries>> = {
  x64: FOR_PUBLISHED,
  arm64: FOR_PUBLISHED,
  armv7: FOR_ARMV7,
};

/** Names of the Debian packages, for making pins. */
export function libraryPackages(architecture: Architecture): string[] {
  return Object.keys(LIBRARIES[architecture]);
}

/** The loader and the libraries as `lib/…`, and the notices of their authors as `licenses/…`. */
export function libraryEntries(architecture: Architecture, packages: DebianPackages): Entry[] {
  const { triplet, loader } = MACHINES[architecture];
  return Object.entries(LIBRARIES[architecture]).flatMap(([name, libraries]) =>
    packages.open(name, architecture, (root) => [
      ...[...libraries, ...(name === 'libc6' ? [loader] : [])].map((library) =>
        program(`lib/${library}`, readLibrary(root, triplet, library)),
      ),
      ...noticeEntry(root, name),
    ]),
  );
}

/** The notice of a package's authors; nothing for a package that shares the notice of another. */
export function noticeEntry(root: string, name: string): Entry[] {
  const notice = join(root, 'usr/share/doc', name, 'copyright');
  return existsSync(notice) ? [file(`licenses/${name}`, readFileSync(notice))] : [];
}

function readLibrary(root: string, triplet: string, library: string): Buffer {
  const folders = [`lib/${triplet}`, `usr/lib/${triplet}`];
  const folder = folders.find((one) => existsSync(join(root, one, library)));
  if (folder === undefined) throw new Error(`${library} is in none of ${folders.join(', ')}`);
  return readFileSync(join(root, folder, library));
}
