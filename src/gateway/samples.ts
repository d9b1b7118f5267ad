/** The gateway's measurements for Prometheus. */
import type { DnsCounters } from '../dns/counters.ts';
import type { Gateway } from '../gateway.ts';
import { VERSION } from '../lib/version.ts';
import type { Sample } from '../ops/metrics.ts';
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
  const { completed, resumed } = gateway.entrance.tlsCounters();
  const { state, kind } = gateway.parts.link.monitor.snapshot;
  const isClaimed = state === 'claimed' || !kind.hasIdentity;
  return [
    { ...gauge('lockgate_info', 'Always 1; the version is a label.', 1), labels: { version: VERSION } },
    gauge('lockgate_connections', 'Open client connections.', connections),
    gauge('lockgate_requests_in_flight', 'Requests whose answer has not ended.', requestsInFlight),
    gauge('lockgate_upgraded', 'Open WebSockets.', upgraded),
    ...gateway.counters.samples(),
    counter('lockgate_tls_handshakes_total', 'TLS handshakes that succeeded.', completed),
    counter('lockgate_tls_resumptions_total', 'Of these, how many continued an earlier session.', resumed),
    gauge('lockgate_server_claimed', '1 while the media server is known to be claimed.', isClaimed ? 1 : 0),
    ...gateway.parts.certificates.facts().map(({ source, daysLeft }) => ({
      ...gauge('lockgate_certificate_days_left', 'Whole days until the certificate expires.', daysLeft),
      labels: { source },
    })),
    ...dnsSamples(gateway.dns?.counters()),
    ...remoteSamples(gateway.remote.view),
    gauge('lockgate_resident_memory_bytes', 'Resident memory of the process.', process.memoryUsage.rss()),
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

function remoteSamples(view: RemoteView): Sample[] {
  const { light } = remoteStanding(view);
  const isOpen = ({ state }: PortView) => (state === 'open' ? 1 : 0);
  const port = (family: string, value: number) => ({
    ...gauge('lockgate_remote_port_open', '1 while the port is open on the router.', value),
    labels: { family },
  });
  return [
    ...LIGHTS.map((colour) => ({
      ...gauge('lockgate_remote_access', '1 for the light that remote access has.', colour === light ? 1 : 0),
      labels: { light: colour },
    })),
    port('ipv4', isOpen(view.mapping)),
    port('ipv6', isOpen(view.pinhole)),
  ];
}

function gauge(name: string, help: string, value: number): Sample {
  return { name, help, type: 'gauge', value };
}

function counter(name: string, help: string, value: number): Sample {
  return { name, help, type: 'counter', value };
}
