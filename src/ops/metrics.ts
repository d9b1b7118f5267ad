/** Counters of the gateway in the Prometheus text format (version 0.0.4). */

/** One measurement; `labels` have few distinct values each, never addresses or paths. */
export interface Sample {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
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
    for (const sample of [first, ...rest]) text += `${name}${labelsOf(sample)} ${sample.value}\n`;
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

/** Requests by rule and status class, and the bytes they moved. */
export class RequestCounters {
  readonly #requests = new Map<string, number>();
  #bytesSent = 0;
  #bytesReceived = 0;

  count(request: { rule: string | undefined; status: number; bytesSent: number; bytesReceived: number }): void {
    const key = `${request.rule ?? 'none'} ${Math.floor(request.status / 100)}xx`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
    this.#bytesSent += request.bytesSent;
    this.#bytesReceived += request.bytesReceived;
  }

  get total(): number {
    return [...this.#requests.values()].reduce((sum, count) => sum + count, 0);
  }

  samples(): Sample[] {
    const requests = [...this.#requests].map(([key, value]): Sample => {
      const [rule = '', status = ''] = key.split(' ');
      const help = 'Requests that have ended, by the rule that decided and the class of their status.';
      return { name: 'lockgate_requests_total', help, type: 'counter', labels: { rule, status }, value };
    });
    return [
      ...requests,
      { name: 'lockgate_sent_bytes_total', help: 'Bytes sent to clients.', type: 'counter', value: this.#bytesSent },
      {
        name: 'lockgate_received_bytes_total',
        help: 'Bytes received from clients.',
        type: 'counter',
        value: this.#bytesReceived,
      },
    ];
  }
}
