/** Reads the head of the media server's answer, strictly, and rewrites it for the client (RFC 9112 sections 4 to 6). */
import { HOP_BY_HOP, isHopByHop } from '../headers.ts';

const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: ([^\r\n]*))?\r\n/;
/** Of nearly all answers. */
const OK_LINE = 'HTTP/1.1 200 OK\r\n';
const OK: StatusLine = { status: 200, minorVersion: '1', text: '200 OK', length: OK_LINE.length };
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** No folding, no blank before the colon, no control bytes, no bare CR or LF. */
const FIELD_LINES = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n$/;
const CONTENT_LENGTH = /^\d{1,15}$/;
/** Of the field names that matter here, each has one of these lengths: the other lines are not looked at. */
const NOTED_LENGTHS: readonly boolean[] = Array.from({ length: 32 }, (_, length) =>
  ['trailer', 'content-length', ...HOP_BY_HOP].some((name) => name.length === length),
);

/** How the end of a body is told: after so many bytes, by its chunks, or by the end of the connection. */
export type BodyFraming = number | 'chunked' | 'close';

export interface AnswerHead {
  readonly status: number;
  readonly framing: BodyFraming;
  /** The server keeps the connection open behind this answer. */
  readonly keepsAlive: boolean;
  /** For how long, where it says so. */
  readonly keepAliveSeconds: number | undefined;
  /** Status line and fields for the client, without Connection and without the empty line. The body goes out in chunks unless it has a length. */
  readonly text: string;
}

/** An answer that has no reading, or two: `fault` says why. */
export interface AnswerFault {
  readonly fault: string;
}

/** Reads a complete head, empty line included (Latin-1). An informational one (1xx) has no body. */
export function readAnswerHead(text: string, method: string): AnswerHead | AnswerFault {
  const line = text.startsWith(OK_LINE) ? OK : readStatusLine(text);
  if (line === undefined) return { fault: 'the answer has no status line' };
  const { status, minorVersion } = line;
  const lines = text.slice(line.length);
  if (!FIELD_LINES.test(lines)) return { fault: 'the answer has a field line that cannot be read' };
  if (status < 100) return { fault: `the answer has the status ${status}` };
  const fields = sortFields(lines);
  if ('fault' in fields) return fields;
  if (fields.isChunked && minorVersion === '0') return { fault: 'an HTTP/1.0 answer has a Transfer-Encoding' };
  const framing = framingOf(status, method, fields);
  const isInChunks = typeof framing === 'string';
  const coding = isInChunks ? `${fields.trailer}Transfer-Encoding: chunked\r\n` : '';
  return {
    status,
    framing,
    keepsAlive: framing !== 'close' && (minorVersion === '1' ? !fields.closes : fields.keepsAlive),
    keepAliveSeconds: fields.keepAliveSeconds,
    text: `HTTP/1.1 ${line.text}\r\n${fields.kept}${coding}`,
  };
}

interface StatusLine {
  readonly status: number;
  readonly minorVersion: string;
  /** Status and reason phrase. */
  readonly text: string;
  /** Of the line as it came, its end included. */
  readonly length: number;
}

function readStatusLine(head: string): StatusLine | undefined {
  const line = STATUS_LINE.exec(head);
  if (line === null) return undefined;
  const [{ length }, minorVersion = '', digits = '', reason = ''] = line;
  return {
    status: Number(digits),
    minorVersion,
    text: `${digits} ${REASON_PHRASE.test(reason) ? reason : ''}`,
    length,
  };
}

function framingOf(status: number, method: string, fields: SortedFields): BodyFraming {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 0;
  if (fields.isChunked) return 'chunked';
  return fields.length ?? 'close';
}

interface SortedFields {
  /** Lines for the client. */
  kept: string;
  /** The Trailer lines, which stay only in front of chunks. */
  trailer: string;
  length: number | undefined;
  isChunked: boolean;
  closes: boolean;
  keepsAlive: boolean;
  keepAliveSeconds: number | undefined;
}

/** `lines` ends with the empty line. */
function sortFields(lines: string): SortedFields | AnswerFault {
  const fields: SortedFields = {
    kept: '',
    trailer: '',
    length: undefined,
    isChunked: false,
    closes: false,
    keepsAlive: false,
    keepAliveSeconds: undefined,
  };
  const connection: string[] = [];
  const end = lines.length - 2;
  let keptFrom = 0;
  for (let start = 0, next = 0; start < end; start = next) {
    next = lines.indexOf('\r\n', start) + 2;
    const colon = lines.indexOf(':', start);
    if (NOTED_LENGTHS[colon - start] !== true) continue;
    const name = lines.slice(start, colon).toLowerCase();
    const isDropped = isHopByHop(name) || name === 'trailer';
    if (!isDropped && name !== 'content-length') continue;
    const value = lines.slice(colon + 1, next - 2).trim();
    const fault = note(fields, name, value, connection);
    if (fault !== undefined) return { fault };
    if (name === 'trailer') fields.trailer += lines.slice(start, next);
    if (!isDropped) continue;
    fields.kept += lines.slice(keptFrom, start);
    keptFrom = next;
  }
  fields.kept += lines.slice(keptFrom, end);
  if (fields.isChunked && fields.length !== undefined) {
    return { fault: 'the answer has both Content-Length and Transfer-Encoding' };
  }
  if (connection.length > 0) fields.kept = withoutNamed(fields.kept, connection);
  return fields;
}

/** Takes down what a field says about the message. Returns its fault, or undefined. */
function note(fields: SortedFields, name: string, value: string, connection: string[]): string | undefined {
  switch (name) {
    case 'content-length':
      if (fields.length !== undefined) return 'the answer has several Content-Lengths';
      if (!CONTENT_LENGTH.test(value)) return 'the answer has a Content-Length that is not a number';
      fields.length = Number(value);
      return undefined;
    case 'transfer-encoding':
      if (fields.isChunked || value.toLowerCase() !== 'chunked') {
        return 'the answer has a Transfer-Encoding other than "chunked"';
      }
      fields.isChunked = true;
      return undefined;
    case 'connection':
      if (value === 'keep-alive') fields.keepsAlive = true;
      else for (const option of value.toLowerCase().split(',')) noteOption(fields, option.trim(), connection);
      return undefined;
    case 'keep-alive':
      fields.keepAliveSeconds = Number(/\btimeout=(\d{1,6})\b/.exec(value)?.[1] ?? Number.NaN) || undefined;
      return undefined;
  }
  return undefined;
}

function noteOption(fields: SortedFields, option: string, connection: string[]): void {
  if (option === 'close') fields.closes = true;
  else if (option === 'keep-alive') fields.keepsAlive = true;
  else connection.push(option);
}

/** Field lines without those that Connection names (RFC 9110 section 7.6.1). */
function withoutNamed(lines: string, names: readonly string[]): string {
  const isKept = (line: string) => !names.includes(line.slice(0, line.indexOf(':')).toLowerCase());
  return lines
    .split(/(?<=\r\n)/)
    .filter(isKept)
    .join('');
}

/** The Link lines of an answer, as far as they have the form of one (RFC 8288 section 3). */
export function linkLines({ text }: AnswerHead): string {
  return (text.match(/^link:[ \t]*<[^<>]*>.*\r\n/gim) ?? []).join('');
}
