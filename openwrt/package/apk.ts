/** Packages of apk-tools 3, as OpenWrt has used them since 25.12: unsigned, so they are added with `--allow-untrusted`. */
import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { Entry, FileEntry, Tree } from '../../docker/program/tree.ts';
import { type AdbValue, AdbWriter } from './adb.ts';

const SCHEMA_PACKAGE = 0x676b6370;
/** Content of a block is shorter than a gigabyte: none of ours comes near. */
const BLOCK = { adb: 0, data: 2 } as const;
/** The part of the SHA-256 of the data base that stands in it. */
const UNIQUE_ID_BYTES = 20;
const SYMBOLIC_LINK = 0o120000;

/** Numbers of fields (src/apk_adb.h). */
const INFO = {
  name: 1,
  version: 2,
  uniqueId: 3,
  description: 4,
  arch: 5,
  license: 6,
  origin: 7,
  maintainer: 8,
  buildTime: 11,
  installedSize: 12,
  depends: 15,
} as const;
const ACL = { mode: 1, user: 2, group: 3 } as const;
const FILE = { name: 1, acl: 2, size: 3, mtime: 4, hash: 5, target: 6 } as const;
const FOLDER = { name: 1, acl: 2, files: 3 } as const;
const PACKAGE = { info: 1, paths: 2, scripts: 3 } as const;
const SCRIPTS = {
  'pre-install': 2,
  'post-install': 3,
  'pre-deinstall': 4,
  'post-deinstall': 5,
  'pre-upgrade': 6,
  'post-upgrade': 7,
} as const;

export type ApkScript = keyof typeof SCRIPTS;

export interface ApkOptions {
  readonly name: string;
  /** As apk compares them: `1.2.3-r1`. */
  readonly version: string;
  readonly description: string;
  readonly arch: string;
  readonly license: string;
  readonly maintainer: string;
  /** Names without versions. */
  readonly depends: readonly string[];
  readonly scripts: Readonly<Partial<Record<ApkScript, string>>>;
  readonly files: Tree;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
}

/** The bytes of the package. */
export function writeApk(options: ApkOptions): Buffer {
  const folders = foldersOf(options.files);
  const blocks = [block(BLOCK.adb, describe(options, folders))];
  folders.forEach(({ files }, folderIndex) => {
    files.forEach((entry, fileIndex) => {
      if (entry.kind === 'file' && entry.content.length > 0) blocks.push(dataBlock(folderIndex, fileIndex, entry));
    });
  });
  const head = Buffer.alloc(8);
  head.write('ADB.');
  head.writeUInt32LE(SCHEMA_PACKAGE, 4);
  const file = Buffer.concat([head, ...blocks]);
  return Buffer.concat([Buffer.from('ADBd'), deflateRawSync(file, { level: 9 })]);
}

interface Folder {
  readonly path: string;
  readonly mode: number;
  readonly files: readonly Exclude<Entry, { kind: 'folder' }>[];
}

/** Every folder with what is directly in it, the root first, both sorted by bytes. */
function foldersOf(files: Tree): Folder[] {
  const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const folders = [{ path: '', mode: 0o755 }, ...files.filter(({ kind }) => kind === 'folder')];
  return folders.map(({ path, mode }) => ({
    path,
    mode,
    files: files.filter((entry) => entry.kind !== 'folder' && parentOf(entry.path) === path) as Folder['files'],
  }));
}

/** The data base, with its own hash in it: taken while the place for the hash holds zeros. */
function describe(options: ApkOptions, folders: readonly Folder[]): Buffer {
  const adb = new AdbWriter();
  const info: Record<number, AdbValue> = {
    [INFO.name]: adb.blob(options.name),
    [INFO.version]: adb.blob(options.version),
    [INFO.description]: adb.blob(options.description),
    [INFO.arch]: adb.blob(options.arch),
    [INFO.license]: adb.blob(options.license),
    [INFO.origin]: adb.blob(options.name),
    [INFO.maintainer]: adb.blob(options.maintainer),
    [INFO.buildTime]: adb.int(options.modifiedAt),
    [INFO.depends]: adb.array([...options.depends].sort().map((name) => adb.object({ 1: adb.blob(name) }))),
  };
  const paths = folders.map((folder) => describeFolder(adb, folder, options.modifiedAt));
  const installedBytes = folders.flatMap(({ files }) => files).reduce((sum, entry) => sum + sizeOf(entry), 0);
  info[INFO.installedSize] = adb.int(Math.max(1, installedBytes));
  const uniqueId = adb.blank(UNIQUE_ID_BYTES);
  info[INFO.uniqueId] = uniqueId.value;
  const scripts = Object.entries(options.scripts).map(([when, text]) => [SCRIPTS[when as ApkScript], adb.blob(text)]);
  const root = adb.object({
    [PACKAGE.info]: adb.object(info),
    [PACKAGE.paths]: adb.array(paths),
    [PACKAGE.scripts]: adb.object(Object.fromEntries(scripts) as Record<number, AdbValue>),
  });
  const bytes = adb.finish(root);
  createHash('sha256').update(bytes).digest().copy(bytes, uniqueId.at, 0, UNIQUE_ID_BYTES);
  return bytes;
}

function describeFolder(adb: AdbWriter, { path, mode, files }: Folder, modifiedAt: number): AdbValue {
  const entries = files.map((entry) =>
    adb.object({
      [FILE.name]: adb.blob(entry.path.slice(entry.path.lastIndexOf('/') + 1)),
      [FILE.hash]: entry.kind === 'file' ? adb.blob(createHash('sha256').update(entry.content).digest()) : 0,
      [FILE.target]: entry.kind === 'link' ? adb.blob(linkTarget(entry.target)) : 0,
      [FILE.mtime]: adb.int(modifiedAt),
      [FILE.size]: adb.int(sizeOf(entry)),
      [FILE.acl]: describeOwner(adb, entry.mode),
    }),
  );
  return adb.object({
    [FOLDER.name]: adb.blob(path),
    [FOLDER.acl]: describeOwner(adb, mode),
    [FOLDER.files]: adb.array(entries),
  });
}

function describeOwner(adb: AdbWriter, mode: number): AdbValue {
  return adb.object({ [ACL.mode]: adb.int(mode), [ACL.user]: adb.blob('root'), [ACL.group]: adb.blob('root') });
}

function linkTarget(target: string): Buffer {
  const kind = Buffer.alloc(2);
  kind.writeUInt16LE(SYMBOLIC_LINK);
  return Buffer.concat([kind, Buffer.from(target)]);
}

function sizeOf(entry: Entry): number {
  if (entry.kind === 'file') return entry.content.length;
  return entry.kind === 'link' ? Buffer.byteLength(entry.target) : 0;
}

/** The content of one file, by the numbers of its folder and of itself, from 1. */
function dataBlock(folderIndex: number, fileIndex: number, { content }: FileEntry): Buffer {
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32LE(folderIndex + 1, 0);
  numbers.writeUInt32LE(fileIndex + 1, 4);
  return block(BLOCK.data, Buffer.concat([numbers, content]));
}

/** A block: type and length, content, zeros up to a multiple of 8. */
function block(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(((type << 30) | (head.length + content.length)) >>> 0);
  const length = head.length + content.length;
  return Buffer.concat([head, content, Buffer.alloc(Math.ceil(length / 8) * 8 - length)]);
}
