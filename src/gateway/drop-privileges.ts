/** Becoming an ordinary user once the ports are open, and giving that user the state folder first. */
import { closeSync, constants, fchownSync, fstatSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { userIds } from '../lib/users.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** The state folder is two levels deep. */
const MAX_DEPTH = 3;

/** Becomes `user`; empty: stays who it is, with a warning when that is root. Throws `permission`. */
export function dropPrivileges(user: string, state: StateFolder, log: Log): void {
  if (process.getuid?.() !== 0) {
    if (user !== '') log.debug({ user }, 'not started as root: run.user has nothing to do');
    return;
  }
  if (user === '') {
    log.warn({}, 'runs as root: set [run] user to a user of its own');
    return;
  }
  try {
    const { uid, gid, groups } = userIds(user);
    giveFolder(state.path, uid, gid, 0);
    process.setgroups?.([...groups]);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (cause) {
    throw new GatewayError('permission', `run.user: cannot become ${JSON.stringify(user)}: ${messageOf(cause)}`, {
      hint: 'create the user, for example: useradd --system --no-create-home lockgate',
      cause,
    });
  }
}

/**
 * By open handles, never by name: what ran as that user before may have put a link where a file was, and with it somebody else's file.
 * Links, sockets and files with a second name are left as they are.
 */
function giveFolder(path: string, uid: number, gid: number, depth: number): void {
  const mayBeLink = depth === 0 ? 0 : O_NOFOLLOW;
  const folder = openSync(path, O_RDONLY | O_DIRECTORY | mayBeLink);
  try {
    fchownSync(folder, uid, gid);
    if (depth >= MAX_DEPTH) return;
    const here = `/proc/self/fd/${folder}`;
    for (const entry of readdirSync(here, { withFileTypes: true })) {
      const child = join(here, entry.name);
      if (entry.isDirectory()) giveFolder(child, uid, gid, depth + 1);
      else if (entry.isFile()) giveFile(child, uid, gid);
    }
  } finally {
    closeSync(folder);
  }
}

function giveFile(path: string, uid: number, gid: number): void {
  const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const { nlink } = fstatSync(file);
    if (nlink === 1) fchownSync(file, uid, gid);
  } finally {
    closeSync(file);
  }
}
