/** Reads single values out of the text that a user writes for them, or says what is wrong with it. */
import { isIPv6 } from 'node:net';
import { canonicalAddress, parseNetworkList } from '../net/address.ts';

/** The value, or the end of a sentence that begins with the text: `is not a port`. */
export type Reading<T> = { readonly value: T } | { readonly problem: string };

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `"500ms"`, `"120s"`, `"5m"`, `"12h"`, `"7d"` in milliseconds. */
export function readDuration(text: string): Reading<number> {
  const [, amount = '', unit = ''] = text.match(/^(\d{1,9})\s*([a-z]*)$/) ?? [];
  if (amount === '') return { problem: 'is not a duration' };
  if (unit === '') return { problem: 'has no unit' };
  const unitMs = DURATION_UNITS_MS[unit];
  return unitMs === undefined ? { problem: `has the unknown unit "${unit}"` } : { value: Number(amount) * unitMs };
}

/** A TCP or UDP port. 0 lets the system choose a free one. */
export function readPort(text: string): Reading<number> {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? { value: port } : { problem: 'is not a port' };
}

/** An address literal in its one spelling, without zone id. */
export function readAddress(text: string): Reading<string> {
  const address = canonicalAddress(text);
  if (address === undefined) return { problem: 'is not an address' };
  return text.includes('%') ? { problem: 'names an interface, which is not possible here' } : { value: address };
}

/** One entry of a network list: address, CIDR, IPv4 address/mask, or one of `words` (any case). */
export function readNetwork(text: string, words: readonly string[]): Reading<string> {
  const known = Object.fromEntries(words.map((word) => [word, []]));
  const error = parseNetworkList([text], known).errors[0];
  if (error === undefined) return { value: text.toLowerCase() };
  const quoted = `${JSON.stringify(text)} `;
  return { problem: error.message.startsWith(quoted) ? error.message.slice(quoted.length) : error.message };
}

export interface Socket {
  readonly host: string;
  readonly port: number;
}

/** Splits `host:port` or `[IPv6]:port`; undefined when there is no port or an IPv6 address lacks its brackets. */
export function splitSocket(text: string): Socket | undefined {
  const match = text.match(/^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/);
  if (match === null) return undefined;
  const [, bracketed, plain, digits = ''] = match;
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined;
  const port = readPort(digits);
  return 'value' in port ? { host: bracketed ?? plain ?? '', port: port.value } : undefined;
}

/** `HOST:PORT` in its one spelling; `hosts` says what HOST may be. */
export function readSocket(text: string, hosts: 'address' | 'address or name'): Reading<string> {
  if (isIPv6(text)) return { problem: `has no port (IPv6 addresses stand in brackets: [${text}]:PORT)` };
  const socket = splitSocket(text);
  if (socket === undefined) return { problem: 'is not an address and port' };
  const address = canonicalAddress(socket.host);
  if (address !== undefined) return { value: `${isIPv6(address) ? `[${address}]` : address}:${socket.port}` };
  if (hosts === 'address') return { problem: 'has a name where an address belongs' };
  const name = readHostName(socket.host);
  return 'value' in name ? { value: `${name.value}:${socket.port}` } : name;
}

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const MAX_NAME_LENGTH = 253;

/** A DNS name (RFC 1035 section 2.3.4; underscores are let through), lower case, without the final dot. */
export function readHostName(text: string): Reading<string> {
  const name = text.toLowerCase().replace(/\.$/, '');
  if (/[/:]/.test(name)) return { problem: 'is not a name alone: scheme, port and path do not belong here' };
  if (/[^\x20-\x7e]/.test(name)) return { problem: 'has letters outside ASCII; write its xn-- form' };
  const isName = name.length <= MAX_NAME_LENGTH && name.split('.').every((label) => LABEL.test(label));
  return isName ? { value: name } : { problem: 'is not a host name' };
}

/** A host name or an address. */
export function readHost(text: string): Reading<string> {
  const address = canonicalAddress(text);
  return address === undefined ? readHostName(text) : { value: address };
}

/** A name in a certificate: a host name, `*.` and a host name, or an address. */
export function readCertificateName(text: string): Reading<string> {
  if (!text.startsWith('*.')) return readHost(text);
  const name = readHostName(text.slice(2));
  return 'value' in name ? { value: `*.${name.value}` } : name;
}

/** An absolute URL of one of `schemes` with a host, without credentials, query or fragment; the final slash of a bare host is cut. */
export function readUrl(text: string, schemes: readonly string[]): Reading<string> {
  if (!schemes.some((scheme) => text.toLowerCase().startsWith(`${scheme}://`))) {
    return { problem: `does not begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}` };
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === '' || /\s/.test(text)) return { problem: 'is not a URL' };
  if (url.username !== '' || url.password !== '') return { problem: 'holds a user name or password' };
  if (text.includes('?') || text.includes('#')) return { problem: 'has a query or fragment' };
  return { value: url.pathname === '/' ? text.replace(/\/$/, '') : text };
}

