/** Tape archives in the format of GNU tar, the same bytes for the same tree: what ipk, SPK and image layers are made of. */
import type { Entry, Tree } from './tree.ts';

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const TYPES = { file: '0', link: '2', folder: '5' } as const;

export interface TarOptions {
  /** Seconds since 1970, of every entry. */
  readonly modifiedAt: number;
  /** Put before every path: `./` in ipk. Default: nothing. */
  readonly prefix?: '' | './';
  /** The root folder itself comes first. Default: false. */
  readonly hasRoot?: boolean;
}

/** The archive of a tree. Throws when a path is longer than 100 bytes: none of ours is. */
export function writeTar(entries: Tree, { modifiedAt, prefix = '', hasRoot = false }: TarOptions): Buffer {
  const chunks = entries.flatMap((entry) => writeEntry(entry, `${prefix}${entry.path}`, modifiedAt));
  if (hasRoot) chunks.unshift(header({ kind: 'folder', path: '', mode: 0o755 }, prefix, modifiedAt));
  return Buffer.concat([...chunks, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function writeEntry(entry: Entry, name: string, modifiedAt: number): Buffer[] {
  const head = header(entry, entry.kind === 'folder' ? `${name}/` : name, modifiedAt);
  if (entry.kind !== 'file') return [head];
  return [head, entry.content, Buffer.alloc(-entry.content.length & (BLOCK_BYTES - 1))];
}

function header(entry: Entry, name: string, modifiedAt: number): Buffer {
  const target = entry.kind === 'link' ? entry.target : '';
  for (const text of [name, target]) {
    if (Buffer.byteLength(text) > NAME_BYTES) throw new Error(`longer than ${NAME_BYTES} bytes: ${text}`);
  }
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name, 0);
  block.write(octal(entry.mode, 7), 100);
  block.write(octal(entry.uid ?? 0, 7), 108);
  block.write(octal(entry.gid ?? 0, 7), 116);
  block.write(octal(entry.kind === 'file' ? entry.content.length : 0, 11), 124);
  block.write(octal(modifiedAt, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write(TYPES[entry.kind], 156);
  block.write(target, 157);
  block.write('ustar  ', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  const text = value.toString(8).padStart(digits, '0');
  if (text.length > digits) throw new Error(`${value} has more than ${digits} octal digits`);
  return text;
}
