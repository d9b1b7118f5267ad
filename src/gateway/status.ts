/** What the running gateway says of itself: one report for `status`, its JSON and the status page. */
import type { Refusal } from '../access/refusals.ts';
import type { UpstreamStatus } from '../dns/upstream-health.ts';
import type { Gateway } from '../gateway.ts';
import type { PageAsk } from '../http/full-lane.ts';
import type { Light, StatusView } from '../http/pages/status-page.ts';
import { VERSION } from '../lib/version.ts';
import type { Check } from '../ops/check.ts';
import { remoteChecks } from '../remote/checks.ts';
import { type RemoteStanding, remoteStanding } from '../remote/light.ts';
import type { RemoteView } from '../remote/view.ts';
import { viewClient } from './gate-options.ts';
import { serverName } from './parts.ts';
import { judge, situationOf } from './situation.ts';

export interface StatusReport {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly listeners: readonly string[];
  readonly server: {
    readonly kind: string;
    readonly url: string | null;
    readonly state: string;
    readonly claimed: boolean;
    readonly reachable: boolean;
    readonly name: string | null;
    readonly id: string | null;
    readonly version: string | null;
    readonly detail: string | null;
  };
  readonly certificates: readonly {
    readonly source: string;
    readonly names: readonly string[];
    readonly addresses: readonly string[];
    readonly daysLeft: number;
    readonly notAfter: string;
    readonly fingerprint: string;
  }[];
  readonly lan: { readonly networks: readonly string[]; readonly reason: string };
  readonly allowedNetworks: { readonly inForce: boolean; readonly because: string };
  readonly traffic: {
    readonly connections: number;
    readonly requestsInFlight: number;
    readonly upgraded: number;
    readonly requests: number;
    readonly memoryBytes: number;
  };
  readonly dns: {
    readonly listeners: readonly string[];
    readonly zones: readonly { readonly zone: string; readonly leadsTo: string; readonly because: string }[];
    readonly upstreams: readonly UpstreamStatus[];
    readonly counters: Readonly<Record<string, number>>;
  } | null;
  /** The light and its reason, and what is known behind them. */
  readonly remote: RemoteStanding & RemoteView;
  readonly refusals: readonly Refusal[];
  readonly checks: readonly Check[];
}

export function statusReport(gateway: Gateway): StatusReport {
  const { link, certificates, site } = gateway.parts;
  const { kind, url, state, identity, detail } = link.monitor.snapshot;
  const { isInForce: inForce, because } = gateway.gate.list;
  const remote = gateway.remote.view;
  const situation = situationOf(gateway.parts, gateway.gate, gateway.entrance.endpoints(), gateway.dns !== undefined);
  return {
    version: VERSION,
    pid: process.pid,
    uptimeSeconds: Math.round((Date.now() - gateway.startedAt.getTime()) / 1000),
    listeners: gateway.entrance.endpoints(),
    server: {
      kind: kind.name,
      url: url ?? null,
      state: kind.hasIdentity ? state : 'claimed',
      claimed: state === 'claimed' || !kind.hasIdentity,
      reachable: state !== 'unknown' || !kind.hasIdentity,
      name: serverName(gateway.parts) ?? null,
      id: identity?.id ?? null,
      version: identity?.version ?? null,
      detail: detail ?? null,
    },
    certificates: certificates.facts().map(({ source, names, addresses, daysLeft, notAfter, fingerprint }) => ({
      source,
      names,
      addresses,
      daysLeft,
      notAfter: notAfter.toISOString(),
      fingerprint,
    })),
    lan: { networks: site.view.lan.networks, reason: site.view.lan.reason },
    allowedNetworks: { inForce, because },
    traffic: { ...gateway.lane.counters, requests: gateway.counters.total, memoryBytes: process.memoryUsage.rss() },
    dns: dnsReport(gateway),
    remote: { ...remoteStanding(remote), ...remote },
    refusals: gateway.gate.refusals,
    checks: [...judge(situation), ...remoteChecks(remote)],
  };
}

function dnsReport({ dns }: Gateway): StatusReport['dns'] {
  if (dns === undefined) return null;
  const zones = dns.steering().map(({ zone, leadsTo, reason }) => ({ zone, leadsTo, because: reason }));
  return { listeners: dns.addresses(), zones, upstreams: dns.upstreams(), counters: { ...dns.counters() } };
}

const PAGE_VERDICTS = { ok: 'good', warning: 'attention', fault: 'fault', unknown: 'unknown' } as const;

/** The status page for one visitor. */
export async function statusView(gateway: Gateway, ask: PageAsk): Promise<StatusView> {
  const { parts, gate } = gateway;
  const report = statusReport(gateway);
  const client = viewClient(ask.head, ask.peer, parts);
  const explained = await gate.explainTo(ask.head, ask.peer, '/library');
  const asker = {
    address: client.address ?? ask.peer.address,
    place: client.place,
    rule: explained.rule,
    meaning: explained.outcome,
  };
  const lights = report.checks.map(lightOf);
  const name = parts.certificates.nameForAddress(ask.peer.localAddress);
  const nameTest = name === undefined ? {} : { nameTest: { origin: `https://${name}:${ask.peer.localPort}` } };
  if (ask.decision.scope !== 'everything') return { scope: 'lights', lights, asker, ...nameTest };
  return {
    scope: 'everything',
    lights,
    asker,
    ...nameTest,
    version: report.version,
    serverName: report.server.name ?? undefined,
    certificates: report.certificates,
    listeners: report.listeners.map((endpoint) => ({ purpose: 'HTTP and HTTPS', endpoint })),
    lanNetworks: report.lan.networks,
    refusals: report.refusals.map((refusal) => ({
      ...refusal,
      secondsAgo: Math.round((Date.now() - refusal.at) / 1000),
    })),
  };
}

/** How the page calls the checks. */
const LIGHT_NAMES: Readonly<Record<string, string>> = {
  gateway: 'Gateway',
  server: 'Media server',
  'server address': 'Address of the media server',
  claimed: 'Claimed',
  version: 'Version',
  bypass: 'Sign-in',
  certificate: 'Certificate',
  apps: 'How apps get here',
  dns: 'Names',
  lan: 'Home network',
  allowed_networks: 'Networks without sign-in',
  secure_connections: 'Secure connections',
  'masked addresses': 'Addresses that stand for others',
  'server certificate': "The media server's own certificate",
  'remote access': 'Remote access',
  nat: 'Router',
  'port mapping': 'Port on the router',
  'ipv6 port': 'IPv6 port on the router',
};

function lightOf({ name, verdict, evidence, remedy }: Check): Light {
  const light = { name: LIGHT_NAMES[name] ?? name, verdict: PAGE_VERDICTS[verdict], summary: evidence };
  return remedy === '' ? light : { ...light, remedy };
}
