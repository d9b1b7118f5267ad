/** Addresses as the 16 bytes that PCP and STUN carry: IPv6 as it is, IPv4 mapped (RFC 4291 section 2.5.5.2). */
import { addressFamily, canonicalAddress, labelFromAddress } from '../net/address.ts';

export const ADDRESS_BYTES = 16;
const MAPPED_PREFIX = Buffer.from('00000000000000000000ffff', 'hex');

/** The 16 bytes of a canonical address. */
export function addressBytes(address: string): Buffer {
  const parts = labelFromAddress(address).split('-');
  if (addressFamily(address) === 4) return Buffer.concat([MAPPED_PREFIX, Buffer.from(parts.map(Number))]);
  return Buffer.from(parts.map((part) => part.padStart(4, '0')).join(''), 'hex');
}

/** The canonical address in 4 or 16 bytes; undefined when they are of any other number. */
export function addressFromBytes(bytes: Buffer): string | undefined {
  if (bytes.length === 4) return canonicalAddress(bytes.join('.'));
  if (bytes.length !== ADDRESS_BYTES) return undefined;
  return canonicalAddress(bytes.toString('hex').replace(/(.{4})(?!$)/g, '$1:'));
}
