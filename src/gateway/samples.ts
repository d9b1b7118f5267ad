/** The gateway's measurements for Prometheus. */
import type { DnsCounters } from '../dns/counters.ts';
import type { Gateway } from '../gateway.ts';
import { VERSION } from '../lib/version.ts';
import { counter, gauge, type Sample } from '../ops/metrics.ts';
import { type RemoteLight, remoteStanding } from '../remote/light.ts';
import type { PortView, RemoteView } from '../remote/view.ts';

/** What each counter of the DNS side counts. */
const DNS_COUNTERS: Readonly<Record<keyof DnsCounters, readonly [name: string, help: string]>> = {
  answered: ['answered', 'DNS answers of every kind.'],
  refusedAsRebinding: [
    'refused_as_rebinding',
    'Names of the own zones that spell an address that is not of this site.',
  ],
  withheldAsRebinding: [
    'withheld_as_rebinding',
    'Upstream answers withheld because they lead into the private network.',
  ],
  forwarded: ['forwarded', 'DNS questions sent on to an upstream.'],
  cacheHits: ['cache_hits', 'DNS answers from the cache.'],
  stale: ['stale', 'DNS answers given past their time because no upstream answered.'],
  timeouts: ['timeouts', 'Questions to an upstream that had no answer in time.'],
  refused: ['refused', 'DNS questions answered with REFUSED.'],
  malformed: ['malformed', 'Messages that are no proper DNS question.'],
  dropped: ['dropped', 'DNS messages that got no answer.'],
  rateLimited: ['rate_limited', 'DNS questions over the rate of their asker.'],
};

export function gatewaySamples(gateway: Gateway): Sample[] {
  const { connections, requestsInFlight, upgraded } = gateway.lane.counters;
  const { ready, wanted } = gateway.workers?.standing ?? { ready: 0, wanted: 0 };
  return [
    gauge('lockgate_info', 'Always 1; the version is a label.', 1, { version: VERSION }),
    gauge('lockgate_start_time_seconds', 'When the gateway started (Unix time).', gateway.startedAt.getTime() / 1000),
    gauge('lockgate_connections', 'Open client connections.', connections),
    gauge('lockgate_requests_in_flight', 'Requests whose answer has not ended.', requestsInFlight),
    gauge('lockgate_upgraded', 'Open WebSockets.', upgraded),
    ...gateway.counters.samples(),
    ...tlsSamples(gateway),
    ...acmeSamples(gateway),
    ...serverSamples(gateway),
    ...dnsSamples(gateway.dns?.counters()),
    ...remoteSamples(gateway.remote.view),
    gauge('lockgate_workers', 'Processes that serve beside the main one; 0: it serves alone.', ready),
    gauge('lockgate_workers_wanted', 'How many of these there should be.', wanted),
    ...memorySamples(gateway.memoryBytes),
  ];
}

function memorySamples(bytes: number | undefined): Sample[] {
  return bytes === undefined
    ? []
    : [gauge('lockgate_resident_memory_bytes', 'Resident memory of all processes.', bytes)];
}

function tlsSamples({ entrance, parts }: Gateway): Sample[] {
  const { completed, resumed } = entrance.tlsCounters();
  const daysLeft = 'Whole days until the certificate expires.';
  return [
    counter('lockgate_tls_handshakes_total', 'TLS handshakes that succeeded.', completed),
    counter('lockgate_tls_resumptions_total', 'Of these, how many continued an earlier session.', resumed),
    ...parts.certificates
      .facts()
      .map(({ source, fingerprint, daysLeft: days }) =>
        gauge('lockgate_certificate_days_left', daysLeft, days, { source, fingerprint: shortened(fingerprint) }),
      ),
  ];
}

/** Nothing while no authority is asked, and of the last attempt nothing before there was one. */
function acmeSamples({ parts }: Gateway): Sample[] {
  if (parts.acme === undefined) return [];
  const { lastAttempt, nextAttemptAt } = parts.acme.view;
  const nextHelp = 'When the certificate authority is asked next (Unix time).';
  const next = gauge('lockgate_acme_next_attempt_time_seconds', nextHelp, Math.max(nextAttemptAt, Date.now()) / 1000);
  if (lastAttempt === undefined) return [next];
  const { at, hasSucceeded } = lastAttempt;
  const lastHelp = 'When the certificate authority was asked last (Unix time).';
  return [
    next,
    gauge('lockgate_acme_last_attempt_time_seconds', lastHelp, at / 1000),
    gauge('lockgate_acme_last_attempt_succeeded', '1 when a certificate came of it.', hasSucceeded ? 1 : 0),
  ];
}

/** Enough to tell certificates of one source apart. */
function shortened(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').slice(0, 16).toLowerCase();
}

function serverSamples({ parts }: Gateway): Sample[] {
  const { state, kind } = parts.link.monitor.snapshot;
  const isClaimed = state === 'claimed' || !kind.hasIdentity;
  const isReachable = state !== 'unknown' || !kind.hasIdentity;
  return [
    gauge('lockgate_server_reachable', '1 while the media server answers.', isReachable ? 1 : 0),
    gauge('lockgate_server_claimed', '1 while the media server is known to be claimed.', isClaimed ? 1 : 0),
  ];
}

/** Nothing while DNS is off. */
function dnsSamples(counters: DnsCounters | undefined): Sample[] {
  if (counters === undefined) return [];
  return Object.entries(counters).map(([key, value]) => {
    const [name, help] = DNS_COUNTERS[key as keyof DnsCounters];
    return counter(`lockgate_dns_${name}_total`, help, value);
  });
}

const LIGHTS: readonly RemoteLight[] = ['green', 'yellow', 'red', 'unknown'];
const PORT_STATES: readonly PortView['state'][] = ['off', 'searching', 'open', 'refused', 'silent'];

function remoteSamples(view: RemoteView): Sample[] {
  const { light } = remoteStanding(view);
  const ports = { ipv4: view.mapping, ipv6: view.pinhole };
  const portHelp = 'How things stand with the port on the router: 1 for the state that it has.';
  return [
    ...LIGHTS.map((colour) =>
      gauge('lockgate_remote_access', '1 for the light that remote access has.', Number(colour === light), {
        light: colour,
      }),
    ),
    ...Object.entries(ports).flatMap(([family, port]) =>
      PORT_STATES.map((state) =>
        gauge('lockgate_remote_port', portHelp, Number(state === port.state), { family, state }),
      ),
    ),
  ];
}
