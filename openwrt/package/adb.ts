/**
 * The data base format of apk-tools 3 (apk-v3(5), src/adb.h): values of 32 bits that hold a number or lead to content further ahead.
 * Content is written before what refers to it, equal content once.
 */

const HEADER_BYTES = 8;
const TYPES = { int: 1, int32: 2, blob8: 8, blob16: 9, blob32: 0xa, object: 0xe } as const;
const MAX_INLINE_INT = 0x0fff_ffff;

/** A 32-bit value; 0 is null. */
export type AdbValue = number;
export const NULL: AdbValue = 0;

/** Writes one data base. */
export class AdbWriter {
  #bytes = Buffer.alloc(HEADER_BYTES);
  readonly #written = new Map<string, number>();

  int(value: number): AdbValue {
    if (value <= MAX_INLINE_INT) return makeValue(TYPES.int, value);
    const content = Buffer.alloc(4);
    content.writeUInt32LE(value);
    return makeValue(TYPES.int32, this.#write(content, 4));
  }

  /** Text or bytes; nothing is null. */
  blob(content: string | Buffer): AdbValue {
    const bytes = Buffer.from(content);
    if (bytes.length === 0) return NULL;
    return this.#blob(bytes, (framed, alignment) => this.#write(framed, alignment));
  }

  /** A blob that is shared with no other, to be filled in when the rest is known. Also gives its place. */
  blank(length: number): { value: AdbValue; at: number } {
    const value = this.#blob(Buffer.alloc(length), (framed, alignment) => this.#append(framed, alignment));
    return { value, at: (value & MAX_INLINE_INT) + 1 };
  }

  /** Fields by their number, from 1; absent ones are null. Without any field it is null itself. */
  object(fields: Readonly<Record<number, AdbValue>>): AdbValue {
    const numbers = Object.keys(fields).map(Number);
    const used = numbers.filter((number) => fields[number] !== NULL);
    return this.#list(Math.max(0, ...used), (number) => fields[number] ?? NULL);
  }

  array(values: readonly AdbValue[]): AdbValue {
    return this.#list(values.length, (number) => values[number - 1] ?? NULL);
  }

  /** The whole data base. */
  finish(root: AdbValue): Buffer {
    this.#bytes.writeUInt32LE(root, 4);
    return this.#bytes;
  }

  #blob(bytes: Buffer, put: (framed: Buffer, alignment: number) => number): AdbValue {
    const width = bytes.length > 0xffff ? 4 : bytes.length > 0xff ? 2 : 1;
    const length = Buffer.alloc(width);
    length.writeUIntLE(bytes.length, 0, width);
    const type = width === 4 ? TYPES.blob32 : width === 2 ? TYPES.blob16 : TYPES.blob8;
    return makeValue(type, put(Buffer.concat([length, bytes]), width));
  }

  #list(last: number, fieldAt: (number: number) => AdbValue): AdbValue {
    if (last === 0) return NULL;
    const content = Buffer.alloc(4 * (last + 1));
    content.writeUInt32LE(last + 1, 0);
    for (let number = 1; number <= last; number++) content.writeUInt32LE(fieldAt(number), 4 * number);
    return makeValue(TYPES.object, this.#write(content, 4));
  }

  #write(content: Buffer, alignment: number): number {
    const key = content.toString('latin1');
    const known = this.#written.get(key);
    if (known !== undefined && known % alignment === 0) return known;
    const at = this.#append(content, alignment);
    this.#written.set(key, at);
    return at;
  }

  #append(content: Buffer, alignment: number): number {
    const at = Math.ceil(this.#bytes.length / alignment) * alignment;
    this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(at - this.#bytes.length), content]);
    return at;
  }
}

function makeValue(type: number, value: number): AdbValue {
  return ((type << 28) | value) >>> 0;
}
