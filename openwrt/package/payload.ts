/** What the OpenWrt package puts on a router: the packed program, the service around it, and an example of its file. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { file, program, type Tree, tree } from '../../docker/program/tree.ts';
import { writeSquashfs } from './squashfs.ts';

/** Where the packed program is mounted. */
export const INSTALL_FOLDER = '/usr/lib/lockgate';
export const CONFIG_FILE = '/etc/lockgate/lockgate.toml';

const EXECUTABLE_BITS = 0o111;

/** `programFiles`: a program tree made for `INSTALL_FOLDER`. */
export function routerPayload(programFiles: Tree, modifiedAt: number): Tree {
  const build = buildOf(programFiles);
  const packed = writeSquashfs(tree(...programFiles, file('build', build)), modifiedAt);
  return tree(
    ...readFiles(join(import.meta.dirname, '../files')),
    // Each build has a file of its own: an upgrade leaves the former one whole until the new one is complete.
    file(`usr/share/lockgate/${build.trim()}.squashfs`, packed),
    file('usr/share/lockgate/build', build),
  );
}

/** The files below a folder, with the paths they have in it; executable here, executable there. */
export function readFiles(folder: string): Tree {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const entries = paths.map((path) => {
    const isExecutable = (statSync(path).mode & EXECUTABLE_BITS) !== 0;
    return (isExecutable ? program : file)(relative(folder, path), readFileSync(path));
  });
  return tree(...entries);
}

/** Names the content of a program tree: another content has another name. */
function buildOf(programFiles: Tree): string {
  const hash = createHash('sha256');
  for (const entry of programFiles) if (entry.kind === 'file') hash.update(entry.path).update(entry.content);
  return `${hash.digest('hex').slice(0, 32)}\n`;
}
