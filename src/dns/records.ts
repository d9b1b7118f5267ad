/** Walks the records of an answer without decoding them: where each one stands, so that bytes can be relayed, counted down and judged. */
import { endOfPlainName } from './name.ts';
import { HEADER_BYTES, MAX_NAME_BYTES } from './wire.ts';

/** More is no answer to a question of a home network, and would cost too much to look through. */
const MAX_RECORDS = 512;
const POINTER_BITS = 0xc0;
/** Type, class, TTL and length between a record's owner and its data. */
const FIXED_BYTES = 10;

export type Section = 'answer' | 'authority' | 'additional';

export interface RecordPlace {
  readonly section: Section;
  /** Offset of the record's owner. */
  readonly at: number;
  readonly type: number;
  readonly ttlAt: number;
  /** RFC 2181 section 8: a TTL with the highest bit set is zero. */
  readonly ttlSeconds: number;
  readonly dataAt: number;
  readonly end: number;
}

/** The records of a message with one question, in order, or undefined when it cannot be read to its last byte. */
export function readRecords(message: Buffer): readonly RecordPlace[] | undefined {
  const nameEnd = endOfPlainName(message, HEADER_BYTES);
  if (nameEnd < 0) return undefined;
  const counts: readonly [Section, number][] = [
    ['answer', message.readUInt16BE(6)],
    ['authority', message.readUInt16BE(8)],
    ['additional', message.readUInt16BE(10)],
  ];
  if (counts.reduce((sum, [, count]) => sum + count, 0) > MAX_RECORDS) return undefined;

  const records: RecordPlace[] = [];
  let at = nameEnd + 4;
  for (const [section, count] of counts) {
    for (let index = 0; index < count; index++) {
      const record = readRecord(message, at, section);
      if (record === undefined) return undefined;
      records.push(record);
      at = record.end;
    }
  }
  return at === message.length ? records : undefined;
}

function readRecord(message: Buffer, at: number, section: Section): RecordPlace | undefined {
  const ownerEnd = endOfName(message, at);
  if (ownerEnd < 0 || ownerEnd + FIXED_BYTES > message.length) return undefined;
  const ttl = message.readUInt32BE(ownerEnd + 4);
  const dataAt = ownerEnd + FIXED_BYTES;
  const end = dataAt + message.readUInt16BE(ownerEnd + 8);
  if (end > message.length) return undefined;
  const ttlSeconds = ttl > 0x7fffffff ? 0 : ttl;
  return { section, at, type: message.readUInt16BE(ownerEnd), ttlAt: ownerEnd + 4, ttlSeconds, dataAt, end };
}

/** Offset behind a name that may end in a pointer, or -1. The pointer is not followed: only its place counts. */
export function endOfName(message: Buffer, at: number): number {
  const limit = Math.min(message.length, at + MAX_NAME_BYTES);
  for (let next = at; next < limit; ) {
    const length = message[next]!;
    if (length === 0) return next + 1;
    if (length >= POINTER_BITS) return next + 2 <= message.length ? next + 2 : -1;
    if (length >= 0x40) return -1;
    next += length + 1;
  }
  return -1;
}
