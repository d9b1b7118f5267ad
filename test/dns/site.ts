/** A site for DNS tests: one media server, one gateway with two LANs, every fact changeable while the service runs. */
import type { DnsFacts, OwnZone } from '../../src/dns/facts.ts';
import { type DnsOptions, type DnsService, startDns } from '../../src/dns/server.ts';
import { silentLog } from '../../src/lib/log.ts';
import type { LocalNetwork } from '../../src/net/interfaces.ts';

export const HASH = '0123456789abcdef0123456789abcdef';
export const ZONE = `${HASH}.plex.direct`;
export const GATEWAY = '192.168.1.5';
export const GATEWAY_V6 = 'fd00::5';
export const SECOND_LAN_GATEWAY = '10.7.0.5';
export const SERVER = '192.168.1.10';
export const SERVER_V6 = 'fd00::10';
export const PUBLIC = '84.112.33.7';

/** Facts as plain values; tests change them in place. */
export interface SiteValues {
  zones: OwnZone[];
  exactNames: string[];
  gatewayAddresses: string[];
  serverAddresses: string[];
  publicAddresses: string[];
  networks: LocalNetwork[];
  listensOnPublishedPort: boolean;
  listensOnExternalPort: boolean;
}

export function network(interfaceName: string, address: string, cidr: string): LocalNetwork {
  return {
    interfaceName,
    address,
    network: cidr,
    prefixLength: Number(cidr.split('/')[1]),
    family: address.includes(':') ? 6 : 4,
    isLoopback: interfaceName === 'lo',
    isTunnel: false,
    isContainerBridge: false,
  };
}

export function siteValues(changes: Partial<SiteValues> = {}): SiteValues {
  return {
    zones: [{ name: ZONE, holdsCertificate: true }],
    exactNames: ['films.example.org'],
    gatewayAddresses: [GATEWAY, GATEWAY_V6, SECOND_LAN_GATEWAY],
    serverAddresses: [SERVER, SERVER_V6],
    publicAddresses: [PUBLIC],
    networks: [
      network('lo', '127.0.0.1', '127.0.0.0/8'),
      network('lan', GATEWAY, '192.168.1.0/24'),
      network('lan', GATEWAY_V6, 'fd00::/64'),
      network('guests', SECOND_LAN_GATEWAY, '10.7.0.0/24'),
    ],
    listensOnPublishedPort: true,
    listensOnExternalPort: true,
    ...changes,
  };
}

export function factsOf(values: SiteValues): DnsFacts {
  return {
    zones: () => values.zones,
    exactNames: () => values.exactNames,
    gatewayAddresses: () => values.gatewayAddresses,
    serverAddresses: () => values.serverAddresses,
    publicAddresses: () => values.publicAddresses,
    networks: () => values.networks,
    listensOnPublishedPort: () => values.listensOnPublishedPort,
    listensOnExternalPort: () => values.listensOnExternalPort,
  };
}

export function dnsOptions(values: SiteValues, changes: Partial<DnsOptions> = {}): DnsOptions {
  return {
    listen: ['127.0.0.1:0'],
    answer: 'auto',
    facts: factsOf(values),
    upstreams: [],
    rebindAllow: ['plex.direct'],
    cacheSize: 200,
    allowsClient: () => true,
    log: silentLog,
    ...changes,
  };
}

/** Runs `story` against a started service and closes it. */
export async function withDns(
  changes: Partial<DnsOptions>,
  story: (service: DnsService, port: number) => Promise<void>,
  values: SiteValues = siteValues(),
): Promise<void> {
  const service = await startDns(dnsOptions(values, changes));
  try {
    await story(service, portOf(service.addresses()[0] ?? ''));
  } finally {
    await service.close();
  }
}

export function portOf(endpoint: string): number {
  return Number(endpoint.slice(endpoint.lastIndexOf(':') + 1));
}
