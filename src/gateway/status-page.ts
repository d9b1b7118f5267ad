/** What the status page is given: the report of the running gateway in the words of the page, and what concerns its visitor alone. */
import type { PageScope } from '../access/decision.ts';
import type { DnsCounters } from '../dns/counters.ts';
import { type SnippetTarget, snippet } from '../dns/snippets.ts';
import type { Gateway } from '../gateway.ts';
import type { PageAsk } from '../http/full-lane.ts';
import type { NameTest, Snippet } from '../http/pages/name-test.ts';
import type { Visit } from '../http/pages/status-page.ts';
import type { CounterLine, Light, StatusView } from '../http/pages/status-view.ts';
import { GatewayError } from '../lib/errors.ts';
import { clock } from '../lib/words.ts';
import type { Check } from '../ops/check.ts';
import { dnsFacts } from './dns-facts.ts';
import { viewClient } from './gate-options.ts';
import { publishedEndpoint } from './published.ts';
import { type StatusReport, statusReport } from './status.ts';

/** The page as it is now, in one of its scopes. */
export function statusView(gateway: Gateway, scope: PageScope): StatusView {
  const report = statusReport(gateway);
  const lights = lightsOf(report);
  if (scope !== 'everything') return { scope: 'lights', lights: lights.map((light) => unnamed(light, report)) };
  const dnsListeners = (report.dns?.listeners ?? []).map((endpoint) => ({ purpose: 'DNS', endpoint }));
  return {
    scope: 'everything',
    lights,
    version: report.version,
    serverName: report.server.name ?? (report.server.reachable ? report.server.url : null) ?? undefined,
    clients: report.clients,
    certificates: report.certificates.map(({ names, addresses, source, daysLeft }) => ({
      names: [...names, ...addresses],
      source: SOURCES[source] ?? source,
      daysLeft,
    })),
    dnsCounters: gateway.dns && countersInWords(gateway.dns.counters()),
    listeners: [...report.listeners.map((endpoint) => ({ purpose: 'HTTP and HTTPS', endpoint })), ...dnsListeners],
    lanNetworks: report.lan.networks,
    refusals: report.refusals.map((refusal) => ({
      ...refusal,
      secondsAgo: Math.round((Date.now() - refusal.at) / 1000),
    })),
  };
}

/** What concerns one visitor. */
export async function visitOf(gateway: Gateway, ask: PageAsk): Promise<Visit> {
  const client = viewClient(ask.head, ask.peer, gateway.parts);
  const { rule, outcome } = await gateway.gate.explainTo(ask.head, ask.peer, '/library');
  const asker = { address: client.address ?? ask.peer.address, place: client.place, rule, meaning: outcome };
  const nameTest = nameTestFor(gateway, ask);
  const asOf = clock();
  return nameTest === undefined ? { asker, asOf } : { asker, asOf, nameTest };
}

/** Undefined: no name of a certificate leads to where the visitor came in. */
function nameTestFor({ parts }: Gateway, { peer }: PageAsk): NameTest | undefined {
  const { address, port } = publishedEndpoint(parts.config) ?? { address: peer.localAddress, port: peer.localPort };
  const name = parts.certificates.nameForAddress(address);
  if (name === undefined) return undefined;
  return {
    origin: `https://${name}:${port}`,
    needsTrust: isOfPrivateAuthority(name, parts),
    snippets: (Object.keys(ROUTERS) as SnippetTarget[]).flatMap((target) => snippetFor(target, parts)),
  };
}

function isOfPrivateAuthority(name: string, { certificates }: Gateway['parts']): boolean {
  const owner = certificates.facts().find(({ zones }) => zones.some((zone) => name.endsWith(`.${zone}`)));
  return owner?.source === 'private-ca';
}

/** Those that homes have come first. */
const ROUTERS: Readonly<Record<SnippetTarget, string>> = {
  fritzbox: 'FRITZ!Box',
  openwrt: 'OpenWrt',
  asuswrt: 'ASUS (Asuswrt-Merlin)',
  pihole: 'Pi-hole',
  adguardhome: 'AdGuard Home',
  pfsense: 'pfSense',
  opnsense: 'OPNsense',
  mikrotik: 'MikroTik',
  dnsmasq: 'dnsmasq',
  unbound: 'Unbound',
  coredns: 'CoreDNS',
  hosts: 'This computer alone (hosts file)',
};

