/** Users of this machine, from /etc/passwd and /etc/group: routers and containers have nothing else. */
import { readFileSync } from 'node:fs';

const PASSWD = '/etc/passwd';
const GROUP = '/etc/group';

export interface UserIds {
  readonly uid: number;
  /** The user's primary group. */
  readonly gid: number;
  /** All groups, the primary one included: the media server's group may be what makes its certificate readable. */
  readonly groups: readonly number[];
}

/** The ids of `user`, a name or a number. Throws when there is no such user. */
export function userIds(user: string): UserIds {
  for (const line of readFileSync(PASSWD, 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (uid === undefined || gid === undefined) continue;
    if (name !== user && uid !== user) continue;
    return { uid: Number(uid), gid: Number(gid), groups: [Number(gid), ...supplementaryGroups(name ?? user)] };
  }
  throw new Error(`${PASSWD} has no such user`);
}

function supplementaryGroups(user: string): number[] {
  return readFileSync(GROUP, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, , , members = '']) => members.split(',').includes(user))
    .map(([, , gid]) => Number(gid));
}
