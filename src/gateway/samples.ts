/** The gateway's measurements for Prometheus. */
import type { Gateway } from '../gateway.ts';
import { VERSION } from '../lib/version.ts';
import type { Sample } from '../ops/metrics.ts';

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
    gauge('lockgate_resident_memory_bytes', 'Resident memory of the process.', process.memoryUsage.rss()),
  ];
}

function gauge(name: string, help: string, value: number): Sample {
  return { name, help, type: 'gauge', value };
}

function counter(name: string, help: string, value: number): Sample {
  return { name, help, type: 'counter', value };
}
