/** Measures lockgate's DNS beside dnsmasq: CPU time per question and questions per second, asked by dnsperf over loopback. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RUNTIME_ENVIRONMENT, RUNTIME_FLAGS } from '../docker/program/flags.ts';
import { dnsmasqCommand, nameOf, SERVERS, startResolver } from './dns-peers.ts';
import { cpuSeconds } from './process-usage.ts';
import { type Service, startService } from './service.ts';
import { freePort } from './site.ts';

const MICROS = 1e6;

export const DNS_WORKLOADS = {
  own: { title: 'own zone, A', questions: SERVERS.map((address) => `${nameOf(address)} A`) },
  cached: { title: 'forwarded, cached', questions: SERVERS.map((_, index) => `host${index}.example A`) },
} as const;

export interface DnsRow {
  readonly workload: keyof typeof DNS_WORKLOADS;
  /** Microseconds of CPU per question, in each round. */
  readonly lockgate: number[];
  readonly dnsmasq: number[];
  /** Questions answered in a second, in each round. */
  readonly perSecond: number[];
  readonly dnsmasqPerSecond: number[];
}

export async function measureDns(
  folder: string,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<DnsRow[]> {
  const resolver = await startResolver();
  const services: Service[] = [];
  try {
    const [gatewayPort, dnsmasqPort] = [await freePort(), await freePort()];
    const serve = [
      ...RUNTIME_FLAGS,
      join(import.meta.dirname, 'dns-peers.ts'),
      'serve',
      String(gatewayPort),
      String(resolver.port),
    ];
    const gateway = await startService({
      name: 'lockgate',
      command: [process.execPath, ...serve],
      port: gatewayPort,
      env: RUNTIME_ENVIRONMENT,
    });
    services.push(gateway);
    const dnsmasq = await startService({
      name: 'dnsmasq',
      command: dnsmasqCommand(folder, dnsmasqPort, resolver.port),
      port: dnsmasqPort,
    });
    services.push(dnsmasq);
    const rows: DnsRow[] = [];
    for (const workload of Object.keys(DNS_WORKLOADS) as (keyof typeof DNS_WORKLOADS)[]) {
      const file = join(folder, `questions-${workload}`);
      writeFileSync(file, `${DNS_WORKLOADS[workload].questions.join('\n')}\n`);
      rows.push(await measureWorkload(workload, { gateway, dnsmasq, file, rounds, seconds }));
    }
    return rows;
  } finally {
    for (const service of services) await service.stop();
    resolver.close();
  }
}

interface Contest {
  readonly gateway: Service;
  readonly dnsmasq: Service;
  readonly file: string;
  readonly rounds: number;
  readonly seconds: number;
}

async function measureWorkload(workload: DnsRow['workload'], contest: Contest): Promise<DnsRow> {
  const row: DnsRow = { workload, lockgate: [], dnsmasq: [], perSecond: [], dnsmasqPerSecond: [] };
  // The first round makes both warm, and does not count.
  for (let round = -1; round < contest.rounds; round++) {
    const own = await ask(contest.gateway, contest);
    const other = await ask(contest.dnsmasq, contest);
    if (round < 0) continue;
    row.lockgate.push(own.cpuMicros);
    row.perSecond.push(own.perSecond);
    row.dnsmasq.push(other.cpuMicros);
    row.dnsmasqPerSecond.push(other.perSecond);
  }
  return row;
}

async function ask(service: Service, { file, seconds }: Contest): Promise<{ cpuMicros: number; perSecond: number }> {
  const before = cpuSeconds(service.pid);
  const argv = [
    '-s',
    '127.0.0.1',
    '-p',
    String(service.port),
    '-d',
    file,
    '-l',
    String(seconds),
    '-c',
    '1',
    '-q',
    '100',
  ];
  const { stdout } = await promisify(execFile)('dnsperf', argv);
  const cpu = cpuSeconds(service.pid) - before;
  const completed = Number(/Queries completed:\s+(\d+)/.exec(stdout)?.[1]);
  const perSecond = Number(/Queries per second:\s+([\d.]+)/.exec(stdout)?.[1]);
  return { cpuMicros: (cpu / completed) * MICROS, perSecond };
}
