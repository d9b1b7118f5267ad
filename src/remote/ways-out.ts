/** What to do when the way in is barred, best first. Pure. */
import type { NatSituation } from './nat-verdict.ts';

export interface WaysOutFacts {
  readonly situation: NatSituation;
  /** The router's outside address, to which an outer router must forward. */
  readonly wanAddress: string | undefined;
  /** The port that is to be reached outside. */
  readonly port: number;
  /** This host's global IPv6 address; undefined: it has none. */
  readonly ipv6: string | undefined;
  /** The name of that address in the server's zone, with the port; undefined: there is none. */
  readonly ipv6Url: string | undefined;
  /** The port is open in IPv6 already. */
  readonly isIPv6Open: boolean;
}

/** Empty where nothing bars the way, or nothing is known to. */
export function waysOut(facts: WaysOutFacts): readonly string[] {
  const { situation, wanAddress, port } = facts;
  switch (situation) {
    case 'carrier-nat':
      return aroundTheProvider(facts);
    case 'double-nat':
      return [
        `put the outer router (often the provider's box) into bridge mode, or forward TCP ${port} in it to ${wanAddress}`,
        ...aroundTheProvider(facts),
      ];
    case 'other-address':
      return [
        'if this host or the router uses a VPN for its own traffic, except the media server and this gateway from it',
        ...aroundTheProvider(facts),
      ];
    default:
      return [];
  }
}

function aroundTheProvider(facts: WaysOutFacts): string[] {
  return [
    throughIPv6(facts),
    'ask the provider for a public IPv4 address',
    'a VPN to this network: add its network to [access] lan_networks, as in "auto, 10.8.0.0/24"',
    'a rented server that passes connections on with the PROXY protocol: name it in [listen] proxy_protocol_from',
    "the vendor's relay, which is slow and goes past this gateway",
  ];
}

function throughIPv6({ ipv6, ipv6Url, isIPv6Open, port }: WaysOutFacts): string {
  if (ipv6 === undefined) return 'IPv6, once this host has a global address: turn it on in the router';
  const publish =
    ipv6Url === undefined ? '' : `, and publish ${ipv6Url} (Settings > Network > Custom server access URLs)`;
  if (isIPv6Open) return `IPv6: the port is open already${publish}`;
  return `IPv6: open TCP ${port} to ${ipv6} in the router's IPv6 firewall${publish}`;
}