/** None while no zone is known. */
function snippetFor(target: SnippetTarget, parts: Gateway['parts']): Snippet[] {
  const { answer, listen } = parts.config.dns;
  try {
    return [{ router: ROUTERS[target], text: snippet(target, { facts: dnsFacts(() => parts), answer, listen }) }];
  } catch (error) {
    if (error instanceof GatewayError) return [];
    throw error;
  }
}

const SOURCES: Readonly<Record<string, string>> = {
  server: 'the media server',
  files: 'files',
  acme: 'ACME',
  'private-ca': 'private CA',
};

const COUNTERS: Readonly<Record<keyof DnsCounters, string>> = {
  answered: 'Answered',
  cacheHits: 'From the cache',
  forwarded: 'Asked of others',
  stale: 'Answered past their time, because nobody else answered',
  withheldAsRebinding: 'Withheld: answers of others that lead into the home',
  refusedAsRebinding: 'Withheld: names that spell an address which is not of this home',
  timeouts: 'Others that did not answer in time',
  refused: 'Refused',
  malformed: 'Could not be read',
  dropped: 'Dropped',
  rateLimited: 'Over the rate of their asker',
};

/** Those that have counted something; the first always. */
function countersInWords(counters: DnsCounters): CounterLine[] {
  return Object.entries(COUNTERS)
    .map(([key, what]) => ({ what, count: counters[key as keyof DnsCounters] }))
    .filter(({ count }, index) => index === 0 || count > 0);
}

const PAGE_VERDICTS = { ok: 'good', warning: 'attention', fault: 'fault', unknown: 'unknown' } as const;
/** The questions that bring people here. */
const FIRST_LIGHTS = ['certificate', 'remote access', 'server'];

function lightsOf({ checks, remote }: StatusReport): Light[] {
  const first = FIRST_LIGHTS.flatMap((name) => checks.filter((check) => check.name === name));
  const others = checks.filter(({ name }) => !FIRST_LIGHTS.includes(name));
  return [...first, ...others].map((check) => lightOf(check, remote));
}

function lightOf({ name, verdict, evidence, remedy }: Check, remote: StatusReport['remote']): Light {
  // Its colour is a word of its own, also in `status`.
  const summary = name === 'remote access' ? `${remote.light}: ${evidence}` : evidence;
  const light = { name: LIGHT_NAMES[name] ?? name, verdict: PAGE_VERDICTS[verdict], summary: asSentence(summary) };
  return remedy === '' ? light : { ...light, remedy: asSentence(remedy) };
}

/** Who came in is for those who see everybody's addresses. */
function unnamed(light: Light, { remote: { reached } }: StatusReport): Light {
  if (reached === undefined || light.name !== LIGHT_NAMES['remote access']) return light;
  return { ...light, summary: light.summary.replace(reached.address, 'somebody') };
}

/** With a capital, unless it begins with something to be typed or looked up. */
function asSentence(text: string): string {
  return text.replace(/^[a-z]+(?=[ ,:;]|$)(?!:\/\/)/, (word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
}

/** How the page calls the checks. */
const LIGHT_NAMES: Readonly<Record<string, string>> = {
  gateway: 'Gateway',
  server: 'Media server',
  'server address': 'Address of the media server',
  claimed: 'Claimed',
  version: 'Version',
  bypass: 'Sign-in',
  certificate: 'The lock',
  acme: 'Certificate authority',
  apps: 'How apps get here',
  dns: 'Names',
  lan: 'Home network',
  allowed_networks: 'Networks without sign-in',
  secure_connections: 'Secure connections',
  'masked addresses': 'Addresses that stand for others',
  'old TLS': 'Old TLS versions',
  'server certificate': "The media server's own certificate",
  'remote access': 'Remote access',
  nat: 'Router',
  'port mapping': 'Port on the router',
  'ipv6 port': 'IPv6 port on the router',
};