/** The origin of a web page (RFC 6454): scheme, host and a port other than the scheme's own. */
export function readOrigin(text: string): Reading<string> {
  const url = readUrl(text, ['http', 'https']);
  if ('problem' in url) return url;
  const { origin, pathname } = new URL(url.value);
  return pathname === '/' ? { value: origin } : { problem: `has a path; write ${origin}` };
}

/** A DNS upstream: address with or without port (also behind `udp://` or `tcp://`), `tls://HOST[:PORT]`, or a DNS-over-HTTPS URL. */
export function readUpstream(text: string): Reading<string> {
  if (text.startsWith('https://')) return readUrl(text, ['https']);
  const scheme = text.match(/^(?:udp|tcp|tls):\/\//)?.[0] ?? '';
  const rest = text.slice(scheme.length);
  if (rest.includes('://')) return { problem: 'is a kind of upstream that is not known' };
  if (scheme === '' && splitSocket(rest) === undefined) return readAddress(rest);
  const read = scheme === '' ? readSocket(rest, 'address') : readAuthority(rest, scheme === 'tls://');
  return 'value' in read ? { value: `${scheme}${read.value}` } : read;
}

/** What stands behind the scheme of a URL: a host with or without a port, IPv6 always in brackets. */
function readAuthority(text: string, mayBeName: boolean): Reading<string> {
  if (splitSocket(text) !== undefined) return readSocket(text, mayBeName ? 'address or name' : 'address');
  if (isIPv6(text)) return { problem: 'has an IPv6 address without brackets' };
  const address = canonicalAddress(text.replace(/^\[(.+:.+)\]$/, '$1'));
  if (address !== undefined) return { value: isIPv6(address) ? `[${address}]` : address };
  return mayBeName ? readHostName(text) : { problem: 'is not an address' };
}

/** An address or name, with or without a port. */
export function readHostWithPort(text: string): Reading<string> {
  return splitSocket(text) === undefined ? readHost(text) : readSocket(text, 'address or name');
}

/** `auto`, `none`, an address, `stun:HOST:PORT`, or an https URL. */
export function readPublicAddress(text: string): Reading<string> {
  if (text === 'auto' || text === 'none') return { value: text };
  if (text.startsWith('https://')) return readUrl(text, ['https']);
  if (!text.startsWith('stun:')) return readAddress(text);
  const socket = readSocket(text.slice('stun:'.length), 'address or name');
  return 'value' in socket ? { value: `stun:${socket.value}` } : socket;
}

/** `auto`, `0`, or a version as far as it matters: `1.43`, `1.43.3`. */
export function readVersion(text: string): Reading<string> {
  return /^(?:auto|\d{1,9}(?:\.\d{1,9}){0,3})$/.test(text) ? { value: text } : { problem: 'is not a version' };
}

/** A credential, name or identifier: visible ASCII without spaces, so that it can stand in a header. */
export function readWord(text: string): Reading<string> {
  return /^[\x21-\x7e]*$/.test(text) ? { value: text } : { problem: 'holds a space or an unusual character' };
}

/** The common name of a certificate: any text that is one line. */
export function readCommonName(text: string): Reading<string> {
  return /^[^\p{Cc}]*$/u.test(text) ? { value: text.trim() } : { problem: 'holds a control character' };
}

/** What `lockgate hash-pin` printed. */
export function readPinHash(text: string): Reading<string> {
  if (/^\d+$/.test(text)) return { problem: 'is a PIN itself, not its hash' };
  return /^\$scrypt\$[\x21-\x7e]+$/.test(text) ? { value: text } : { problem: 'is not the hash of a PIN' };
}

/** A path of a file or folder. */
export function readPath(text: string): Reading<string> {
  if (/^~(?:\/|$)/.test(text)) return { problem: 'begins with ~, which only a shell understands' };
  return /\p{Cc}/u.test(text) ? { problem: 'holds a control character' } : { value: text };
}

/** An e-mail address, as far as a certificate authority needs one. */
export function readEmail(text: string): Reading<string> {
  return /^[^\s@]+@[^\s@]+$/.test(text) ? { value: text } : { problem: 'is not an e-mail address' };
}

/** A user of this system: name or number. */
export function readUser(text: string): Reading<string> {
  return /^(?:[a-z_][a-z0-9_.-]*|\d{1,10})$/i.test(text) ? { value: text } : { problem: 'is not a user name' };
}
