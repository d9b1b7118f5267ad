/** The reverse zones of addresses that mean something only inside a network (RFC 6303, RFC 7793): they stay at home. */
import { type RecordBody, soaBody } from './message.ts';
import { isWithin, type WireName, wireNameOf } from './name.ts';

const NIBBLE_ZONES = [...'89ab'].map((nibble) => `${nibble}.e.f.ip6.arpa`);

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

const ZONES = [
  ...['0', '10', '127', '254.169', '168.192'].map((reversed) => `${reversed}.in-addr.arpa`),
  ...range(16, 31).map((second) => `${second}.172.in-addr.arpa`),
  ...range(64, 127).map((second) => `${second}.100.in-addr.arpa`),
  `${'0.'.repeat(32)}ip6.arpa`,
  `1.${'0.'.repeat(31)}ip6.arpa`,
  'c.f.ip6.arpa',
  'd.f.ip6.arpa',
  ...NIBBLE_ZONES,
].flatMap((zone) => wireNameOf(zone) ?? []);

const IPV4_REVERSE = wireNameOf('in-addr.arpa') ?? '';
const IPV6_REVERSE = wireNameOf('ip6.arpa') ?? '';
const SOA = soaBody('localhost');

/** The zone of this kind that holds `name`, with its SOA. */
export function privateReverseZone(name: WireName): { zone: WireName; soa: RecordBody } | undefined {
  if (!isWithin(name, IPV4_REVERSE) && !isWithin(name, IPV6_REVERSE)) return undefined;
  const zone = ZONES.find((candidate) => isWithin(name, candidate));
  return zone === undefined ? undefined : { zone, soa: SOA };
}
