/** The state folder: small private files, written so that a power cut leaves either the old or the new one. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { GatewayError, messageOf, systemCodeOf } from './errors.ts';

const PRIVATE_FILE_MODE = 0o600;
const PRIVATE_FOLDER_MODE = 0o700;
const WRITABLE_BY_EVERYBODY = 0o002;
/** No file of the state folder is larger; a larger one is not ours. */
const MAX_STATE_FILE_BYTES = 4 * 1024 * 1024;

export class StateFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Creates the folder (0700) when it is missing. Throws `state` when it cannot be written. */
  async prepare(): Promise<void> {
    try {
      await makeFolder(resolve(this.path));
      await this.write('.writable', '');
      await this.remove('.writable');
    } catch (cause) {
      throw new GatewayError(
        'state',
        `state.dir: ${JSON.stringify(this.path)} cannot be written: ${messageOf(cause)}`,
        {
          hint: 'create it for the user that runs lockgate, or set [state] dir or LOCKGATE_STATE to a folder of its own',
          cause,
        },
      );
    }
  }

  /** Whether every user may put files there: what is remembered, and the keys, would be theirs to choose. */
  async isOpenToEverybody(): Promise<boolean> {
    const { mode } = await stat(this.path);
    return (mode & WRITABLE_BY_EVERYBODY) !== 0;
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** A folder in it, which need not be there. */
  folder(name: string): StateFolder {
    return new StateFolder(this.pathOf(name));
  }

  /** The file's bytes, or undefined when there is none. Throws when it exists but cannot be read. */
  async read(name: string): Promise<Buffer | undefined> {
    const path = this.pathOf(name);
    try {
      if ((await stat(path)).size > MAX_STATE_FILE_BYTES) throw new Error('larger than any file that lockgate writes');
      return await readFile(path);
    } catch (cause) {
      if (systemCodeOf(cause) === 'ENOENT') return undefined;
      throw new GatewayError('state', `${path} cannot be read: ${messageOf(cause)}`, { cause });
    }
  }

  /** The file parsed as JSON, or undefined when it is missing or not JSON (a damaged memory is no memory). */
  async readJson(name: string): Promise<unknown> {
    const bytes = await this.read(name);
    if (bytes === undefined) return undefined;
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch {
      return undefined;
    }
  }

  /** Replaces the file atomically, mode 0600, flushed to the disk before the rename. */
  async write(name: string, content: string | Uint8Array, mode = PRIVATE_FILE_MODE): Promise<void> {
    await writeFileAtomically(this.pathOf(name), content, mode);
  }

  async remove(name: string): Promise<void> {
    await rm(this.pathOf(name), { force: true, recursive: true });
  }
}

/** Writes `content` to a temporary neighbour, syncs it and renames it over `path`. */
export async function writeFileAtomically(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(temporary, flags, mode);
  try {
    await file.writeFile(content);
    await file.chmod(mode);
    await giveToOwnerOf(dirname(path), file);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => {});
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A command run as root leaves what it makes in `folder` to the folder's owner: the service must read it. */
async function giveToOwnerOf(folder: string, made: FileHandle): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  await made.chown(uid, gid);
}

/** Node's own recursive `mkdir` never ends where the system says that a folder which is there is not: below /proc. */
async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  const isParentThere = await isFolder(parent);
  if (!isParentThere && parent !== path) await makeFolder(parent);
  await mkdir(path, { mode: PRIVATE_FOLDER_MODE });
  if (isParentThere) await giveFolderToParentOwner(path);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return false;
    throw cause;
  }
}

async function giveFolderToParentOwner(path: string): Promise<void> {
  const made = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await giveToOwnerOf(dirname(path), made);
  } finally {
    await made.close();
  }
}
