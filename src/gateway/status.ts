/** What the running gateway says of itself: one report for `status`, its JSON and the status page. */
import type { Refusal } from '../access/refusals.ts';
import type { UpstreamStatus } from '../dns/upstream-health.ts';
import type { Gateway } from '../gateway.ts';
import type { ConnectedClient } from '../http/pages/status-view.ts';
import { VERSION } from '../lib/version.ts';
import type { Check } from '../ops/check.ts';
import type { HistogramReport } from '../ops/histogram.ts';
import type { RequestCount } from '../ops/metrics.ts';
import { remoteChecks } from '../remote/checks.ts';
import { type RemoteStanding, remoteStanding } from '../remote/light.ts';
import type { RemoteView } from '../remote/view.ts';
import { connectedClients } from './connected-clients.ts';
import { serverName } from './parts.ts';
import { judge, situationOf } from './situation.ts';
import type { WorkerView } from './workers/workers.ts';
import { workersCheck } from './workers-check.ts';

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
  /** Null: no certificate authority is asked. */
  readonly acme: {
    readonly names: readonly string[];
    readonly directory: string;
    readonly notAfter: string | null;
    readonly nextAttempt: string;
    readonly lastError: string | null;
  } | null;
  readonly lan: { readonly networks: readonly string[]; readonly reason: string };
  readonly allowedNetworks: { readonly inForce: boolean; readonly because: string };
  readonly traffic: {
    readonly connections: number;
    readonly requestsInFlight: number;
    readonly upgraded: number;
    readonly requests: number;
    readonly requestsBy: readonly RequestCount[];
    readonly sentBytes: number;
    readonly receivedBytes: number;
    /** How long the media server lets requests wait for the beginning of its answer. */
    readonly upstreamSeconds: HistogramReport;
    readonly tlsHandshakes: number;
    /** Of these, how many continued an earlier session. */
    readonly tlsResumptions: number;
    /** Null: the system does not tell. */
    readonly memoryBytes: number | null;
  };
  /** Empty: there is one process alone. */
  readonly workers: readonly WorkerView[];
  /** Who is connected, and by which rule. */
  readonly clients: readonly ConnectedClient[];
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
  const workers = workersCheck(gateway.workers?.standing);
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
    acme: acmeReport(gateway),
    lan: { networks: site.view.lan.networks, reason: site.view.lan.reason },
    allowedNetworks: { inForce, because },
    traffic: trafficReport(gateway),
    workers: gateway.workers?.list ?? [],
    clients: connectedClients(gateway.lane.connections(), site.view),
    dns: dnsReport(gateway),
    remote: { ...remoteStanding(remote), ...remote },
    refusals: gateway.gate.refusals,
    checks: [...judge(situation), ...(workers === undefined ? [] : [workers]), ...remoteChecks(remote)],
  };
}

function trafficReport({ lane, counters, entrance, memoryBytes }: Gateway): StatusReport['traffic'] {
  const { sent, received } = counters.bytes;
  const { completed, resumed } = entrance.tlsCounters();
  return {
    ...lane.counters,
    requests: counters.total,
    requestsBy: counters.requests,
    sentBytes: sent,
    receivedBytes: received,
    upstreamSeconds: counters.upstreamSeconds,
    tlsHandshakes: completed,
    tlsResumptions: resumed,
    memoryBytes: memoryBytes ?? null,
  };
}

function acmeReport({ parts }: Gateway): StatusReport['acme'] {
  if (parts.acme === undefined) return null;
  const { names, directory, notAfter, nextAttemptAt, lastError } = parts.acme.view;
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    names,
    directory,
    notAfter: notAfter === undefined ? null : iso(notAfter),
    nextAttempt: iso(Math.max(nextAttemptAt, Date.now())),
    lastError: lastError?.sentence ?? null,
  };
}

function dnsReport({ dns }: Gateway): StatusReport['dns'] {
  if (dns === undefined) return null;
  const zones = dns.steering().map(({ zone, leadsTo, reason }) => ({ zone, leadsTo, because: reason }));
  return { listeners: dns.addresses(), zones, upstreams: dns.upstreams(), counters: { ...dns.counters() } };
}
