/** The raw guard: decides from the bytes alone whether a message is a question that may be read any further. */
import { endOfPlainName, readName, type WireName } from './name.ts';
import { HEADER_BYTES, MAX_QUESTION_BYTES, OPCODE, QR, RCODE } from './wire.ts';

/** An OPT and perhaps a signature; nobody asks with more. */
const MAX_ADDITIONAL_RECORDS = 2;
/** Type and class behind the name. */
const QUESTION_TAIL_BYTES = 4;

export interface Question {
  /** The whole message as received. */
  readonly message: Buffer;
  readonly name: WireName;
  readonly type: number;
  readonly class: number;
  /** Offset behind the question section. */
  readonly end: number;
  readonly hasAdditional: boolean;
}

/** What to do with a message: read on, answer with an error in twelve bytes, or say nothing. */
export type Guarded =
  | { readonly verdict: 'question'; readonly question: Question }
  | { readonly verdict: 'error'; readonly rcode: number }
  | { readonly verdict: 'silence' };

const SILENCE: Guarded = { verdict: 'silence' };
const FORMAT_ERROR: Guarded = { verdict: 'error', rcode: RCODE.FORMERR };
const NOT_IMPLEMENTED: Guarded = { verdict: 'error', rcode: RCODE.NOTIMP };

/**
 * Answers and fragments get silence, or two servers would talk for ever; foreign opcodes NOTIMP; anything but one question with at most
 * two additional records FORMERR. Compression in a question is a format error, too: there is nothing to point at.
 */
export function guard(message: Buffer): Guarded {
  if (message.length < HEADER_BYTES || (message[2]! & QR) !== 0) return SILENCE;
  if ((message[2]! & OPCODE) !== 0) return NOT_IMPLEMENTED;
  if (message.length > MAX_QUESTION_BYTES) return FORMAT_ERROR;
  if (message.readUInt16BE(4) !== 1 || message.readUInt32BE(6) !== 0) return FORMAT_ERROR;
  const additional = message.readUInt16BE(10);
  if (additional > MAX_ADDITIONAL_RECORDS) return FORMAT_ERROR;

  const nameEnd = endOfPlainName(message, HEADER_BYTES);
  const end = nameEnd + QUESTION_TAIL_BYTES;
  if (nameEnd < 0 || end > message.length) return FORMAT_ERROR;
  if (additional === 0 && end !== message.length) return FORMAT_ERROR;
  const question: Question = {
    message,
    name: readName(message, HEADER_BYTES, nameEnd),
    type: message.readUInt16BE(nameEnd),
    class: message.readUInt16BE(nameEnd + 2),
    end,
    hasAdditional: additional > 0,
  };
  return { verdict: 'question', question };
}
