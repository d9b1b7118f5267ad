/**
 * Debian's Node as the runtime, for machines that Node's authors publish none for: a launcher, its library among the others, and three
 * of Node's own scripts, which Debian keeps as files at paths that stand in the library.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebianPackages } from './debian-packages.ts';
import { trimIcu } from './icu.ts';
import { libraryEntries, noticeEntry } from './libraries.ts';
import { MACHINES } from './pins.ts';
import { launcher } from './script-launcher.ts';
import { type Entry, type FileEntry, file, program } from './tree.ts';

/** Node's own scripts: in which package, where Debian puts them, and the name they get here. It must be short: the path replaces Debian's. */
const SCRIPTS = [
  ['node-undici', '/usr/share/nodejs/undici/undici-fetch.js', 'undici'],
  ['node-acorn', '/usr/share/nodejs/acorn/dist/acorn.js', 'acorn'],
  ['node-acorn', '/usr/share/nodejs/acorn-walk/dist/walk.js', 'acorn-walk'],
] as const;

const RUNTIME_LIBRARY = 'lib/libnode.so.137';
const LANGUAGE_LIBRARY = 'lib/libicudata.so.78';

/** Names of the packages beside those of the libraries, for making pins. */
export const RUNTIME_PACKAGES = ['nodejs', 'node-undici', 'node-acorn'] as const;

/** `lockgate` (a shell script), what it starts, `node`, `lib/…`, to stand at the absolute path `installFolder`. */
export function debianRuntimeEntries(
  packages: DebianPackages,
  scripts: readonly Entry[],
  installFolder: string,
): Entry[] {
  const read = (name: string, path: string) => packages.open(name, 'armv7', (root) => readFileSync(join(root, path)));
  const loader = `${installFolder}/lib/${MACHINES.armv7.loader}`;
  // Named, so that no setting of the target's loader is looked at, and that children inherit nothing.
  const node = [loader, '--library-path', `${installFolder}/lib`, '--argv0', 'lockgate', `${installFolder}/node`];
  return [
    program('lockgate', launcher(node.join(' '), `${installFolder}/lockgate.cjs`)),
    ...scripts,
    program('node', read('nodejs', 'usr/bin/node')),
    ...SCRIPTS.map(([name, path, here]) => file(here, read(name, path))),
    ...libraryEntries('armv7', packages).map((entry) => adapt(entry, installFolder)),
    ...RUNTIME_PACKAGES.flatMap((name) => packages.open(name, 'armv7', (root) => noticeEntry(root, name))),
  ];
}

function adapt(entry: Entry, installFolder: string): Entry {
  if (entry.kind !== 'file') return entry;
  if (entry.path === LANGUAGE_LIBRARY) trimIcu(entry.content);
  if (entry.path === RUNTIME_LIBRARY) moveScripts(entry, installFolder);
  return entry;
}

/** Writes the scripts' new paths over Debian's. Throws when the library does not name each exactly once, or has no room for it. */
function moveScripts({ content }: FileEntry, installFolder: string): void {
  for (const [, path, here] of SCRIPTS) {
    const former = Buffer.from(`\0${path}\0`);
    const at = content.indexOf(former);
    if (at < 0 || content.indexOf(former, at + 1) >= 0)
      throw new Error(`${RUNTIME_LIBRARY} does not name ${path} once`);
    const wanted = `${installFolder}/${here}`;
    if (wanted.length > path.length) throw new Error(`${wanted} is longer than ${path}`);
    content.fill(0, at + 1, at + former.length);
    content.write(wanted, at + 1);
  }
}
