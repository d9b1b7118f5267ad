/**
 * The direct path: answers A, AAAA and HTTPS questions for names with an address in the own zones from their bytes, into a reused
 * buffer. It takes only what it is certain of; everything else is left to the guard and the codec.
 */
import type { Client } from './client.ts';
import { OPT_BYTES, QUESTION_NAME_AT, SECTION, writeHead, writeOpt, writeRecord } from './reply.ts';
import type { Site } from './site.ts';
import { AD, CD, CLASS_IN, RCODE, RD, TYPE } from './wire.ts';
import type { LabelMeaning, Zone } from './zone.ts';

/** `--1` is the shortest label that spells an address, eight groups of four digits the longest. */
const MIN_LABEL_BYTES = 3;
const MAX_LABEL_BYTES = 39;
/** Up to here question, SOA and OPT fit into 512 bytes, so that truncation never comes up. */
const MAX_ZONE_BYTES = 128;

export interface DirectPathOptions {
  readonly recursionAvailable: boolean;
  /** Called for a name that is refused because of the address it spells. */
  readonly onRefused: (zone: Zone, meaning: LabelMeaning, client: Client) => void;
}

export class DirectPath {
  readonly #options: DirectPathOptions;
  readonly #head: { rcode: number; isAuthoritative: boolean; recursionAvailable: boolean };

  constructor(options: DirectPathOptions) {
    this.#options = options;
    this.#head = { rcode: RCODE.NOERROR, isAuthoritative: true, recursionAvailable: options.recursionAvailable };
  }

  /** Writes the answer to `message` into `out` (512 bytes or more) and returns its length; 0 when the question is not for this path. */
  answer(message: Buffer, site: Site, client: Client, out: Buffer): number {
    if (!isPlainQuery(message)) return 0;
    const labelBytes = message[QUESTION_NAME_AT]!;
    if (labelBytes < MIN_LABEL_BYTES || labelBytes > MAX_LABEL_BYTES) return 0;
    const zoneAt = QUESTION_NAME_AT + 1 + labelBytes;
    const zone = zoneIn(message, zoneAt, site);
    if (zone === undefined) return 0;

    const typeAt = zoneAt + zone.wireBytes.length;
    const end = typeAt + 4;
    if (end > message.length || message.readUInt16BE(typeAt + 2) !== CLASS_IN) return 0;
    const type = message.readUInt16BE(typeAt);
    if (type !== TYPE.A && type !== TYPE.AAAA && type !== TYPE.HTTPS) return 0;
    const hasOpt = message[11] === 1;
    if (hasOpt ? !isPlainOpt(message, end) : end !== message.length) return 0;
    const meaning = zone.meaningOf(message.toString('latin1', QUESTION_NAME_AT + 1, zoneAt));
    if (meaning === undefined) return 0;

    if (meaning.isRefused) this.#options.onRefused(zone, meaning, client);
    const body = answerBody(meaning, type, client);
    let at = writeHead(out, message, end, this.#head);
    at =
      body === undefined
        ? writeRecord(out, at, { section: SECTION.authority, ownerAt: zoneAt, body: zone.soa })
        : writeRecord(out, at, { section: SECTION.answer, ownerAt: QUESTION_NAME_AT, body });
    return hasOpt ? writeOpt(out, at, { dnssecOk: (message[end + 7]! & 0x80) !== 0, rcode: 0 }) : at;
  }
}

/** The record that answers a question of `type` for a label, or undefined when there is no data. */
export function answerBody(meaning: LabelMeaning, type: number, client: Client): Buffer | undefined {
  if (type !== (meaning.family === 4 ? TYPE.A : TYPE.AAAA) || meaning.answer === 'none') return undefined;
  if (meaning.answer !== 'asker') return meaning.answer;
  return (meaning.family === 4 ? client.gateway.v4 : client.gateway.v6)?.body;
}

/** A standard query with one question, no records but perhaps one additional, and none but the flags that askers set. */
function isPlainQuery(message: Buffer): boolean {
  if (message.length < QUESTION_NAME_AT + 1) return false;
  if ((message[2]! & ~RD) !== 0 || (message[3]! & ~(AD | CD)) !== 0) return false;
  if (message[4] !== 0 || message[5] !== 1) return false;
  return message.readUInt32BE(6) === 0 && message[10] === 0 && message[11]! <= 1;
}

function zoneIn(message: Buffer, at: number, site: Site): Zone | undefined {
  for (const zone of site.zones) {
    if (zone.wireBytes.length <= MAX_ZONE_BYTES && hasNameAt(message, at, zone.wireBytes)) return zone;
  }
  return undefined;
}

/** Compares without the case of ASCII letters; length bytes are below them. */
function hasNameAt(message: Buffer, at: number, name: Buffer): boolean {
  if (at + name.length > message.length) return false;
  for (let index = 0; index < name.length; index++) {
    const byte = message[at + index]!;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== name[index]) return false;
  }
  return true;
}

/** One OPT record of version 0 at the root, whose options end with the message. */
function isPlainOpt(message: Buffer, at: number): boolean {
  if (at + OPT_BYTES > message.length) return false;
  if (message[at] !== 0 || message.readUInt16BE(at + 1) !== TYPE.OPT || message[at + 6] !== 0) return false;
  if (at + OPT_BYTES + message.readUInt16BE(at + 9) !== message.length) return false;
  let option = at + OPT_BYTES;
  while (option + 4 <= message.length) option += 4 + message.readUInt16BE(option + 2);
  return option === message.length;
}
