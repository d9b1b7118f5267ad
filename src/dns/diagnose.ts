/** The DNS part of `doctor`: asks every resolver on the way for a name of the zone, and tells which one drops or changes the answer. */
import { isIPv4 } from 'node:net';
import { addressFromLabel } from '../net/address.ts';
import type { Check, CheckVerdict } from '../ops/check.ts';
import { endpointText } from './endpoint.ts';
import { openUpstreams } from './open-upstreams.ts';
import { type ProbeOutcome, type ProbeResult, probe, type Sample } from './resolver-probe.ts';
import { type SnippetOptions, type SnippetSite, snippetSite } from './snippet-site.ts';
import type { SnippetTarget } from './snippets.ts';
import type { Upstream } from './upstream.ts';
import { PlainUpstream } from './upstream-plain.ts';

/** Resolvers that are asked with `--public`: they filter nothing. */
export const PUBLIC_RESOLVERS: readonly ResolverAddress[] = [
  { address: '1.1.1.1', port: 53 },
  { address: '9.9.9.9', port: 53 },
];

/** Spells a public address, which no rebinding protection withholds. Nothing is sent there. */
const CONTROL_LABEL = '9-9-9-9';

/** What is left when the box that filters cannot be configured by its owner. */
export const CLOSED_BOX_REMEDY =
  'when that box is closed to you: set a public resolver (1.1.1.1 or 9.9.9.9) in the network settings of the TV or player; ' +
  "or use the gateway's public name or global IPv6 address, which is not filtered; or run a resolver of your own on port 53 " +
  '(OpenWrt, or a container with an address of its own; not on DSM); or a hosts file (lockgate snippet hosts)';

export interface ResolverAddress {
  readonly address: string;
  readonly port: number;
}

export interface DiagnoseOptions extends SnippetOptions {
  /** Where the running gateway listens; empty: it does not run, or DNS is off. */
  readonly gateway: readonly ResolverAddress[];
  /** What /etc/resolv.conf names. */
  readonly systemResolvers: readonly ResolverAddress[];
  /** `dns.upstreams`. */
  readonly upstreams: readonly string[];
  /** With `--public`: `PUBLIC_RESOLVERS`; otherwise empty, and nothing outside is asked. */
  readonly publicResolvers: readonly ResolverAddress[];
}

/** The name servers in the text of a resolv.conf, in their order. */
export function readResolvConf(text: string): readonly ResolverAddress[] {
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+([0-9a-f.:]+(?:%\S+)?)(?:[ \t]|$)/gim)].map(([, address = '']) => ({
    address,
    port: 53,
  }));
}

type Role = 'gateway' | 'system' | 'upstream' | 'public';

interface Hop {
  readonly role: Role;
  readonly title: string;
  readonly resolver: Upstream;
}

/** One check per resolver, in the order in which an answer travels. Never rejects. */
export async function diagnoseDns(options: DiagnoseOptions): Promise<readonly Check[]> {
  const site = snippetSite(options);
  if (site.zones.length === 0) return [NO_ZONE];
  const sample = sampleOf(site);
  if (sample === undefined) return [NO_ADDRESS];
  const hops = hopsOf(options);
  try {
    const checks = await Promise.all(hops.map(async (hop) => judge(hop, sample, await probe(hop.resolver, sample))));
    return options.gateway.length === 0 ? [NOT_LISTENING, ...checks] : checks;
  } finally {
    for (const { resolver } of hops) resolver.close();
  }
}

const NO_ZONE: Check = {
  name: 'dns zone',
  verdict: 'unknown',
  evidence: 'no zone is known yet, because no media server with a certificate has been found',
  remedy: 'start the media server, or set [dns] zones',
};

const NO_ADDRESS: Check = {
  name: 'dns zone',
  verdict: 'unknown',
  evidence: 'no name can be asked for, because neither the media server nor this host has a known address on a LAN',
  remedy: 'connect this host to the LAN, or set [dns] gateway_addresses',
};

const NOT_LISTENING: Check = {
  name: 'dns gateway',
  verdict: 'warning',
  evidence: "the gateway's own DNS is not running",
  remedy: 'start lockgate, and leave [dns] enabled = true',
};

/** Undefined: no name of the zones has an address yet. */
function sampleOf({ zones, serverNames }: SnippetSite): Sample | undefined {
  const [zone] = zones;
  const fixed = serverNames.find(({ address }) => isIPv4(address)) ?? serverNames[0];
  if (zone === undefined || fixed === undefined) return undefined;
  const literal = addressFromLabel(fixed.name.slice(0, fixed.name.indexOf('.'))) ?? fixed.address;
  const type = isIPv4(fixed.address) ? 'A' : 'AAAA';
  return { name: fixed.name, type, expected: fixed.address, literal, control: `${CONTROL_LABEL}.${zone}` };
}

