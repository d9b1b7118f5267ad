/**
 * lockgate beside HAProxy, nginx and Caddy: one certificate, one media server, one process each, everything on loopback.
 * `node bench/run.ts [--quick]` prints the goals with what was measured and writes docs/performance.md (not with --quick).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONTENDERS, type ContenderName, startContender } from './contenders.ts';
import { measureDns } from './dns-figures.ts';
import { type Figures, type GrowthRow, WORKLOADS, type Workload } from './figures.ts';
import { APP_FIELDS, cpuPerGet, cpuPerGib, cpuPerHandshake, cpuPerPost, memoryFigures } from './measures.ts';
import { renderDocument, renderGoals } from './report.ts';
import type { Service } from './service.ts';
import { type Site, startSite } from './site.ts';

/** How long and how often. The full run takes about seven minutes, the quick one about one and a half. */
interface Effort {
  readonly rounds: number;
  readonly seconds: number;
  readonly growthRounds: number;
  readonly growthConnections: readonly number[];
  readonly growthStreams: readonly number[];
  readonly webSockets: number;
  readonly starts: number;
  /** Whose memory is measured. */
  readonly memoryOf: readonly ContenderName[];
}

const FULL: Effort = {
  rounds: 5,
  seconds: 3,
  growthRounds: 3,
  growthConnections: [1, 32, 256, 1000],
  growthStreams: [1, 8, 64],
  webSockets: 2_000,
  starts: 5,
  memoryOf: CONTENDERS,
};
const QUICK: Effort = {
  rounds: 1,
  seconds: 2,
  growthRounds: 1,
  growthConnections: [1, 32, 1000],
  growthStreams: [1, 64],
  webSockets: 400,
  starts: 1,
  memoryOf: ['lockgate'],
};

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
  const effort = values.quick ? QUICK : FULL;
  const site = await startSite();
  const figures: Figures = { work: emptyWork(), growth: [], memory: {}, startMs: [], dns: await measureDns(effort) };
  try {
    await measureWork(site, effort, figures);
    await measureGrowth(site, effort, figures.growth as GrowthRow[]);
    await measureMemory(site, effort, figures);
  } finally {
    await site.close();
  }
  process.stdout.write(`\n${renderGoals(figures)}\n`);
  if (!values.quick) writeFileSync(join(import.meta.dirname, '..', 'docs', 'performance.md'), renderDocument(figures));
}

function emptyWork(): Record<Workload, Record<ContenderName, number[]>> {
  const columns = () =>
    Object.fromEntries(CONTENDERS.map((name) => [name, []])) as unknown as Record<ContenderName, number[]>;
  return Object.fromEntries(WORKLOADS.map((workload) => [workload, columns()])) as Record<
    Workload,
    Record<ContenderName, number[]>
  >;
}

/** Rounds interleaved: what else the machine does meanwhile hits all alike. */
async function measureWork(site: Site, { rounds, seconds }: Effort, figures: Figures): Promise<void> {
  const services = new Map<ContenderName, Service>();
  try {
    for (const name of CONTENDERS) services.set(name, await startContender(name, site));
    // The first round makes everybody warm, and does not count.
    for (let round = -1; round < rounds; round++) {
      for (const workload of WORKLOADS) {
        for (const [name, service] of services) {
          const value = await measure(workload, service, site, seconds);
          if (round >= 0) figures.work[workload][name].push(value);
        }
      }
      say(round < 0 ? 'warm' : `round ${round + 1} of ${rounds}`);
    }
  } finally {
    for (const service of services.values()) await service.stop();
  }
}

function measure(workload: Workload, service: Service, site: Site, seconds: number): Promise<number> {
  switch (workload) {
    case 'get':
      return cpuPerGet(service, site, { connections: 32, seconds });
    case 'appGet':
      return cpuPerGet(service, site, { connections: 32, seconds, fields: APP_FIELDS });
    case 'stream':
      return cpuPerGib(service, 4, seconds);
    case 'post':
      return cpuPerPost(service, site, { connections: 32, seconds });
    case 'handshake':
      return cpuPerHandshake(service, Math.min(2, seconds));
  }
}

async function measureGrowth(site: Site, effort: Effort, rows: GrowthRow[]): Promise<void> {
  const { growthRounds, seconds } = effort;
  const [own, other] = [await startContender('lockgate', site), await startContender('HAProxy', site)];
  try {
    for (const count of effort.growthConnections) rows.push({ what: 'connections', count, lockgate: [], HAProxy: [] });
    for (const count of effort.growthStreams) rows.push({ what: 'streams', count, lockgate: [], HAProxy: [] });
    await cpuPerGet(own, site, { connections: 32, seconds: seconds + 2 });
    for (let round = 0; round < growthRounds; round++) {
      for (const row of rows) {
        row.lockgate.push(await measureGrown(own, site, row, seconds));
        row.HAProxy.push(await measureGrown(other, site, row, seconds));
      }
      say(`growth ${round + 1} of ${growthRounds}`);
    }
  } finally {
    await own.stop();
    await other.stop();
  }
}

function measureGrown(service: Service, site: Site, { what, count }: GrowthRow, seconds: number): Promise<number> {
  if (what === 'streams') return cpuPerGib(service, count, seconds);
  return cpuPerGet(service, site, { connections: count, seconds });
}

async function measureMemory(site: Site, { memoryOf, seconds, webSockets, starts }: Effort, figures: Figures) {
  for (const name of memoryOf) {
    const service = await startContender(name, site);
    figures.memory[name] = await memoryFigures(service, { seconds: seconds + 1, webSockets });
    await service.stop();
  }
  for (let start = 0; start < starts; start++) {
    const service = await startContender('lockgate', site);
    if (service.readyMs !== undefined) figures.startMs.push(service.readyMs);
    await service.stop();
  }
  say('memory and start');
}

function say(what: string): void {
  process.stdout.write(`${what}\n`);
}

await main();
