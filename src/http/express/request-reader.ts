/** Reads a plain request when it has one reading beyond doubt; whatever else it is, the full lane reads (RFC 9112). */
import { isHopByHop } from '../headers.ts';
import { readHead } from '../message.ts';
import type { RequestHead } from '../request.ts';

const END_OF_LINE = '\r\n';
const END_OF_HEAD = '\r\n\r\n';
const VERSION = ' HTTP/1.1';
/** Those with a body need its length, and the whole of it behind the head. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT'] as const;
type PlainMethod = (typeof METHODS)[number];
/** A longer body goes through the full lane, which has it pass piece by piece. */
const MAX_BODY_BYTES = 16_384;
/** Lines of a token, a colon, at most one space, and printable ASCII that does not end blank: no folding, no foreign letters, no bare CR or LF. */
const FIELD_LINES = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?\r\n)+$/;
/** With one of these a request wants something of its own. So it is with hop-by-hop fields, but for `Connection: keep-alive`. */
const SPECIAL_FIELDS = new Set(['expect', 'trailer']);
/** A head that takes more than this is read anew each time: what is kept costs memory on every idle connection. */
export const MAX_KEPT_LENGTH = 4_096;

/** GET or HEAD without a body, or POST or PUT with a short one; HTTP/1.1, on a connection that stays open. */
export interface PlainRequest {
  readonly head: RequestHead;
  /** Latin-1. */
  readonly body: string;
  /** Bytes of the head, the empty line included, and of the body. */
  readonly byteLength: number;
}

/** Reads the requests of one connection, whose fields are mostly the very same each time: those are read once. */
export class RequestReader {
  readonly #maxBytes: number;
  #former: RequestHead | undefined;
  #formerFields = '';

  /** A head over `maxBytes` is doubtful. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The request at the start of `text` (Latin-1: one character, one byte). `incomplete`: the rest may still come. `doubtful`: not for this lane. */
  read(text: string): PlainRequest | 'incomplete' | 'doubtful' {
    const method = methodOf(text);
    if (method === undefined) {
      return METHODS.some((known) => `${known} /`.startsWith(text)) ? 'incomplete' : 'doubtful';
    }
    const lineEnd = text.indexOf(END_OF_LINE);
    const fields = lineEnd === -1 ? undefined : this.#fieldsAt(text, lineEnd + END_OF_LINE.length);
    if (fields === undefined) return text.length <= this.#maxBytes ? 'incomplete' : 'doubtful';
    const headLength = lineEnd + fields.length + END_OF_HEAD.length;
    if (headLength > this.#maxBytes || !text.startsWith(VERSION, lineEnd - VERSION.length)) return 'doubtful';
    const target = partOf(text, method.length + 1, lineEnd - VERSION.length);
    const head = this.#readHead(method, target, fields);
    const body = head === undefined ? undefined : this.#bodyOf(head, text.slice(headLength));
    if (head === undefined || body === undefined) return 'doubtful';
    return { head, body, byteLength: headLength + body.length };
  }

  /** The field lines from `start` to the empty line, the very string of the last time when they are the same; undefined: not all are there. */
  #fieldsAt(text: string, start: number): string | undefined {
    const former = this.#formerFields;
    const isSame = former !== '' && text.startsWith(former, start);
    if (isSame && text.startsWith(END_OF_LINE, start + former.length)) return former;
    const emptyLine = text.indexOf(END_OF_HEAD, start - END_OF_LINE.length);
    return emptyLine === -1 ? undefined : partOf(text, start, emptyLine + END_OF_LINE.length);
  }

  #readHead(method: string, target: string, fields: string): RequestHead | undefined {
    const former = fields === this.#formerFields ? this.#former : undefined;
    const rawHeaders = former?.rawHeaders ?? readFields(fields);
    if (rawHeaders === undefined) return undefined;
    const reading = readHead({ method, target, httpVersion: '1.1', rawHeaders }, former);
    if (!reading.readable) return undefined;
    if (former === undefined) this.#keep(reading.head, fields);
    return reading.head;
  }

  /**
   * The body at the start of `behind`, empty where there is none. Undefined: it is too long or not there yet, its length is not said,
   * there should be none, or it looks like heads of requests, which are counted.
   */
  #bodyOf(head: RequestHead, behind: string): string | undefined {
    const length = head.header('content-length');
    const mayHaveBody = head.method === 'POST' || head.method === 'PUT';
    if ((length !== undefined) !== mayHaveBody) return undefined;
    const byteLength = Number(length ?? 0);
    if (byteLength > Math.min(MAX_BODY_BYTES, this.#maxBytes) || behind.length < byteLength) return undefined;
    const body = behind.slice(0, byteLength);
    return body.includes(END_OF_HEAD) ? undefined : body;
  }

  #keep(head: RequestHead, fields: string): void {
    const isKept = head.target.length + fields.length <= MAX_KEPT_LENGTH;
    this.#former = isKept ? head : undefined;
    this.#formerFields = isKept ? fields : '';
  }
}

/** Of a long text a copy, since a slice would hold on to the whole of it. */
function partOf(text: string, start: number, end: number): string {
  const part = text.slice(start, end);
  return text.length <= MAX_KEPT_LENGTH ? part : Buffer.from(part, 'latin1').toString('latin1');
}

function methodOf(text: string): PlainMethod | undefined {
  return METHODS.find((method) => text.startsWith(method) && text.startsWith(' /', method.length));
}

/** Undefined: some field is in doubt. */
function readFields(text: string): string[] | undefined {
  if (!FIELD_LINES.test(text)) return undefined;
  const rawHeaders: string[] = [];
  for (const line of text.slice(0, -END_OF_LINE.length).split(END_OF_LINE)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (isSpecial(name.toLowerCase(), value)) return undefined;
    rawHeaders.push(name, value);
  }
  return rawHeaders;
}

function isSpecial(name: string, value: string): boolean {
  if (name === 'connection') return value.toLowerCase() !== 'keep-alive';
  return isHopByHop(name) || SPECIAL_FIELDS.has(name);
}
