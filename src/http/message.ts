/** Reads a request head in exactly one way, or says why it cannot be read (RFC 9112). */
import { isIPv6 } from 'node:net';
import type { Refuse } from '../access/decision.ts';
import type { RequestHead } from './request.ts';

/** No client sends more header lines; each one costs memory and time in both directions. */
const MAX_HEADER_LINES = 256;
const MAX_HOST_BYTES = 255;

/** Visible ASCII without `#`: a fragment never belongs into a request target (RFC 9112 section 3.2). */
const TARGET = /^[\x21\x22\x24-\x7e]+$/;
const REGISTERED_NAME = /^[a-z0-9](?:[a-z0-9._~-]*)$/i;
const HOST_AND_PORT = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Fields that mean one thing only once; the framing ones among them are what request smuggling is made of. */
const SINGLE_FIELDS = ['host', 'content-length', 'transfer-encoding', 'origin', 'referer', 'sec-fetch-site', 'range'];

/**
 * Fields that the policy or the media server judges by. `Connection` may name fields that a proxy must drop (RFC 9110 section
 * 7.6.1); naming one of these would make the server see another request than the one that was decided on.
 */
const END_TO_END =
  /^(?:host|authorization|cookie|origin|referer|range|user-agent|date|(?:accept|content|if|sec|x-plex|x-emby|x-mediabrowser)(?:-.+)?)$/;

/** A request head as the parser hands it over. */
export interface HeadParts {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

export type HeadReading =
  | { readonly readable: true; readonly head: RequestHead }
  | { readonly readable: false; readonly refusal: Refuse };

/** Returns the fault of a head as a sentence, or undefined. */
type Guard = (head: Head) => string | undefined;

const GUARDS: readonly Guard[] = [
  versionFault,
  methodFault,
  targetFault,
  repeatedFieldFault,
  hostFault,
  framingFault,
  connectionFault,
];

/**
 * Reads what Node's strict parser let through, and refuses the rest of what has two readings: 400 `malformed`, or 431 `too-large`
 * for a head of too many lines. The connection must be closed after either. `former`: a head that was readable; when nothing but the
 * target differs (and `rawHeaders` is the very same list), nothing else is read again.
 */
export function readHead(parts: HeadParts, former?: RequestHead): HeadReading {
  if (parts.rawHeaders.length > MAX_HEADER_LINES * 2) return unreadable(tooManyLines);
  if (former instanceof Head && former.differsInTarget(parts)) return readTarget(former.withTarget(parts.target));
  const head = new Head(parts, indexFields(parts.rawHeaders));
  for (const guard of GUARDS) {
    const fault = guard(head);
    if (fault !== undefined) return unreadable(malformed(fault));
  }
  return { readable: true, head };
}

function readTarget(head: Head): HeadReading {
  const fault = targetFault(head);
  return fault === undefined ? { readable: true, head } : unreadable(malformed(fault));
}

/** A head that `readHead` found readable, in another process. */
export function sameHead(parts: HeadParts): RequestHead {
  return new Head(parts, indexFields(parts.rawHeaders));
}

/** The refusal of a message that has no reading, or more than one. `detail` names the fault. */
export function malformed(detail: string): Refuse {
  return { action: 'refuse', rule: 'malformed', status: 400, reason: 'malformed', detail };
}

/** The refusal of a head that is over `header_bytes`. */
export const oversizedHead: Refuse = {
  action: 'refuse',
  rule: 'malformed',
  status: 431,
  reason: 'too-large',
  detail: 'The request head is larger than this gateway accepts (limits.header_bytes).',
};

const tooManyLines: Refuse = {
  ...oversizedHead,
  detail: `The request has more than ${MAX_HEADER_LINES} header lines.`,
};

/** The lower-case options of all Connection fields, in order. */
export function connectionOptions(head: RequestHead): readonly string[] {
  const values = head.values('connection');
  if (values.length === 0) return [];
  const options = values.join(',').toLowerCase().split(',');
  return options.map((option) => option.trim()).filter((option) => option !== '');
}

/** True for a Host value with exactly one reading: a name or an address literal, then perhaps a port (RFC 9110 section 7.2). */
export function isHostValue(value: string): boolean {
  if (value.length > MAX_HOST_BYTES) return false;
  const match = HOST_AND_PORT.exec(value);
  if (match === null) return false;
  const [, host = '', port = '0'] = match;
  if (Number(port) > 65535) return false;
  return host.startsWith('[') ? isIPv6(host.slice(1, -1)) && !host.includes('%') : REGISTERED_NAME.test(host);
}

/** Values by lower-case name, each in order. */
type FieldIndex = ReadonlyMap<string, readonly string[]>;

const NO_VALUES: readonly string[] = [];

class Head implements RequestHead {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly httpVersion: '1.0' | '1.1';
  readonly rawHeaders: readonly string[];
  readonly hasBody: boolean;
  readonly upgrade: boolean;
  /** As received; the guards check it before anybody reads `httpVersion`. */
  readonly version: string;
  readonly fields: FieldIndex;

