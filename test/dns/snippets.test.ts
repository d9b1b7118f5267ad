import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SnippetOptions } from '../../src/dns/snippet-site.ts';
import { isSnippetTarget, SNIPPET_TARGETS, type SnippetTarget, snippet } from '../../src/dns/snippets.ts';
import { GatewayError } from '../../src/lib/errors.ts';
import { factsOf, type SiteValues, siteValues, ZONE } from './site.ts';

const LOOPBACK = ['127.0.0.1:5354'];
const WITH_LAN = ['127.0.0.1:5354', '192.168.1.5:5354'];
const NAME = `192-168-1-10.${ZONE}`;

function text(target: SnippetTarget, listen: readonly string[] = WITH_LAN, values: Partial<SiteValues> = {}): string {
  const options: SnippetOptions = { facts: factsOf(siteValues(values)), answer: 'gateway', listen };
  return snippet(target, options);
}

/** The lines that are meant for the program itself. */
function lines(target: SnippetTarget, listen?: readonly string[]): string[] {
  return text(target, listen)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

const syntax = suite('the documented syntax of');

syntax('dnsmasq: server, rebind-domain-ok, host-record (dnsmasq(8))', () => {
  assert.equal(lines('dnsmasq'), [
    `server=/${ZONE}/127.0.0.1#5354`,
    `rebind-domain-ok=/${ZONE}/`,
    'host-record=films.example.org,192.168.1.5',
    'host-record=films.example.org,fd00::5',
  ]);
});

syntax('OpenWrt: lists of the dnsmasq section, host entries as domain sections', () => {
  assert.equal(lines('openwrt').slice(0, 5), [
    `uci add_list dhcp.@dnsmasq[0].server='/${ZONE}/127.0.0.1#5354'`,
    `uci add_list dhcp.@dnsmasq[0].rebind_domain='${ZONE}'`,
    'uci add dhcp domain',
    "uci set dhcp.@domain[-1].name='films.example.org'",
    "uci set dhcp.@domain[-1].ip='192.168.1.5'",
  ]);
  assert.equal(lines('openwrt').slice(-2), ['uci commit dhcp', '/etc/init.d/dnsmasq restart']);
});

syntax('Unbound: forward zone and private domain (unbound.conf(5)), loopback allowed only when it is used', () => {
  assert.equal(lines('unbound'), [
    'server:',
    '  do-not-query-localhost: no',
    `  private-domain: "${ZONE}"`,
    `  domain-insecure: "${ZONE}"`,
    '  local-data: "films.example.org. 60 IN A 192.168.1.5"',
    '  local-data: "films.example.org. 60 IN AAAA fd00::5"',
    'forward-zone:',
    `  name: "${ZONE}"`,
    '  forward-addr: 127.0.0.1@5354',
  ]);
  assert.not.match(text('unbound', ['192.168.1.5:5354']), /do-not-query-localhost/);
});

syntax('pfSense: a domain override whose port stands behind @, and custom options', () => {
  assert.match(text('pfsense'), new RegExp(`Domain: ${ZONE} {3}IP Address: 192\\.168\\.1\\.5@5354`));
  assert.match(text('pfsense'), /Host: films {3}Domain: example\.org {3}IP Address: 192\.168\.1\.5/);
  assert.equal(lines('pfsense'), ['server:', `  private-domain: "${ZONE}"`, `  domain-insecure: "${ZONE}"`]);
});

syntax('OPNsense: query forwarding with server and port, private domains', () => {
  assert.match(text('opnsense'), new RegExp(`Domain: ${ZONE} {3}Server IP: 192\\.168\\.1\\.5 {3}Server Port: 5354`));
  assert.match(text('opnsense'), /Advanced > Private Domains/);
  assert.equal(lines('opnsense'), []);
});

syntax('AdGuard Home: an upstream for one domain is [/domain/]address:port', () => {
  assert.equal(lines('adguardhome'), [`[/${ZONE}/]192.168.1.5:5354`]);
  assert.match(text('adguardhome', ['[fd00::5]:5354']), /\]\[fd00::5\]:5354/);
});

