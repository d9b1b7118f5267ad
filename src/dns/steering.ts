/** The table of dns.md as one pure function: where a name leads that spells an address. */
import { addressScope } from '../net/address.ts';
import type { AnswerMode, OwnZone } from './facts.ts';

/** The addresses that decide; sets of canonical addresses. */
export interface KnownAddresses {
  readonly own: ReadonlySet<string>;
  readonly server: ReadonlySet<string>;
  readonly public: ReadonlySet<string>;
  readonly listensOnExternalPort: boolean;
}

/**
 * `itself`: the address in the name. `gateway-by-name`: the gateway's address on the network of the address in the name.
 * `gateway-by-asker`: its address on the asker's network. `refused`: nothing; the name would lead where nobody of ours is.
 */
export type Destination = 'itself' | 'gateway-by-name' | 'gateway-by-asker' | 'refused';

/** Where the canonical `address` of a label leads. Never to a loopback address. */
export function destinationOf(address: string, known: KnownAddresses, leadsToGateway: boolean): Destination {
  const scope = addressScope(address);
  if (known.own.has(address) && scope !== 'loopback') return 'itself';
  if (known.server.has(address)) {
    if (leadsToGateway) return 'gateway-by-name';
    return scope === 'loopback' ? 'refused' : 'itself';
  }
  if (scope !== 'public') return 'refused';
  const isThisSite = known.public.has(address) && leadsToGateway && known.listensOnExternalPort;
  return isThisSite ? 'gateway-by-asker' : 'itself';
}

/** Where a zone's names for the media server lead, and the reason, for `status`. */
export interface Steering {
  readonly zone: string;
  readonly leadsTo: 'gateway' | 'literal';
  readonly reason: string;
}

export function steeringOf(zone: OwnZone, answer: AnswerMode, listensOnPublishedPort: boolean): Steering {
  if (answer !== 'auto') return { zone: zone.name, leadsTo: answer, reason: `dns.answer is "${answer}"` };
  if (!zone.holdsCertificate) {
    return { zone: zone.name, leadsTo: 'literal', reason: 'the gateway does not hold the certificate of this zone' };
  }
  if (!listensOnPublishedPort) {
    const reason = 'the gateway does not listen on the port that the media server publishes';
    return { zone: zone.name, leadsTo: 'literal', reason };
  }
  const reason = 'the gateway holds the certificate and listens on the port that the media server publishes';
  return { zone: zone.name, leadsTo: 'gateway', reason };
}

/** `names of ZONE lead to the gateway (REASON)`. */
export function steeringSentence({ zone, leadsTo, reason }: Steering): string {
  const where = leadsTo === 'gateway' ? 'the gateway' : 'the addresses that they spell';
  return `names of ${zone} lead to ${where} (${reason})`;
}
