/** The questions that go to upstreams, and the test that an answer belongs to one (RFC 5452). */
import { randomBytes, randomInt } from 'node:crypto';
import type { WireName } from './name.ts';
import { OPT_BYTES, writeOpt } from './reply.ts';
import { CD, CLASS_IN, HEADER_BYTES, OPCODE, QR, RD } from './wire.ts';

export interface Query {
  readonly name: WireName;
  readonly type: number;
  /** Absent: IN. */
  readonly class?: number;
  readonly checkingDisabled?: boolean;
  /** Adds an OPT record with our size and this DO bit. Absent: no EDNS. */
  readonly edns?: { readonly dnssecOk: boolean };
  /** Gives every letter of the name a random case, which an honest answer repeats; not every upstream does. */
  readonly randomCase?: boolean;
}

/** A recursive query with id 0. Nothing else of an asker's message travels on: no options, no further records. */
export function buildQuery(question: Query): Buffer {
  const end = HEADER_BYTES + question.name.length + 4;
  const query = Buffer.alloc(end + (question.edns === undefined ? 0 : OPT_BYTES));
  query[2] = RD;
  query[3] = question.checkingDisabled === true ? CD : 0;
  query[5] = 1;
  query.write(question.name, HEADER_BYTES, 'latin1');
  if (question.randomCase === true) scrambleCase(query.subarray(HEADER_BYTES, end - 4));
  query.writeUInt16BE(question.type, end - 4);
  query.writeUInt16BE(question.class ?? CLASS_IN, end - 2);
  if (question.edns !== undefined) writeOpt(query, end, { dnssecOk: question.edns.dnssecOk, rcode: 0 });
  return query;
}

/** The same query for servers that do not know EDNS. */
export function withoutEdns(query: Buffer): Buffer {
  const plain = Buffer.from(query.subarray(0, questionEnd(query)));
  plain[11] = 0;
  return plain;
}

function scrambleCase(name: Buffer): void {
  const coins = randomBytes(name.length);
  for (let at = 0; at < name.length; at++) {
    const isLetter = name[at]! >= 0x61 && name[at]! <= 0x7a;
    if (isLetter && (coins[at]! & 1) === 1) name[at]! ^= 0x20;
  }
}

/** A copy of `query` with an id that cannot be guessed. */
export function withRandomId(query: Buffer): Buffer {
  const copy = Buffer.from(query);
  copy.writeUInt16BE(randomInt(0x10000), 0);
  return copy;
}

/** Whether `answer` answers `query`: same id, a response, and the very question, letter case included. */
export function isAnswerTo(query: Buffer, answer: Buffer): boolean {
  const end = questionEnd(query);
  if (answer.length < end || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if ((answer[2]! & QR) === 0 || (answer[2]! & OPCODE) !== 0 || answer.readUInt16BE(4) !== 1) return false;
  return answer.compare(query, HEADER_BYTES, end, HEADER_BYTES, end) === 0;
}

/** Offset behind the question of a query that we built. */
function questionEnd(query: Buffer): number {
  let at = HEADER_BYTES;
  while (query[at]! > 0) at += query[at]! + 1;
  return at + 5;
}
