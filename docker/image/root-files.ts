/** The root file system of the image: the program, an example of its file, its user, and a folder to keep things in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { below, file, folder, type Tree, tree } from '../program/tree.ts';

/** Where the program stands. */
export const INSTALL_FOLDER = '/opt/lockgate';
export const USER_ID = 10_001;

const PASSWD = `root:x:0:0:root:/:/nologin\nlockgate:x:${USER_ID}:${USER_ID}:lockgate:/data:/nologin\n`;
const GROUP = `root:x:0:\nlockgate:x:${USER_ID}:\n`;
/** Everybody may write there, nobody may touch what is another's: `user:` in a compose file is the media server's own. */
const SHARED_FOLDER = 0o1777;

/** `program`: a program tree made for `INSTALL_FOLDER`. There is no shell and nothing else to run. */
export function imageTree(program: Tree): Tree {
  return tree(
    ...below(INSTALL_FOLDER.slice(1), program),
    file('etc/passwd', PASSWD),
    file('etc/group', GROUP),
    file('etc/lockgate/lockgate.toml', readFileSync(join(import.meta.dirname, 'lockgate.toml'))),
    { ...folder('data', SHARED_FOLDER), uid: USER_ID, gid: USER_ID },
  );
}
