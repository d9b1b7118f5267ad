/** Counters of the gateway in the Prometheus text format (version 0.0.4). */
import { Histogram, type HistogramReport } from './histogram.ts';

/** One measurement; `labels` have few distinct values each, never addresses or paths. */
export interface Sample {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Of a histogram: which of its series. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples as Prometheus reads them; those of one name stand together under one HELP and TYPE. */
export function renderSamples(samples: readonly Sample[]): string {
  const families = Map.groupBy(samples, (sample) => sample.name);
  let text = '';
  for (const [name, [first, ...rest]] of families) {
    if (first === undefined) continue;
    text += `# HELP ${name} ${first.help}\n# TYPE ${name} ${first.type}\n`;
    for (const sample of [first, ...rest]) text += `${name}${sample.suffix ?? ''}${labelsOf(sample)} ${sample.value}\n`;
  }
  return text;
}

function labelsOf({ labels = {} }: Sample): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** From a quick list of films to a transcode that begins after a silent minute. */
const LATENCY_BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** How many requests of one sort have ended. */
export interface RequestCount {
  readonly lane: string;
  /** The rule that decided; `none`: the request could not be read so far. */
  readonly rule: string;
  /** `2xx`; `0xx`: the connection ended before an answer. */
  readonly status: string;
  readonly count: number;
}

/** Requests by lane, rule and status class, the bytes they moved, and how long the media server let them wait. */
export class RequestCounters {
  /** By lane, rule and class of status, in that order: no key is put together for a request. */
  readonly #requests = new Map<string, Map<string, number[]>>();
  readonly #upstreamSeconds = new Histogram(LATENCY_BOUNDS_SECONDS);
  #bytesSent = 0;
  #bytesReceived = 0;

  count(request: {
    lane: string;
    rule: string | undefined;
    status: number;
    bytesSent: number;
    bytesReceived: number;
  }): void {
    const counts = this.#countsOf(request.lane, request.rule ?? 'none');
    const statusClass = Math.floor(request.status / 100);
    counts[statusClass] = (counts[statusClass] ?? 0) + 1;
    this.#bytesSent += request.bytesSent;
    this.#bytesReceived += request.bytesReceived;
  }

  /** The media server began its answer after so long. */
  observeUpstream(waitedMs: number): void {
    this.#upstreamSeconds.observe(waitedMs / 1000);
  }

  get total(): number {
    return this.requests.reduce((sum, { count }) => sum + count, 0);
  }

  get bytes(): { readonly sent: number; readonly received: number } {
    return { sent: this.#bytesSent, received: this.#bytesReceived };
  }

  get requests(): RequestCount[] {
    const found: RequestCount[] = [];
    for (const [lane, rules] of this.#requests) {
      for (const [rule, counts] of rules) {
        counts.forEach((count, statusClass) => {
          if (count > 0) found.push({ lane, rule, status: `${statusClass}xx`, count });
        });
      }
    }
    return found;
  }

  get upstreamSeconds(): HistogramReport {
    return this.#upstreamSeconds.report;
  }

  samples(): Sample[] {
    const help = 'Requests that have ended, by lane, by the rule that decided and by the class of their status.';
    const latencyHelp = 'From passing a request on to the beginning of the answer of the media server.';
    return [
      ...this.requests.map(({ count, ...labels }) => counter('lockgate_requests_total', help, count, labels)),
      counter('lockgate_sent_bytes_total', 'Bytes sent to clients.', this.#bytesSent),
      counter('lockgate_received_bytes_total', 'Bytes received from clients.', this.#bytesReceived),
      ...this.#upstreamSeconds.samples('lockgate_upstream_latency_seconds', latencyHelp),
    ];
  }

  #countsOf(lane: string, rule: string): number[] {
    const known = this.#requests.get(lane)?.get(rule);
    if (known !== undefined) return known;
    const rules = this.#requests.get(lane) ?? new Map<string, number[]>();
    const counts = [0, 0, 0, 0, 0, 0];
    this.#requests.set(lane, rules.set(rule, counts));
    return counts;
  }
}

type Labels = Readonly<Record<string, string>>;

export function gauge(name: string, help: string, value: number, labels: Labels = {}): Sample {
  return { name, help, type: 'gauge', labels, value };
}

export function counter(name: string, help: string, value: number, labels: Labels = {}): Sample {
  return { name, help, type: 'counter', labels, value };
}