function hopsOf({ gateway, systemResolvers, upstreams, publicResolvers }: DiagnoseOptions): Hop[] {
  const plain = (role: Role, addresses: readonly ResolverAddress[]): Hop[] =>
    addresses.map(({ address, port }) => {
      const text = port === 53 ? address : endpointText({ address, port });
      return {
        role,
        title: text,
        resolver: new PlainUpstream({ transport: 'udp', host: address, port, path: '', text }),
      };
    });
  const configured = openUpstreams(upstreams).map(
    (resolver): Hop => ({ role: 'upstream', title: resolver.name, resolver }),
  );
  return [
    ...plain('gateway', gateway),
    ...plain('system', systemResolvers),
    ...configured,
    ...plain('public', publicResolvers),
  ];
}

/** What an outcome means, depending on whose answer it is. */
function judge(hop: Hop, sample: Sample, result: ProbeResult): Check {
  const name = `dns ${hop.role} ${hop.title}`;
  const software = result.software === undefined ? '' : ` (${result.software})`;
  const evidence = `${hop.title}${software} ${SENTENCES[result.outcome](sample, result.detail)}`;
  if (hop.role === 'gateway') return { name, evidence, ...judgeGateway(result) };
  if (hop.role === 'system') return { name, evidence, ...judgeSystem(result) };
  return { name, evidence, ...judgeBeyond(result) };
}

const SENTENCES: Readonly<Record<ProbeOutcome, (sample: Sample, detail: string) => string>> = {
  expected: ({ name }, detail) => `leads ${name} to ${detail}, as it should`,
  literal: ({ name, expected }, detail) => `leads ${name} to ${detail}, past the gateway at ${expected}`,
  filtered: ({ name }) =>
    `answers names of this zone with public addresses, but drops the private one of ${name}: rebinding protection`,
  empty: ({ name }) => `has no address for ${name}, and none for other names of the zone`,
  other: ({ name }, detail) => `leads ${name} to ${detail}, which is neither the gateway nor the media server`,
  denied: ({ name }) => `says that ${name} does not exist`,
  error: ({ name }, detail) => `answers ${detail} for ${name}`,
  silent: ({ name }, detail) => `gives no answer for ${name}: ${detail}`,
};

type Judgement = { readonly verdict: CheckVerdict; readonly remedy: string };

const FINE: Judgement = { verdict: 'ok', remedy: '' };

function judgeGateway({ outcome, detail }: ProbeResult): Judgement {
  if (outcome === 'expected') return FINE;
  if (detail === 'REFUSED')
    return { verdict: 'fault', remedy: 'add this host to [dns] allow_clients, which has "lan, loopback" by default' };
  return {
    verdict: 'fault',
    remedy: 'is lockgate running with [dns] enabled = true and this address in [dns] listen?',
  };
}

/** The devices' own resolver, or one like it: this is where the answer must arrive. */
function judgeSystem({ outcome, software }: ProbeResult): Judgement {
  const paste = pasteFor(software);
  switch (outcome) {
    case 'expected':
      return FINE;
    case 'literal':
      return { verdict: 'warning', remedy: `devices go to the media server itself; to lead them here, ${paste}` };
    case 'silent':
      return {
        verdict: 'unknown',
        remedy: 'ask again from a device of the network, whose resolver may be another one',
      };
    default:
      return { verdict: 'fault', remedy: `${paste}; ${CLOSED_BOX_REMEDY}` };
  }
}

/** Resolvers behind the system's one: they know only the public zone, which spells the address. */
function judgeBeyond({ outcome }: ProbeResult): Judgement {
  if (outcome === 'expected' || outcome === 'literal') return FINE;
  if (outcome === 'silent') return { verdict: 'unknown', remedy: 'is this resolver reachable from here?' };
  const remedy =
    'nothing, while the resolver in front of it asks lockgate for this zone; else choose one that does not filter';
  return { verdict: 'warning', remedy };
}

const KNOWN_SOFTWARE: readonly [RegExp, SnippetTarget][] = [
  [/pi-?hole/i, 'pihole'],
  [/dnsmasq/i, 'dnsmasq'],
  [/unbound/i, 'unbound'],
  [/adguard/i, 'adguardhome'],
  [/coredns/i, 'coredns'],
];

function pasteFor(software: string | undefined): string {
  const target = KNOWN_SOFTWARE.find(([pattern]) => pattern.test(software ?? ''))?.[1];
  if (target !== undefined) return `paste into it what \`lockgate snippet ${target}\` prints`;
  return 'paste into it what `lockgate snippet` prints for its kind (fritzbox, openwrt, pihole, pfsense, …)';
}
