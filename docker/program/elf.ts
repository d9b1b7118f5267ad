/** A 64-bit little-endian ELF program in memory: its program headers and its dynamic section, readable and writable in place. */

/** Segment types and dynamic tags (System V ABI, chapters 4 and 5), those that are of use here. */
export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const PT_PHDR = 6;
const PT_DYNAMIC = 2;
export const DT_STRTAB = 5;
export const DT_STRSZ = 10;
export const DT_RPATH = 15;
const DT_NULL = 0;

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const DYNAMIC_ENTRY_BYTES = 16;
const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);

/** One program header. Offsets count bytes of the file, addresses bytes of memory. */
export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly alignment: number;
}

export class Elf {
  readonly bytes: Buffer;

  /** Takes the file as it is; every writing method changes `bytes`. Throws when it is no 64-bit little-endian ELF. */
  constructor(bytes: Buffer) {
    if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw new Error('not a 64-bit little-endian ELF file');
    }
    this.bytes = bytes;
  }

  get segments(): Segment[] {
    const count = this.bytes.readUInt16LE(56);
    return Array.from({ length: count }, (_, index) => this.#segmentAt(this.#tableOffset + index * SEGMENT_BYTES));
  }

  /** The only segment of this type. Throws when there is none, or more than one. */
  segment(type: number): Segment {
    const [found, second] = this.segments.filter((segment) => segment.type === type);
    if (found === undefined || second !== undefined) throw new Error(`not exactly one program header of type ${type}`);
    return found;
  }

  /** Where the program header table begins in the file. */
  get #tableOffset(): number {
    return number64(this.bytes, 32);
  }

  /** Replaces the whole table. The caller knows what stands behind it. */
  writeSegments(segments: readonly Segment[]): void {
    segments.forEach((segment, index) => {
      this.#writeSegment(this.#tableOffset + index * SEGMENT_BYTES, segment);
    });
    this.bytes.writeUInt16LE(segments.length, 56);
  }

  /** How many bytes a table of `count` program headers takes. */
  static tableBytes(count: number): number {
    return count * SEGMENT_BYTES;
  }

  /** Forgets the section headers: nothing that runs a program reads them. */
  dropSections(): void {
    this.bytes.writeBigUInt64LE(0n, 40);
    this.bytes.fill(0, 60, HEADER_BYTES);
  }

  /** The value of a dynamic tag. Throws when the tag is not there. */
  dynamic(tag: number): number {
    return number64(this.bytes, this.#dynamicEntry(tag) + 8);
  }

  /** Changes the value of a dynamic tag that is there. */
  setDynamic(tag: number, value: number): void {
    this.bytes.writeBigUInt64LE(BigInt(value), this.#dynamicEntry(tag) + 8);
  }

  /** Adds a dynamic tag in the room that linkers leave at the end. Throws when none is left. */
  addDynamic(tag: number, value: number): void {
    const end = this.#dynamicEntry(DT_NULL);
    const { offset, fileBytes } = this.segment(PT_DYNAMIC);
    if (end + 2 * DYNAMIC_ENTRY_BYTES > offset + fileBytes) throw new Error('no room in the dynamic section');
    this.bytes.writeBigUInt64LE(BigInt(tag), end);
    this.bytes.writeBigUInt64LE(BigInt(value), end + 8);
  }

  /** Where in the file the byte at a memory address is. Throws when no part of the file is loaded there. */
  offsetOf(address: number): number {
    const holder = this.segments.find(
      (segment) =>
        segment.type === PT_LOAD && address >= segment.address && address < segment.address + segment.fileBytes,
    );
    if (holder === undefined) throw new Error(`nothing is loaded at address ${address}`);
    return address - holder.address + holder.offset;
  }

  #dynamicEntry(tag: number): number {
    const { offset, fileBytes } = this.segment(PT_DYNAMIC);
    for (let entry = offset; entry < offset + fileBytes; entry += DYNAMIC_ENTRY_BYTES) {
      const found = number64(this.bytes, entry);
      if (found === tag) return entry;
      if (found === DT_NULL) break;
    }
    throw new Error(`no dynamic entry with tag ${tag}`);
  }

  #segmentAt(at: number): Segment {
    return {
      type: this.bytes.readUInt32LE(at),
      flags: this.bytes.readUInt32LE(at + 4),
      offset: number64(this.bytes, at + 8),
      address: number64(this.bytes, at + 16),
      fileBytes: number64(this.bytes, at + 32),
      memoryBytes: number64(this.bytes, at + 40),
      alignment: number64(this.bytes, at + 48),
    };
  }

  #writeSegment(at: number, segment: Segment): void {
    this.bytes.writeUInt32LE(segment.type, at);
    this.bytes.writeUInt32LE(segment.flags, at + 4);
    const { offset, address, fileBytes, memoryBytes, alignment } = segment;
    [offset, address, address, fileBytes, memoryBytes, alignment].forEach((value, index) => {
      this.bytes.writeBigUInt64LE(BigInt(value), at + 8 + 8 * index);
    });
  }
}

function number64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}
