/** Rebinding protection: finds addresses in an upstream's answer that lead into a private network. */
import { addressScope, isPrivateScope } from '../net/address.ts';
import { endOfName, type RecordPlace } from './records.ts';
import { TYPE } from './wire.ts';

/** More addresses than this are no answer but a way to keep the filter busy. */
const MAX_ADDRESSES = 128;
/** SvcParamKeys ipv4hint and ipv6hint (RFC 9460 section 7.3). */
const IPV4_HINT = 4;
const IPV6_HINT = 6;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/**
 * The first address among `records` that is private, loopback, link-local, unspecified, unique local, or leads to such a one through a
 * mapped, NAT64 or 6to4 form: in A and AAAA records and in the hints of HTTPS and SVCB, wherever in the message they stand, so also at
 * the end of CNAME chains. `unreadable` when a record is not what its type says.
 */
export function findPrivateAddress(
  message: Buffer,
  records: readonly RecordPlace[],
): { readonly found: 'none' | 'unreadable' } | { readonly found: 'private'; readonly address: string } {
  let count = 0;
  for (const record of records) {
    const addresses = addressesIn(message, record);
    if (addresses === undefined) return { found: 'unreadable' };
    count += addresses.length;
    if (count > MAX_ADDRESSES) return { found: 'unreadable' };
    const address = addresses.find(leadsInside);
    if (address !== undefined) return { found: 'private', address };
  }
  return { found: 'none' };
}

function leadsInside(address: string): boolean {
  return isPrivateScope(address) || addressScope(address) === 'unspecified';
}

function addressesIn(message: Buffer, { type, dataAt, end }: RecordPlace): readonly string[] | undefined {
  if (type === TYPE.A) return end - dataAt === IPV4_BYTES ? [addressText(message, dataAt, IPV4_BYTES)] : undefined;
  if (type === TYPE.AAAA) return end - dataAt === IPV6_BYTES ? [addressText(message, dataAt, IPV6_BYTES)] : undefined;
  if (type === TYPE.HTTPS || type === TYPE.SVCB) return hintsIn(message, dataAt, end);
  return [];
}

/** Addresses in the parameters of a service binding: priority, target name, then key, length, value (RFC 9460 section 2.2). */
function hintsIn(message: Buffer, dataAt: number, end: number): readonly string[] | undefined {
  const targetEnd = endOfName(message, dataAt + 2);
  if (targetEnd < 0 || targetEnd > end) return undefined;
  const hints: string[] = [];
  let at = targetEnd;
  while (at + 4 <= end) {
    const key = message.readUInt16BE(at);
    const valueAt = at + 4;
    at = valueAt + message.readUInt16BE(at + 2);
    if (at > end) return undefined;
    const size = key === IPV4_HINT ? IPV4_BYTES : key === IPV6_HINT ? IPV6_BYTES : 0;
    if (size === 0) continue;
    if ((at - valueAt) % size !== 0 || (at - valueAt) / size > MAX_ADDRESSES) return undefined;
    for (let hint = valueAt; hint < at; hint += size) hints.push(addressText(message, hint, size));
  }
  return at === end ? hints : undefined;
}

function addressText(message: Buffer, at: number, size: number): string {
  if (size === IPV4_BYTES) return message.subarray(at, at + size).join('.');
  const groups = Array.from({ length: size / 2 }, (_, index) => message.readUInt16BE(at + 2 * index).toString(16));
  return groups.join(':');
}
