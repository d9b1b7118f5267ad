/** Lines for Unbound and the firewalls that are built on it: pfSense, OPNsense. */

import { missingListenLines, type Reach, type SnippetSite } from './snippet-site.ts';
import { addressType } from './snippets-dnsmasq.ts';

/** `private-domain` lets private addresses pass for a zone; `domain-insecure` because nobody has signed it. */
function privateDomains(zones: readonly string[]): string[] {
  return zones.flatMap((zone) => [`  private-domain: "${zone}"`, `  domain-insecure: "${zone}"`]);
}

function localData({ ownNames }: SnippetSite): string[] {
  return ownNames.map(({ name, address }) => `  local-data: "${name}. 60 IN ${addressType(address)} ${address}"`);
}

function forwardZones(zones: readonly string[], { address, port }: Reach): string[] {
  return zones.flatMap((zone) => ['forward-zone:', `  name: "${zone}"`, `  forward-addr: ${address}@${port}`]);
}

export function unboundSnippet(site: SnippetSite): string[] {
  const { here, elsewhere } = site;
  const isLocal = here.address.startsWith('127.') || here.address === '::1';
  return [
    ...missingListenLines(here),
    '# Unbound on this machine: /etc/unbound/unbound.conf.d/lockgate.conf, then restart unbound.',
    'server:',
    ...(isLocal ? ['  do-not-query-localhost: no'] : []),
    ...privateDomains(site.zones),
    ...localData(site),
    ...forwardZones(site.zones, here),
    `# Unbound on another machine: write ${elsewhere.address}@${elsewhere.port} instead of ${here.address}@${here.port}.`,
    ...missingListenLines(elsewhere),
  ];
}

export function pfsenseSnippet(site: SnippetSite): string[] {
  const { elsewhere } = site;
  const overrides = site.zones.map(
    (zone) => `#   Domain: ${zone}   IP Address: ${elsewhere.address}@${elsewhere.port}`,
  );
  const hosts = site.ownNames.map(({ name, address }) => `#   ${splitHost(name)}   IP Address: ${address}`);
  return [
    ...missingListenLines(elsewhere),
    '# pfSense: Services > DNS Resolver > General Settings > Domain Overrides > Add:',
    ...overrides,
    ...(hosts.length === 0 ? [] : ['# Host Overrides > Add:', ...hosts]),
    '# and in the same page under Display Custom Options:',
    'server:',
    ...privateDomains(site.zones),
  ];
}

function splitHost(name: string): string {
  const dot = name.indexOf('.');
  return `Host: ${name.slice(0, dot)}   Domain: ${name.slice(dot + 1)}`;
}

export function opnsenseSnippet(site: SnippetSite): string[] {
  const { elsewhere } = site;
  const forwards = site.zones.map(
    (zone) => `#   Domain: ${zone}   Server IP: ${elsewhere.address}   Server Port: ${elsewhere.port}`,
  );
  const hosts = site.ownNames.map(
    ({ name, address }) => `#   ${splitHost(name)}   Type: ${addressType(address)}   IP: ${address}`,
  );
  return [
    ...missingListenLines(elsewhere),
    '# OPNsense: Services > Unbound DNS > Query Forwarding > Add:',
    ...forwards,
    '# Services > Unbound DNS > Advanced > Private Domains, and Insecure Domains:',
    ...site.zones.map((zone) => `#   ${zone}`),
    ...(hosts.length === 0 ? [] : ['# Services > Unbound DNS > Overrides > Hosts > Add:', ...hosts]),
  ];
}