  /** `former` has the same method, version and fields. */
  constructor(parts: HeadParts, fields: FieldIndex, former?: Head) {
    const { target, rawHeaders } = parts;
    const question = target.indexOf('?');
    this.method = parts.method;
    this.target = target;
    this.path = question === -1 ? target : target.slice(0, question);
    this.query = question === -1 ? '' : target.slice(question + 1);
    this.version = parts.httpVersion;
    this.httpVersion = parts.httpVersion === '1.0' ? '1.0' : '1.1';
    this.rawHeaders = rawHeaders;
    this.fields = fields;
    this.hasBody = former === undefined ? announcesBody(this) : former.hasBody;
    this.upgrade = former === undefined ? asksForWebSocket(this) : former.upgrade;
  }

  values(name: string): readonly string[] {
    return this.fields.get(name) ?? NO_VALUES;
  }

  header(name: string): string | undefined {
    return this.fields.get(name)?.[0];
  }

  /** At most in its target. */
  differsInTarget({ method, httpVersion, rawHeaders }: HeadParts): boolean {
    return rawHeaders === this.rawHeaders && method === this.method && httpVersion === this.version;
  }

  withTarget(target: string): Head {
    const { method, version, rawHeaders, fields } = this;
    return new Head({ method, target, httpVersion: version, rawHeaders }, fields, this);
  }
}

function indexFields(rawHeaders: readonly string[]): FieldIndex {
  const fields = new Map<string, string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return fields;
}

function unreadable(refusal: Refuse): HeadReading {
  return { readable: false, refusal };
}

function announcesBody(head: RequestHead): boolean {
  const length = head.header('content-length');
  return head.header('transfer-encoding') !== undefined || (length !== undefined && Number(length) !== 0);
}

/** The one form of Upgrade that is served; any other is a plain request whose Upgrade field is dropped (RFC 9110 section 7.8). */
function asksForWebSocket(head: RequestHead): boolean {
  if (head.method !== 'GET' || head.httpVersion !== '1.1' || head.hasBody) return false;
  const upgrade = head.values('upgrade');
  if (upgrade.length !== 1 || upgrade[0]?.toLowerCase() !== 'websocket') return false;
  return connectionOptions(head).includes('upgrade');
}

function versionFault(head: Head): string | undefined {
  if (head.version === '1.1' || head.version === '1.0') return undefined;
  return 'The HTTP version is neither 1.0 nor 1.1.';
}

/** CONNECT and TRACE address a proxy; TRACE would also show the client what the gateway added. */
function methodFault(head: Head): string | undefined {
  if (head.method === 'CONNECT' || head.method === 'TRACE') return `The method ${head.method} is not served.`;
  return undefined;
}

function targetFault(head: Head): string | undefined {
  if (head.target === '*' && head.method === 'OPTIONS') return undefined;
  if (!head.target.startsWith('/')) return 'The request target is not a path.';
  if (!TARGET.test(head.target)) return 'The request target has a character that is not allowed there.';
  return undefined;
}

function repeatedFieldFault(head: Head): string | undefined {
  const repeated = SINGLE_FIELDS.find((name) => head.values(name).length > 1);
  return repeated === undefined ? undefined : `The header ${repeated} comes more than once.`;
}

function hostFault(head: Head): string | undefined {
  const host = head.header('host');
  if (host === undefined) return head.httpVersion === '1.0' ? undefined : 'An HTTP/1.1 request needs a Host header.';
  return isHostValue(host) ? undefined : 'The Host header is not a host name or address.';
}

/** RFC 9112 section 6: one length, or `chunked` alone, never both. */
function framingFault(head: Head): string | undefined {
  const encoding = head.header('transfer-encoding');
  const length = head.header('content-length');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return 'The Content-Length is not a number.';
  if (encoding === undefined) return undefined;
  if (encoding.toLowerCase() !== 'chunked') return 'The Transfer-Encoding is not "chunked".';
  if (length !== undefined) return 'Content-Length and Transfer-Encoding come together.';
  if (head.httpVersion === '1.0') return 'HTTP/1.0 knows no Transfer-Encoding.';
  return undefined;
}

function connectionFault(head: Head): string | undefined {
  const options = connectionOptions(head);
  if (!options.every((option) => TOKEN.test(option))) return 'The Connection header is not a list of names.';
  const named = options.find((option) => END_TO_END.test(option));
  return named === undefined ? undefined : `The Connection header names ${named}, which a proxy must not drop.`;
}
