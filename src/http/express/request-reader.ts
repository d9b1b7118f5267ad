/** Reads the head of a plain request when it has one reading beyond doubt; whatever else it is, the full lane reads (RFC 9112). */
import { isHopByHop } from '../headers.ts';
import { readHead } from '../message.ts';
import type { RequestHead } from '../request.ts';

const END_OF_HEAD = '\r\n\r\n';
/** Origin-form without fragment, and nothing but single spaces between the three words. */
const REQUEST_LINE = /^(GET|HEAD) (\/[\x21\x22\x24-\x7e]*) HTTP\/1\.1$/;
/** Lines of a token, a colon, at most one space, and printable ASCII that does not end blank: no folding, no foreign letters, no bare CR or LF. */
const FIELD_LINES = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?\r\n)+$/;
/** With one of these a request has a body, or wants something of its own; the hop-by-hop fields count among them, but for `Connection: keep-alive`. */
const SPECIAL_FIELDS = new Set(['content-length', 'expect', 'trailer']);
const BEGINNINGS = ['GET /', 'HEAD /'];

/** `incomplete`: the rest of the head may still come. `doubtful`: not for this lane. */
export type RequestReading =
  | { readonly state: 'incomplete' }
  | { readonly state: 'doubtful' }
  | { readonly state: 'read'; readonly request: PlainRequest };

/** GET or HEAD without a body, on a connection that stays open. */
export interface PlainRequest {
  readonly head: RequestHead;
  /** Bytes of the head, the empty line included. */
  readonly byteLength: number;
  readonly fields: FieldBlock;
}

/** The field lines of a request. Clients send the very same ones again and again: read once, they are recognised. */
export interface FieldBlock {
  readonly text: string;
  readonly rawHeaders: readonly string[];
}

const INCOMPLETE: RequestReading = { state: 'incomplete' };
const DOUBTFUL: RequestReading = { state: 'doubtful' };

/**
 * Reads the head at the start of `text` (Latin-1: one character, one byte). `former`: the fields of the request before. A head over
 * `maxBytes` is doubtful.
 */
export function readPlainRequest(text: string, maxBytes: number, former: FieldBlock | undefined): RequestReading {
  const end = text.indexOf(END_OF_HEAD);
  if (end === -1) return text.length <= maxBytes && beginsPlain(text) ? INCOMPLETE : DOUBTFUL;
  const byteLength = end + END_OF_HEAD.length;
  if (byteLength > maxBytes) return DOUBTFUL;
  const endOfLine = text.indexOf('\r\n');
  const line = REQUEST_LINE.exec(text.slice(0, endOfLine));
  if (line === null) return DOUBTFUL;
  const fields = readFields(text.slice(endOfLine + 2, end + 2), former);
  if (fields === undefined) return DOUBTFUL;
  const [, method = '', target = ''] = line;
  const reading = readHead({ method, target, httpVersion: '1.1', rawHeaders: fields.rawHeaders });
  if (!reading.readable) return DOUBTFUL;
  return { state: 'read', request: { head: reading.head, byteLength, fields } };
}

function beginsPlain(text: string): boolean {
  return BEGINNINGS.some((beginning) => text.startsWith(beginning) || beginning.startsWith(text));
}

/** Undefined: some field is in doubt. */
function readFields(text: string, former: FieldBlock | undefined): FieldBlock | undefined {
  if (former?.text === text) return former;
  if (!FIELD_LINES.test(text)) return undefined;
  const rawHeaders: string[] = [];
  for (const line of text.slice(0, -2).split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (isSpecial(name.toLowerCase(), value)) return undefined;
    rawHeaders.push(name, value);
  }
  return { text, rawHeaders };
}

function isSpecial(name: string, value: string): boolean {
  if (name === 'connection') return value.toLowerCase() !== 'keep-alive';
  return isHopByHop(name) || SPECIAL_FIELDS.has(name);
}