syntax('CoreDNS: a server block per zone with forward, hosts for single names', () => {
  const blocks = lines('coredns').join('\n');
  assert.match(blocks, new RegExp(`^${ZONE} \\{\\n {4}forward \\. 127\\.0\\.0\\.1:5354\\n\\}`));
  assert.match(
    blocks,
    /films\.example\.org \{\n {4}hosts \{\n {8}192\.168\.1\.5 films\.example\.org\n {8}fd00::5 films\.example\.org\n {4}\}\n\}/,
  );
});

syntax('FRITZ!Box: bare names, one per line', () => {
  assert.equal(lines('fritzbox'), [ZONE, 'films.example.org']);
});

syntax('MikroTik: FWD entries only towards port 53, single names else', () => {
  assert.equal(lines('mikrotik', ['192.168.1.5:53']).slice(0, 1), [
    `/ip dns static add type=FWD name="${ZONE}" match-subdomain=yes forward-to=192.168.1.5 comment=lockgate`,
  ]);
  assert.equal(lines('mikrotik').slice(0, 2), [
    `/ip dns static add type=A name="${NAME}" address=192.168.1.5 ttl=1m comment=lockgate`,
    `/ip dns static add type=AAAA name="fd00-0-0-0-0-0-0-10.${ZONE}" address=fd00::5 ttl=1m comment=lockgate`,
  ]);
});

syntax('hosts files: address, then name', () => {
  assert.equal(lines('hosts').slice(0, 2), [`192.168.1.5 ${NAME}`, `fd00::5 fd00-0-0-0-0-0-0-10.${ZONE}`]);
});

syntax('Pi-hole and Asuswrt-Merlin: dnsmasq lines with an address on the LAN', () => {
  for (const target of ['pihole', 'asuswrt'] as const) {
    assert.equal(lines(target).slice(0, 2), [`server=/${ZONE}/192.168.1.5#5354`, `rebind-domain-ok=/${ZONE}/`], target);
  }
});

syntax.run();

const reach = suite('the address in a snippet');

reach('is one that its reader can reach, or the missing dns.listen line comes first', () => {
  const forOtherBoxes: SnippetTarget[] = ['pfsense', 'opnsense', 'pihole', 'adguardhome', 'asuswrt'];
  for (const target of forOtherBoxes) {
    assert.not.match(text(target, WITH_LAN), /First let lockgate listen/, target);
    const [first = '', second = ''] = text(target, LOOPBACK).split('\n');
    assert.match(first, /First let lockgate listen/, target);
    assert.is(second, '#   listen = ["127.0.0.1:5354", "192.168.1.5:5354"]', target);
    assert.not.match(lines(target, LOOPBACK).join('\n'), /127\.0\.0\.1/, target);
  }
  for (const target of ['dnsmasq', 'openwrt', 'unbound', 'coredns'] as const) {
    assert.match(lines(target, LOOPBACK).join('\n'), /127\.0\.0\.1/, `${target} runs beside the gateway`);
  }
});

reach('is the LAN address that a wildcard stands for', () => {
  assert.equal(lines('adguardhome', ['0.0.0.0:5354']), [`[/${ZONE}/]192.168.1.5:5354`]);
});

reach('a gateway that listens on the LAN alone is asked there by resolvers beside it, too', () => {
  assert.is(lines('dnsmasq', ['192.168.1.5:5300'])[0], `server=/${ZONE}/192.168.1.5#5300`);
});

reach('names of a server on this machine are those of its own addresses', () => {
  const options = {
    facts: factsOf(siteValues({ serverAddresses: ['127.0.0.1'] })),
    answer: 'gateway',
    listen: LOOPBACK,
  } as const;
  assert.match(snippet('hosts', options), new RegExp(`^192\\.168\\.1\\.5 192-168-1-5\\.${ZONE}$`, 'm'));
});

reach('every target has a text, and nothing but targets is one', () => {
  assert.is(SNIPPET_TARGETS.length, 12);
  for (const target of SNIPPET_TARGETS) assert.match(text(target), /\S\n$/);
  assert.ok(isSnippetTarget('openwrt'));
  for (const word of ['', 'nas', 'toString', 'Dnsmasq']) assert.not.ok(isSnippetTarget(word));
});

reach('without a zone or a name there is an error that says what to do', () => {
  try {
    text('dnsmasq', LOOPBACK, { zones: [], exactNames: [] });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, GatewayError);
    assert.match((error as GatewayError).sentence, /no zone is known yet.*\[dns\] zones/);
  }
});

reach.run();
