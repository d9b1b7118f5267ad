/** Lines for AdGuard Home, CoreDNS, FRITZ!Box, MikroTik and hosts files. */

import { endpointText } from './endpoint.ts';
import { missingListenLines, type SnippetSite } from './snippet-site.ts';
import { addressType } from './snippets-dnsmasq.ts';

const DNS_PORT = 53;

export function adguardhomeSnippet(site: SnippetSite): string[] {
  const { elsewhere } = site;
  const rewrites = site.ownNames.map(({ name, address }) => `#   ${name} -> ${address}`);
  return [
    ...missingListenLines(elsewhere),
    '# AdGuard Home: Settings > DNS settings > Upstream DNS servers, below the servers that are there.',
    '# On the machine that runs lockgate: use 127.0.0.1 and the port of that listener.',
    ...site.zones.map((zone) => `[/${zone}/]${endpointText(elsewhere)}`),
    ...(rewrites.length === 0 ? [] : ['# Filters > DNS rewrites > Add:', ...rewrites]),
  ];
}

export function corednsSnippet(site: SnippetSite): string[] {
  const { here, elsewhere } = site;
  const zones = site.zones.flatMap((zone) => [`${zone} {`, `    forward . ${endpointText(here)}`, '}']);
  const names = [...new Set(site.ownNames.map(({ name }) => name))].flatMap((name) => [
    `${name} {`,
    '    hosts {',
    ...site.ownNames.filter((own) => own.name === name).map(({ address }) => `        ${address} ${name}`),
    '    }',
    '}',
  ]);
  return [
    ...missingListenLines(here),
    '# CoreDNS on this machine: in the Corefile, beside the block for ".".',
    ...zones,
    ...names,
    `# CoreDNS on another machine: write ${endpointText(elsewhere)} instead of ${endpointText(here)}.`,
    ...missingListenLines(elsewhere),
  ];
}

/** The box forwards no zones: it can only be told to let the public answers pass, which spell the media server's own address. */
export function fritzboxSnippet(site: SnippetSite): string[] {
  const names = [...site.zones, ...new Set(site.ownNames.map(({ name }) => name))];
  return [
    '# FRITZ!Box: Home Network > Network > Network Settings > further settings > DNS Rebind Protection, one per line:',
    ...names,
    '# The box then passes what public DNS answers: the address in the name, so devices go to the media server itself.',
    '# To lead them to lockgate, let it be the resolver of the network: with upstreams set and a listener on port 53, enter its',
    '# address under Home Network > Network > Network Settings > IPv4 Settings > Local DNS server.',
  ];
}

/** RouterOS forwards to port 53 only; without a listener there the names are entered one by one. It filters no private addresses. */
export function mikrotikSnippet(site: SnippetSite): string[] {
  const { elsewhere } = site;
  const own = site.ownNames.map((fixed) => staticLine(fixed.name, fixed.address));
  if (elsewhere.port === DNS_PORT) {
    const forwards = site.zones.map(
      (zone) =>
        `/ip dns static add type=FWD name="${zone}" match-subdomain=yes forward-to=${elsewhere.address} comment=lockgate`,
    );
    return ['# RouterOS 7 terminal:', ...forwards, ...own];
  }
  return [
    '# RouterOS 7 terminal. RouterOS forwards zones to port 53 only, and lockgate does not listen there, so these are single names.',
    `# With "${endpointText({ address: elsewhere.address, port: DNS_PORT })}" in [dns] listen, this snippet forwards the zone instead.`,
    ...site.serverNames.map(({ name, address }) => staticLine(name, address)),
    ...own,
  ];
}

function staticLine(name: string, address: string): string {
  return `/ip dns static add type=${addressType(address)} name="${name}" address=${address} ttl=1m comment=lockgate`;
}

export function hostsSnippet(site: SnippetSite): string[] {
  const lines = [...site.serverNames, ...site.ownNames].map(({ name, address }) => `${address} ${name}`);
  return [
    '# /etc/hosts, or C:\\Windows\\System32\\drivers\\etc\\hosts on Windows: for this one device.',
    '# To be written anew when an address changes.',
    ...lines,
  ];
}
