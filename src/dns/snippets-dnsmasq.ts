/** Lines for dnsmasq and the systems that are built on it: OpenWrt, Pi-hole, Asuswrt-Merlin. */
import { addressFamily } from '../net/address.ts';
import { type FixedName, missingListenLines, type Reach, type SnippetSite } from './snippet-site.ts';

/** Both lines are needed for a zone: dnsmasq checks forwarded answers, too. */
function zoneLines(zones: readonly string[], { address, port }: Reach): string[] {
  return zones.flatMap((zone) => [`server=/${zone}/${address}#${port}`, `rebind-domain-ok=/${zone}/`]);
}

function ownNameLines(names: readonly FixedName[]): string[] {
  return names.map(({ name, address }) => `host-record=${name},${address}`);
}

export function dnsmasqSnippet(site: SnippetSite): string[] {
  const { here, elsewhere } = site;
  const synth = site.zones.flatMap((zone) => site.networks.map((network) => `# synth-domain=${zone},${network}`));
  return [
    ...missingListenLines(here),
    '# dnsmasq on this machine: /etc/dnsmasq.d/lockgate.conf, then restart dnsmasq.',
    ...zoneLines(site.zones, here),
    ...ownNameLines(site.ownNames),
    '#',
    `# dnsmasq on another machine: write ${elsewhere.address}#${elsewhere.port} instead of ${here.address}#${here.port}.`,
    ...missingListenLines(elsewhere),
    '#',
    '# While lockgate is away for long: dnsmasq can answer these names alone, with the addresses that they spell. These lines',
    '# win over server= even while lockgate runs, so they are for the meantime only:',
    ...synth,
  ];
}

export function openwrtSnippet(site: SnippetSite): string[] {
  const { here } = site;
  const zones = site.zones.flatMap((zone) => [
    `uci add_list dhcp.@dnsmasq[0].server='/${zone}/${here.address}#${here.port}'`,
    `uci add_list dhcp.@dnsmasq[0].rebind_domain='${zone}'`,
  ]);
  const names = site.ownNames.flatMap(({ name, address }) => [
    'uci add dhcp domain',
    `uci set dhcp.@domain[-1].name='${name}'`,
    `uci set dhcp.@domain[-1].ip='${address}'`,
  ]);
  return [
    ...missingListenLines(here),
    '# On the router, as root. With the lockgate package, `lockgate openwrt apply` does the same.',
    ...zones,
    ...names,
    'uci commit dhcp',
    '/etc/init.d/dnsmasq restart',
  ];
}

export function piholeSnippet(site: SnippetSite): string[] {
  const { elsewhere } = site;
  return [
    ...missingListenLines(elsewhere),
    '# Pi-hole 6: Settings > All settings > Miscellaneous > misc.dnsmasq_lines, one entry for each line; or as a file',
    '# /etc/dnsmasq.d/99-lockgate.conf with misc.etc_dnsmasq_d = true. Pi-hole 5 reads the file as it is.',
    '# Pi-hole on the machine that runs lockgate: use 127.0.0.1 and the port of that listener.',
    ...zoneLines(site.zones, elsewhere),
    ...ownNameLines(site.ownNames),
  ];
}

export function asuswrtSnippet(site: SnippetSite): string[] {
  const { elsewhere } = site;
  return [
    ...missingListenLines(elsewhere),
    '# Asuswrt-Merlin: Administration > System > Enable JFFS custom scripts and configs: yes.',
    '# Then in /jffs/configs/dnsmasq.conf.add, and: service restart_dnsmasq',
    ...zoneLines(site.zones, elsewhere),
    ...ownNameLines(site.ownNames),
    '# The original firmware takes no such lines: LAN > DHCP Server > DNS Server can name a resolver of your own instead,',
    '# or WAN > Internet Connection > Enable DNS Rebind protection: No.',
  ];
}

/** `A` or `AAAA`, for resolvers that ask for the type. */
export function addressType(address: string): 'A' | 'AAAA' {
  return addressFamily(address) === 4 ? 'A' : 'AAAA';
}
