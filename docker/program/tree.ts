/** What every package carries: files, folders and links of one target system, in memory and in one order. */

interface Placed {
  /** Relative to the root of the target, without a slash at either end: `usr/bin/lockgate`. */
  readonly path: string;
  /** Permission bits, set-id bits included. */
  readonly mode: number;
  /** Numbers, since packages are written without knowing the target's names. Absent: root. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface FileEntry extends Placed {
  readonly kind: 'file';
  readonly content: Buffer;
}

export interface FolderEntry extends Placed {
  readonly kind: 'folder';
}

export interface LinkEntry extends Placed {
  readonly kind: 'link';
  readonly target: string;
}

export type Entry = FileEntry | FolderEntry | LinkEntry;

/** Sorted by path in byte order, every parent folder before what is in it. */
export type Tree = readonly Entry[];

const PLAIN_FILE = 0o644;
const PROGRAM_FILE = 0o755;
const FOLDER = 0o755;

export function file(path: string, content: string | Buffer, mode = PLAIN_FILE): FileEntry {
  return { kind: 'file', path, mode, content: typeof content === 'string' ? Buffer.from(content) : content };
}

export function program(path: string, content: string | Buffer): FileEntry {
  return file(path, content, PROGRAM_FILE);
}

export function folder(path: string, mode = FOLDER): FolderEntry {
  return { kind: 'folder', path, mode };
}

export function link(path: string, target: string): LinkEntry {
  return { kind: 'link', path, mode: 0o777, target };
}

/** The tree of these entries, with the folders that they need. Throws when a path stands there twice or is not plain. */
export function tree(...entries: readonly Entry[]): Tree {
  const all = new Map<string, Entry>();
  for (const entry of entries) {
    if (!/^[\w.+@-]+(\/[\w.+@-]+)*$/.test(entry.path) || /(^|\/)\.\.?(\/|$)/.test(entry.path)) {
      throw new Error(`not a plain relative path: ${JSON.stringify(entry.path)}`);
    }
    if (all.has(entry.path)) throw new Error(`${entry.path} stands there twice`);
    all.set(entry.path, entry);
  }
  for (const entry of entries) {
    for (const parent of parentsOf(entry.path)) if (!all.has(parent)) all.set(parent, folder(parent));
  }
  return [...all.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** The same tree below `prefix`. */
export function below(prefix: string, entries: Tree): Entry[] {
  return entries.map((entry) => ({ ...entry, path: `${prefix}/${entry.path}` }));
}

/** Bytes of all files. */
export function contentBytes(entries: Tree): number {
  return entries.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.content.length : 0), 0);
}

function parentsOf(path: string): string[] {
  const segments = path.split('/').slice(0, -1);
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'));
}
