/** Becoming an ordinary user once the ports are open, and giving that user the state folder first. */
import { chownSync, lchownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { userIds } from '../lib/users.ts';

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

/** Links are given themselves, never what they point to. */
function giveFolder(path: string, uid: number, gid: number, depth: number): void {
  chownSync(path, uid, gid);
  if (depth >= MAX_DEPTH) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) giveFolder(child, uid, gid, depth + 1);
    else lchownSync(child, uid, gid);
  }
}
