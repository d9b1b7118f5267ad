/** Domain names in their wire form, kept as strings so that they can be keys: one character per byte, ASCII letters in lower case. */
import { MAX_LABEL_BYTES, MAX_NAME_BYTES } from './wire.ts';

/** Labels with their length bytes, the empty root label last: `films.lan` is `"\x05films\x03lan\0"`. */
export type WireName = string;

/** The wire form of `text` (a final dot may be missing), or undefined when a label is empty or too long, or a byte is not printable ASCII. */
export function wireNameOf(text: string): WireName | undefined {
  const labels = text.replace(/\.$/, '').split('.');
  if (labels.some((label) => label === '' || label.length > MAX_LABEL_BYTES || /[^!-~]/.test(label))) return undefined;
  const name = `${labels.map((label) => String.fromCharCode(label.length) + label).join('')}\0`;
  return name.length > MAX_NAME_BYTES ? undefined : lowerCase(name);
}

/** The name for people and logs, without the final dot; bytes that are not printable as `\DDD` (RFC 1035 section 5.1). */
export function nameText(name: WireName): string {
  const labels: string[] = [];
  for (let at = 0; name.charCodeAt(at) > 0; at += name.charCodeAt(at) + 1) {
    labels.push(name.slice(at + 1, at + 1 + name.charCodeAt(at)));
  }
  if (labels.length === 0) return '.';
  return labels.map((label) => label.replace(/[^!-~]|[.\\]/g, escapeByte)).join('.');
}

function escapeByte(byte: string): string {
  return `\\${String(byte.charCodeAt(0)).padStart(3, '0')}`;
}

/** Offset behind the uncompressed name at `at`, or -1 when it is cut short, too long, or holds a pointer (RFC 1035 section 4.1.4). */
export function endOfPlainName(message: Buffer, at: number): number {
  const limit = Math.min(message.length, at + MAX_NAME_BYTES);
  for (let next = at; next < limit; ) {
    const length = message[next]!;
    if (length === 0) return next + 1;
    if (length > MAX_LABEL_BYTES) return -1;
    next += length + 1;
  }
  return -1;
}

/** The name between two offsets that `endOfPlainName` found. */
export function readName(message: Buffer, start: number, end: number): WireName {
  return lowerCase(message.toString('latin1', start, end));
}

/** Only ASCII letters have a case in names (RFC 4343). */
function lowerCase(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** How many bytes of `name` stand left of `zone`: 0 when they are equal, -1 when `name` is not in `zone`. */
export function bytesLeftOf(zone: WireName, name: WireName): number {
  let at = 0;
  while (name.length - at > zone.length) at += name.charCodeAt(at) + 1;
  return name.length - at === zone.length && name.endsWith(zone) ? at : -1;
}

export function isWithin(name: WireName, zone: WireName): boolean {
  return bytesLeftOf(zone, name) >= 0;
}
