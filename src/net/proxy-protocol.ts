/** The PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt has it: who is behind a balancer. Pure, strict, bounded. */
import { isIPv4, isIPv6 } from 'node:net';
import { canonicalAddress } from './address.ts';

/** Section 2.1: the longest line of version 1, with its CRLF. */
const V1_MAX_BYTES = 107;
/** Section 2.2: what version 2 begins with. */
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_HEADER_BYTES = 16;
/** Addresses take 36 bytes at most (216 for Unix sockets); the rest is room for the additions of cloud balancers (ids, names, TLS details). */
const V2_MAX_PAYLOAD_BYTES = 1024;
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;

export interface ProxySource {
  /** Canonical. */
  readonly address: string;
  readonly port: number;
}

/** What the first bytes of a connection are. `source` undefined: a header that names no client (a health check, a Unix socket). */
export type ProxyHeader =
  | { readonly state: 'incomplete' }
  | { readonly state: 'invalid'; readonly reason: string }
  | { readonly state: 'complete'; readonly byteLength: number; readonly source: ProxySource | undefined };

const INCOMPLETE: ProxyHeader = { state: 'incomplete' };

/** Reads the header at the start of `bytes`. Call it again with more bytes while it is `incomplete`, which never lasts beyond 1040 bytes. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return INCOMPLETE;
  return bytes[0] === V2_SIGNATURE[0] ? readBinary(bytes) : readLine(bytes);
}

function readLine(bytes: Buffer): ProxyHeader {
  const text = bytes.toString('latin1', 0, V1_MAX_BYTES);
  const end = text.indexOf('\n');
  if (!text.startsWith('PROXY '.slice(0, text.length))) return invalid('no PROXY header');
  if (end < 0) return text.length < V1_MAX_BYTES ? INCOMPLETE : invalid('longer than 107 bytes');
  if (text[end - 1] !== '\r') return invalid('a line that does not end with CRLF');
  const line = text.slice(0, end - 1);
  const byteLength = end + 1;
  if (/^PROXY UNKNOWN( |$)/.test(line)) return { state: 'complete', byteLength, source: undefined };
  const source = readLineSource(line);
  return source === undefined ? invalid('a malformed line') : { state: 'complete', byteLength, source };
}

function readLineSource(line: string): ProxySource | undefined {
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = ''] =
    line.match(/^PROXY (TCP4|TCP6) ([\da-fA-F:.]+) ([\da-fA-F:.]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/) ?? [];
  const isFamily = family === 'TCP4' ? isIPv4 : isIPv6;
  const address = canonicalAddress(source);
  if (address === undefined || !isFamily(source) || !isFamily(destination)) return undefined;
  if (Number(sourcePort) > 65535 || Number(destinationPort) > 65535) return undefined;
  return { address, port: Number(sourcePort) };
}

function readBinary(bytes: Buffer): ProxyHeader {
  const begun = Math.min(bytes.length, V2_SIGNATURE.length);
  if (bytes.compare(V2_SIGNATURE, 0, begun, 0, begun) !== 0) return invalid('no PROXY header');
  if (bytes.length < V2_HEADER_BYTES) return INCOMPLETE;
  const command = bytes.readUInt8(12);
  const payloadBytes = bytes.readUInt16BE(14);
  if (command !== V2_LOCAL && command !== V2_PROXY) return invalid('an unknown version or command');
  if (payloadBytes > V2_MAX_PAYLOAD_BYTES) return invalid(`longer than ${V2_MAX_PAYLOAD_BYTES} bytes`);
  const byteLength = V2_HEADER_BYTES + payloadBytes;
  if (bytes.length < byteLength) return INCOMPLETE;
  if (command === V2_LOCAL) return { state: 'complete', byteLength, source: undefined };
  return readBinarySource(bytes.readUInt8(13), bytes.subarray(V2_HEADER_BYTES, byteLength), byteLength);
}

/** Section 2.2: the byte of family and transport. Datagrams cannot come over TCP. */
function readBinarySource(family: number, payload: Buffer, byteLength: number): ProxyHeader {
  switch (family) {
    case 0x00: // unspecified
    case 0x31: // Unix stream
      return { state: 'complete', byteLength, source: undefined };
    case 0x11: {
      if (payload.length < 12) return invalid('an IPv4 block that is too short');
      const source = { address: payload.subarray(0, 4).join('.'), port: payload.readUInt16BE(8) };
      return { state: 'complete', byteLength, source };
    }
    case 0x21: {
      if (payload.length < 36) return invalid('an IPv6 block that is too short');
      const text = payload.toString('hex', 0, 16).replace(/(.{4})(?!$)/g, '$1:');
      return {
        state: 'complete',
        byteLength,
        source: { address: canonicalAddress(text) ?? text, port: payload.readUInt16BE(32) },
      };
    }
    default:
      return invalid('an unknown address family');
  }
}

function invalid(reason: string): ProxyHeader {
  return { state: 'invalid', reason };
}
