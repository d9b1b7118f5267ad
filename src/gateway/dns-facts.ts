/** What the DNS side is told of the site: zones, names and addresses, as they are at each moment. */

import { type Config, defaultConfig } from '../config/schema.ts';
import type { DnsFacts } from '../dns/facts.ts';
import type { DnsOptions } from '../dns/server.ts';
import { type SnippetSite, snippetSite } from '../dns/snippet-site.ts';
import { type Steering, steeringOf } from '../dns/steering.ts';
import type { Log } from '../lib/log.ts';
import { plexZone } from '../tls/address-zone.ts';
import type { RouterStanding } from './dns-check.ts';
import type { Parts } from './parts.ts';
import { listensOn, publishedEndpoint } from './published.ts';

/** The port that the media server publishes on the LAN, and outside when nothing says otherwise. */
const PLEX_PORT = 32400;
const LOOPBACK = '127.0.0.1';

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
    listensOnExternalPort: () => listensOnExternalPort(parts()),
  };
}

/** Where the names of each zone lead at this moment, and why. */
export function dnsSteering(parts: Parts): readonly Steering[] {
  const facts = dnsFacts(() => parts);
  return facts.zones().map((zone) => steeringOf(zone, parts.config.dns.answer, facts.listensOnPublishedPort()));
}

/** What the snippets say, and what this router is told. */
export function snippetSiteOf(parts: Parts): SnippetSite {
  const { answer, listen } = parts.config.dns;
  return snippetSite({ facts: dnsFacts(() => parts), answer, listen });
}

/** Where this router's DNS asks the gateway: `127.0.0.1#5354`. */
export function routerResolver({ here }: SnippetSite): string {
  return `${here.address}#${here.port}`;
}

/** Undefined: this is no router. */
export function routerStanding(parts: Parts): RouterStanding | undefined {
  if (parts.routerNames === undefined) return undefined;
  return { applied: parts.routerNames(), resolver: routerResolver(snippetSiteOf(parts)) };
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
    allowsClient: (address) => allowsClient(parts(), address),
    log,
  };
}

/** A program on this host that asks at another of its addresses comes from that address: it is as near as loopback. */
function allowsClient({ dnsClients, site }: Parts, address: string): boolean {
  return dnsClients.contains(site.view.addresses.has(address) ? LOOPBACK : address) || dnsClients.contains(address);
}

/** `dns.zones`, or those of the server's settings, of its own TLS side, and of the certificates: the server's own come first. */
function zoneNames({ config, certificates, zones, plexHome }: Parts): string[] {
  if (config.dns.zones.length > 0) return config.dns.zones;
  const uuid = plexHome.preferences?.certificateUuid;
  const known = [uuid === undefined ? undefined : plexZone(uuid), zones.ofServer, ...certificates.zones];
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
  const own = listenedOn(site.lanAddresses, config.listen.addresses);
  return published === undefined ? own : [published, ...own];
}

/** Those of `addresses` on which the gateway listens; all of them when it listens on none, because another program then stands before it. */
function listenedOn(addresses: string[], listeners: readonly string[]): string[] {
  const found = addresses.filter((address) => listeners.some((listener) => listensOn(listener, address)));
  return found.length === 0 ? addresses : found;
}

/** Whether clients that come from the LAN to the port that the site has outside find the gateway there. */
function listensOnExternalPort({ config, plexHome }: Parts): boolean {
  const { preferences } = plexHome;
  const manualPort = preferences?.isManualPortMapping === true ? (preferences.manualPort ?? PLEX_PORT) : undefined;
  const mappedPort = config.remote.map_port === 0 ? undefined : config.remote.map_port;
  return config.listen.port.includes(manualPort ?? mappedPort ?? PLEX_PORT);
}

/** Nobody asked for the port by name. */
export function isDefaultDnsListen({ dns }: Config): boolean {
  return dns.listen.join() === defaultConfig().dns.listen.join();
}
