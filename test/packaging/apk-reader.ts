/** A reader of apk-tools 3 packages, written from the format's description alone: the other hand to openwrt/package/apk.ts. */
import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';

/** Null, numbers, blobs, and lists of these; fields stand at their own numbers. */
export type Value = null | number | Buffer | readonly Value[];

export interface ApkFile {
  readonly path: string;
  readonly mode: number;
  readonly user: string;
  readonly content: Buffer | undefined;
  /** Of a symbolic link. */
  readonly target: string | undefined;
}

export interface Apk {
  readonly info: readonly Value[];
  readonly folders: readonly string[];
  readonly files: readonly ApkFile[];
  /** By their numbers. */
  readonly scripts: readonly Value[];
}

/** Reads a package and checks every hash in it. Throws at the first thing that apk would not take. */
export function readApk(bytes: Buffer): Apk {
  const container = bytes.subarray(0, 4).toString() === 'ADBd' ? inflateRawSync(bytes.subarray(4)) : bytes;
  if (container.toString('latin1', 0, 8) !== 'ADB.pckg') throw new Error('no package');
  const [first, ...others] = readBlocks(container.subarray(8));
  if (first?.type !== 0) throw new Error('the first block is no data base');
  if (others.some(({ type }) => type !== 2)) throw new Error('a block that is no data');
  const root = readValue(first.content, first.content.readUInt32LE(4)) as Value[];
  const [, info, paths, scripts] = root as [null, Value[], Value[], Value[] | undefined];
  checkUniqueId(first.content, info[3] as Buffer);
  const contents = new Map(
    others.map(({ content }) => [`${content.readUInt32LE(0)}/${content.readUInt32LE(4)}`, content.subarray(8)]),
  );
  const folders = paths.slice(1) as Value[][];
  return {
    info,
    folders: folders.map((folder) => text(folder[1])),
    files: folders.flatMap((folder, index) => readFolder(folder, index + 1, contents)),
    scripts: scripts ?? [],
  };
}

function readFolder(folder: Value[], folderNumber: number, contents: ReadonlyMap<string, Buffer>): ApkFile[] {
  const files = ((folder[3] ?? []) as Value[][]).slice(1);
  return files.map((fields, index): ApkFile => {
    const [, name, acl, size, , hash, target] = fields as [null, Buffer, Value[], number, number, Buffer, Buffer];
    const path = [text(folder[1]), text(name)].filter((part) => part !== '').join('/');
    const common = { path, mode: acl[1] as number, user: text(acl[2]) };
    if (target) {
      if (target.readUInt16LE(0) !== 0o120000) throw new Error(`${path} is no symbolic link`);
      return { ...common, content: undefined, target: target.subarray(2).toString() };
    }
    const content = contents.get(`${folderNumber}/${index + 1}`) ?? Buffer.alloc(0);
    if (content.length !== size) throw new Error(`${path} has ${content.length} of ${size} bytes`);
    if (!createHash('sha256').update(content).digest().equals(hash)) throw new Error(`${path} has another hash`);
    return { ...common, content, target: undefined };
  });
}

/** The first 20 bytes of the SHA-256 of the data base, taken while they are zeros. */
function checkUniqueId(database: Buffer, id: Buffer): void {
  const copy = Buffer.from(database);
  const at = copy.indexOf(id);
  copy.fill(0, at, at + id.length);
  if (!createHash('sha256').update(copy).digest().subarray(0, 20).equals(id)) throw new Error('another identity');
}

function readBlocks(bytes: Buffer): { type: number; content: Buffer }[] {
  const blocks = [];
  for (let at = 0; at < bytes.length; ) {
    const head = bytes.readUInt32LE(at);
    const length = head & 0x3fff_ffff;
    if (length < 4 || at + length > bytes.length) throw new Error('a block that is too long');
    blocks.push({ type: head >>> 30, content: bytes.subarray(at + 4, at + length) });
    const next = at + Math.ceil(length / 8) * 8;
    if (bytes.subarray(at + length, next).some((byte) => byte !== 0)) throw new Error('padding that is not zero');
    at = next;
  }
  return blocks;
}

function readValue(database: Buffer, value: number): Value {
  const at = value & 0x0fff_ffff;
  switch (value >>> 28) {
    case 0:
      return null;
    case 1:
      return at;
    case 2:
      return database.readUInt32LE(at);
    case 8:
      return slice(database, at + 1, database.readUInt8(at));
    case 9:
      return slice(database, at + 2, database.readUInt16LE(at));
    case 0xa:
      return slice(database, at + 4, database.readUInt32LE(at));
    case 0xe: {
      if (at % 4 !== 0) throw new Error('a list that is not aligned');
      const count = database.readUInt32LE(at);
      const numbers = Array.from({ length: count - 1 }, (_, index) => database.readUInt32LE(at + 4 + 4 * index));
      return [null, ...numbers.map((one) => readValue(database, one))];
    }
    default:
      throw new Error(`a value of kind ${value >>> 28}`);
  }
}

function slice(bytes: Buffer, from: number, length: number): Buffer {
  if (from + length > bytes.length) throw new Error('a blob that is too long');
  return bytes.subarray(from, from + length);
}

/** A blob as text; null is empty. */
export function text(value: Value | undefined): string {
  return Buffer.isBuffer(value) ? value.toString() : '';
}
