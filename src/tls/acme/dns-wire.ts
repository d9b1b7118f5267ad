/** As much of the DNS wire format as updates need (RFC 1035 section 4): names, questions, a walk over records. */

export const HEADER_BYTES = 12;
export const CLASS_IN = 1;
export const TYPE = { SOA: 6, TXT: 16 } as const;
/** The two bits that make a length byte a pointer (section 4.1.4). */
const POINTER = 0xc0;

/** A place in a message. */
export interface Cursor {
  at: number;
}

export interface RecordPlace {
  readonly type: number;
  readonly dataAt: number;
}

/** The wire form of a name of printable ASCII, in lower case. */
export function encodeName(name: string): Buffer {
  const labels = name
    .toLowerCase()
    .split('.')
    .filter((label) => label !== '');
  return Buffer.from(`${labels.map((label) => String.fromCharCode(label.length) + label).join('')}\0`, 'latin1');
}

/** Name, type and class: a question, or the zone of an update. */
export function encodeQuestion(name: string, type: number): Buffer {
  return Buffer.concat([encodeName(name), Buffer.of(0, type, 0, CLASS_IN)]);
}

/** Behind the questions. Throws `RangeError` for a message that is cut short, as everything here. */
export function startOfRecords(message: Buffer): Cursor {
  const cursor = { at: HEADER_BYTES };
  for (let left = message.readUInt16BE(4); left > 0; left -= 1) {
    skipName(message, cursor);
    cursor.at += 4;
  }
  return cursor;
}

/** Moves behind the record at the cursor and says what it is. */
export function skipRecord(message: Buffer, cursor: Cursor): RecordPlace {
  skipName(message, cursor);
  const type = message.readUInt16BE(cursor.at);
  const dataAt = cursor.at + 10;
  cursor.at = dataAt + message.readUInt16BE(cursor.at + 8);
  return { type, dataAt };
}

function skipName(message: Buffer, cursor: Cursor): void {
  for (;;) {
    const length = message.readUInt8(cursor.at);
    if (length >= POINTER) {
      cursor.at += 2;
      return;
    }
    cursor.at += length + 1;
    if (length === 0) return;
  }
}
