/**
 * Makes one self-contained program of a Node runtime and a blob: Node's single executable application, bound to a loader and
 * libraries of its own. Everything that is added stands in one new segment behind the runtime's; nothing that is there moves.
 *
 * What strip, postject and patchelf do together, in one step: their results would change with their versions.
 */
import { DT_RPATH, DT_STRSZ, DT_STRTAB, Elf, PT_INTERP, PT_LOAD, PT_NOTE, PT_PHDR, type Segment } from './elf.ts';

/** Node looks for a note of this name, and only when the fuse below is set (Node's src/node_sea.cc). */
const NOTE_NAME = Buffer.from('NODE_SEA_BLOB\0');
const FUSE = Buffer.from('NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:');
const UNSET = 0x30;
const SET = 0x31;

const READABLE = 4;
/** The largest page size in use on arm64. */
const PAGE_BYTES = 65_536;

export interface ProgramParts {
  /** The runtime as it was published. */
  readonly runtime: Buffer;
  /** What `node --experimental-sea-config` of the same version made. */
  readonly blob: Buffer;
  /** Absolute path of the loader on the target. */
  readonly loader: string;
  /** Absolute path of the folder with the libraries on the target: `$ORIGIN` would need /proc. */
  readonly libraryFolder: string;
}

/** The bytes of the program. Throws when the runtime is not laid out as expected. */
export function makeSingleProgram({ runtime, blob, loader, libraryFolder }: ProgramParts): Buffer {
  const source = new Elf(runtime);
  const loaded = source.segments.filter(({ type }) => type === PT_LOAD);
  const usedBytes = Math.max(...loaded.map(({ offset, fileBytes }) => offset + fileBytes));
  const usedMemory = Math.max(...loaded.map(({ address, memoryBytes }) => address + memoryBytes));
  const offset = roundUp(usedBytes, PAGE_BYTES);
  const address = roundUp(usedMemory, PAGE_BYTES);

  const addition = layOut([
    ['loader', Buffer.from(`${loader}\0`)],
    ['names', Buffer.concat([dynamicNames(source), Buffer.from(`${libraryFolder}\0`)])],
    ['note', noteOf(blob)],
  ]);
  const bytes = Buffer.alloc(offset + addition.bytes.length);
  runtime.copy(bytes, 0, 0, usedBytes);
  addition.bytes.copy(bytes, offset);

  const program = new Elf(bytes);
  const place = (part: Part): Segment => ({
    type: PT_LOAD,
    flags: READABLE,
    offset: offset + part.at,
    address: address + part.at,
    fileBytes: part.length,
    memoryBytes: part.length,
    alignment: PAGE_BYTES,
  });
  program.dropSections();
  setFuse(bytes);
  bindLibraries(program, place(addition.part('names')), libraryFolder);
  writeTable(program, {
    loader: place(addition.part('loader')),
    note: place(addition.part('note')),
    all: place({ at: 0, length: addition.bytes.length }),
  });
  return bytes;
}

interface Part {
  readonly at: number;
  readonly length: number;
}

/** Puts parts one behind the other, each at a multiple of 8. */
function layOut(parts: readonly (readonly [string, Buffer])[]): { bytes: Buffer; part: (name: string) => Part } {
  const placed = new Map<string, Part>();
  const chunks: Buffer[] = [];
  let at = 0;
  for (const [name, content] of parts) {
    placed.set(name, { at, length: content.length });
    const padding = Buffer.alloc(roundUp(content.length, 8) - content.length);
    chunks.push(content, padding);
    at += content.length + padding.length;
  }
  return { bytes: Buffer.concat(chunks), part: (name) => placed.get(name)! };
}

/** An ELF note (System V ABI, chapter 5): name length, content length, type, name, content, each padded to 4. */
function noteOf(blob: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(NOTE_NAME.length, 0);
  head.writeUInt32LE(blob.length, 4);
  const pad = (bytes: Buffer) => Buffer.alloc(roundUp(bytes.length, 4) - bytes.length);
  return Buffer.concat([head, NOTE_NAME, pad(NOTE_NAME), blob, pad(blob)]);
}

function setFuse(bytes: Buffer): void {
  const at = bytes.indexOf(FUSE);
  if (at < 0 || bytes.indexOf(FUSE, at + 1) >= 0) throw new Error('the runtime has not exactly one fuse');
  if (bytes[at + FUSE.length] !== UNSET) throw new Error('the fuse of the runtime is set already');
  bytes[at + FUSE.length] = SET;
}

function dynamicNames(elf: Elf): Buffer {
  const at = elf.offsetOf(elf.dynamic(DT_STRTAB));
  return elf.bytes.subarray(at, at + elf.dynamic(DT_STRSZ));
}

/**
 * Points the dynamic section at the longer table of names and adds the search path. DT_RPATH and not DT_RUNPATH: it holds for the
 * libraries' own libraries too. The table that is no longer read becomes zeros, which pack to nothing.
 */
function bindLibraries(program: Elf, names: Segment, libraryFolder: string): void {
  dynamicNames(program).fill(0);
  program.setDynamic(DT_STRTAB, names.address);
  program.setDynamic(DT_STRSZ, names.fileBytes);
  program.addDynamic(DT_RPATH, names.fileBytes - libraryFolder.length - 1);
}

/**
 * The table of program headers grows by one, over the loader's name and the notes that follow it and that are no longer used. It must
 * stay where it is: kernels before 5.18 find it only there.
 */
function writeTable(program: Elf, added: { loader: Segment; note: Segment; all: Segment }): void {
  const { segments } = program;
  const table = program.segment(PT_PHDR);
  const grown = Elf.tableBytes(segments.length + 1);
  const freed = [program.segment(PT_INTERP), program.segment(PT_NOTE)].sort((a, b) => a.offset - b.offset);
  const end = freed.reduce((at, { offset, fileBytes }) => {
    return offset <= roundUp(at, 8) ? Math.max(at, offset + fileBytes) : at;
  }, table.offset + table.fileBytes);
  if (table.offset + grown > end) throw new Error('no room for one more program header');
  const lastLoad = segments.findLastIndex(({ type }) => type === PT_LOAD);
  const changed = segments.map((segment): Segment => {
    if (segment.type === PT_PHDR) return { ...segment, fileBytes: grown, memoryBytes: grown };
    if (segment.type === PT_INTERP) return { ...added.loader, type: PT_INTERP, alignment: 1 };
    if (segment.type === PT_NOTE) return { ...added.note, type: PT_NOTE, alignment: 4 };
    return segment;
  });
  program.writeSegments(changed.toSpliced(lastLoad + 1, 0, added.all));
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
