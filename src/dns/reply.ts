/** Writes answers: the asker's own question bytes first, so that case and odd bytes come back as sent, then records that point at its name. */
import type { RecordBody } from './message.ts';
import { AA, CD, DNSSEC_OK, HEADER_BYTES, MAX_UDP_BYTES, QR, RA, RCODE_MASK, RD, TC, TYPE } from './wire.ts';

/** Where the name of the question stands in every message. */
export const QUESTION_NAME_AT = HEADER_BYTES;
const POINTER = 0xc000;
const ADDITIONAL_COUNT_AT = 10;

export interface ReplyHead {
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  readonly recursionAvailable: boolean;
}

/**
 * Writes header and question of the answer to `message` into `out`; `end` is the offset behind its question section.
 * RD and CD are copied, AD is never set: nothing is validated here. Counts are one question, no records. Returns the offset behind.
 */
export function writeHead(out: Buffer, message: Buffer, end: number, head: ReplyHead): number {
  copyBytes(message, end, out, 0);
  out[2] = QR | (head.isAuthoritative ? AA : 0) | (message[2]! & RD);
  out[3] = (head.recursionAvailable ? RA : 0) | (message[3]! & CD) | (head.rcode & RCODE_MASK);
  for (let at = 4; at < HEADER_BYTES; at++) out[at] = 0;
  out[5] = 1;
  return end;
}

/** For a few dozen bytes a loop is faster than a call of `copy`. */
function copyBytes(from: Buffer, length: number, out: Buffer, at: number): void {
  for (let index = 0; index < length; index++) out[at + index] = from[index]!;
}

/** The sections that we write records into, as the offset of the low byte of their count. */
export const SECTION = { answer: 7, authority: 9 } as const;

/** Appends a record whose owner is the name at `ownerAt`. Returns the offset behind it. */
export function writeRecord(
  out: Buffer,
  at: number,
  record: { readonly section: number; readonly ownerAt: number; readonly body: RecordBody },
): number {
  out.writeUInt16BE(POINTER | record.ownerAt, at);
  copyBytes(record.body, record.body.length, out, at + 2);
  out[record.section]! += 1;
  return at + 2 + record.body.length;
}

/** Appends the OPT record that answers one (RFC 6891 section 6.1.1): our size, the asker's DO, the upper bits of `rcode`. */
export function writeOpt(out: Buffer, at: number, opt: { readonly dnssecOk: boolean; readonly rcode: number }): number {
  out[at] = 0;
  out.writeUInt16BE(TYPE.OPT, at + 1);
  out.writeUInt16BE(MAX_UDP_BYTES, at + 3);
  out[at + 5] = opt.rcode >> 4;
  out[at + 6] = 0;
  out.writeUInt16BE(opt.dnssecOk ? DNSSEC_OK : 0, at + 7);
  out.writeUInt16BE(0, at + 9);
  out.writeUInt16BE(out.readUInt16BE(ADDITIONAL_COUNT_AT) + 1, ADDITIONAL_COUNT_AT);
  return at + OPT_BYTES;
}

/** Length of an OPT record without options. */
export const OPT_BYTES = 11;

/** The answer to what is no proper question: twelve bytes with id, opcode, RD and the error. */
export function writeError(out: Buffer, message: Buffer, rcode: number): number {
  message.copy(out, 0, 0, HEADER_BYTES);
  out[2] = QR | (message[2]! & ~(AA | TC));
  out[3] = rcode & RCODE_MASK;
  out.fill(0, 4, HEADER_BYTES);
  return HEADER_BYTES;
}
