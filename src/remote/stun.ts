/** Asks a STUN server under which address it sees this host: the Binding method of RFC 8489 over UDP, and nothing else of it. */
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { addressFromBytes } from './address-bytes.ts';
import { askOverUdp } from './udp-question.ts';

const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const XOR_MAPPED_ADDRESS = 0x0020;
const MAGIC_COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
/** Section 6.2.1, cut short: a home has a way to the server or it has not. */
const WAITS_MS = [500, 1000, 2000];
const FAMILY_BYTES: Readonly<Record<number, number>> = { 1: 4, 2: 16 };

/** The address as `host:port` sees it, IPv4 when the host has IPv4. Undefined: no answer. Never rejects. */
export async function askStun(host: string, port: number): Promise<string | undefined> {
  const found = await lookup(host, { family: 4 }).catch(() => lookup(host).catch(() => undefined));
  if (found === undefined) return undefined;
  const question = bindingRequest(randomBytes(12));
  const answer = await askOverUdp({
    address: found.address,
    port,
    localAddress: undefined,
    question,
    waitsMs: WAITS_MS,
    isAnswer: (datagram) => readBindingAnswer(datagram, question) !== undefined,
  });
  return answer === undefined ? undefined : readBindingAnswer(answer, question);
}

/** A request without attributes; `transactionId`: 12 random bytes. */
export function bindingRequest(transactionId: Buffer): Buffer {
  const message = Buffer.alloc(HEADER_BYTES);
  message.writeUInt16BE(BINDING_REQUEST, 0);
  message.writeUInt32BE(MAGIC_COOKIE, 4);
  transactionId.copy(message, 8);
  return message;
}

/** The mapped address in the answer to `request`; undefined: it is none. */
export function readBindingAnswer(datagram: Buffer, request: Buffer): string | undefined {
  if (datagram.length < HEADER_BYTES || datagram.readUInt16BE(0) !== BINDING_SUCCESS) return undefined;
  if (datagram.readUInt16BE(2) !== datagram.length - HEADER_BYTES) return undefined;
  // Cookie and transaction id: nobody off the path knows them.
  if (!datagram.subarray(4, HEADER_BYTES).equals(request.subarray(4, HEADER_BYTES))) return undefined;
  let offset = HEADER_BYTES;
  while (offset + 4 <= datagram.length) {
    const type = datagram.readUInt16BE(offset);
    const length = datagram.readUInt16BE(offset + 2);
    const value = datagram.subarray(offset + 4, offset + 4 + length);
    if (value.length !== length) return undefined;
    if (type === XOR_MAPPED_ADDRESS) return unmask(value, request.subarray(4, HEADER_BYTES));
    offset += 4 + Math.ceil(length / 4) * 4;
  }
  return undefined;
}

/** Section 14.2: the address is masked by the cookie and the transaction id. */
function unmask(value: Buffer, mask: Buffer): string | undefined {
  const bytes = FAMILY_BYTES[value[1] ?? 0];
  if (bytes === undefined || value.length !== 4 + bytes) return undefined;
  const masked = value.subarray(4);
  return addressFromBytes(Buffer.from(masked.map((byte, index) => byte ^ (mask[index] ?? 0))));
}
