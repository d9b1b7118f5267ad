/** What the DNS side is told of the site: zones, names and addresses, as they are at each moment. */

import type { Config } from '../config/schema.ts';
import type { DnsFacts } from '../dns/facts.ts';
import type { DnsOptions } from '../dns/server.ts';
import type { Log } from '../lib/log.ts';
import { plexZone } from '../tls/address-zone.ts';
import type { Parts } from './parts.ts';
import { publishedEndpoint } from './published.ts';

/** The port that the media server publishes when its settings do not say. */
const PLEX_PORT = 32400;

export function dnsFacts(parts: () => Parts): DnsFacts {
  return {
    zones: () => {
      const { certificates } = parts();
      const held = certificates.zones;
      return zoneNames(parts()).map((name) => ({ name, holdsCertificate: held.includes(name) }));
    },
    exactNames: () => exactNames(parts()),
    gatewayAddresses: () => gatewayAddresses(parts()),
    serverAddresses: () => [parts().site.view.serverAddress].filter((address) => address !== undefined),
    publicAddresses: () => [parts().site.publicAddress].filter((address) => address !== undefined),
    networks: () => parts().site.view.networks,
    listensOnPublishedPort: () => parts().config.listen.port.includes(PLEX_PORT),
    listensOnExternalPort: () =>
      parts().config.listen.port.includes(parts().plexHome.preferences?.manualPort ?? PLEX_PORT),
  };
}

/** `[dns]` of `config` as the DNS side takes it; the facts are those of the parts in use. */
export function dnsOptions({ dns }: Config, parts: () => Parts, log: Log): DnsOptions {
  return {
    listen: dns.listen,
    answer: dns.answer,
    facts: dnsFacts(parts),
    upstreams: dns.upstreams,
    rebindAllow: dns.rebind_allow,
    cacheSize: dns.cache_size,
    allowsClient: (address) => parts().dnsClients.contains(address),
    log,
  };
}

/** `dns.zones`, or those of the certificates, of the server's own TLS side, and of its settings. */
function zoneNames({ config, certificates, zones, plexHome }: Parts): string[] {
  if (config.dns.zones.length > 0) return config.dns.zones;
  const uuid = plexHome.preferences?.certificateUuid;
  const known = [...certificates.zones, zones.ofServer, uuid === undefined ? undefined : plexZone(uuid)];
  return [...new Set(known.filter((zone) => zone !== undefined))];
}

/** Certificate names without an address in them; wildcards name nothing by themselves. */
function exactNames({ certificates }: Parts): string[] {
  return certificates
    .facts()
    .flatMap(({ names, source }) => (source === 'private-ca' ? [] : names.filter((name) => !name.startsWith('*.'))));
}

function gatewayAddresses({ config, site }: Parts): string[] {
  if (config.dns.gateway_addresses.length > 0) return config.dns.gateway_addresses;
  const published = publishedEndpoint(config)?.address;
  return published === undefined ? site.lanAddresses : [published, ...site.lanAddresses];
}
