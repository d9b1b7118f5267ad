/**
 * lockgate beside HAProxy, nginx, Caddy and dnsmasq: one certificate, one media server, one process each, everything on loopback.
 * `node bench/run.ts [--quick] [--part NAME]` prints the goals with what was measured; a whole run writes docs/performance.md.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONTENDERS, type ContenderName, startContender } from './contenders.ts';
import { measureDns } from './dns.ts';
import { type Figures, type GrowthRow, noFigures, WORKLOADS, type Workload } from './figures.ts';
import {
  APP_FIELDS,
  cpuPerGet,
  cpuPerGib,
  cpuPerH2Get,
  cpuPerHandshake,
  cpuPerPost,
  memoryFigures,
} from './measures.ts';
import { renderDocument, renderGoals } from './report.ts';
import type { Service } from './service.ts';
import { type Site, startSite } from './site.ts';

/** How long and how often. The full run takes about eight minutes, the quick one about one and a half. */
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
  // Many short ones: what a program takes doubles and halves from second to second, with who happens to run beside it.
  rounds: 7,
  seconds: 0.8,
  growthRounds: 4,
  growthConnections: [1, 32, 256, 1000],
  growthStreams: [1, 8, 64],
  webSockets: 2_000,
  starts: 7,
  memoryOf: CONTENDERS,
};
const QUICK: Effort = {
  rounds: 1,
  seconds: 1,
  growthRounds: 1,
  growthConnections: [1, 32, 1000],
  growthStreams: [1, 64],
  webSockets: 400,
  starts: 3,
  memoryOf: ['lockgate'],
};
/** A just-in-time compiler wants tens of thousands of requests before its figures stand still. */
const WARM_UP_SECONDS = { lockgate: 4, HAProxy: 0.3, nginx: 0.3, Caddy: 0.5 } as const;

const PARTS = ['work', 'growth', 'memory', 'start', 'dns'] as const;
type Part = (typeof PARTS)[number];

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, part: { type: 'string' } } });
  const effort = values.quick ? QUICK : FULL;
  const wants = (part: Part) => values.part === undefined || values.part === part;
  const figures = noFigures();
  const site = await startSite();
  try {
    if (wants('dns')) figures.dns.push(...(await measureDns(site.folder, effort)));
    if (wants('work') || wants('growth')) await measureCpu(site, effort, figures, wants);
    if (wants('memory')) await measureMemory(site, effort, figures);
    if (wants('start')) await measureStart(site, effort, figures);
  } finally {
    await site.close();
  }
  process.stdout.write(`\n${renderGoals(figures)}\n`);
  const isWhole = !values.quick && values.part === undefined;
  if (isWhole) writeFileSync(join(import.meta.dirname, '..', 'docs', 'performance.md'), renderDocument(figures));
}

async function measureCpu(site: Site, effort: Effort, figures: Figures, wants: (part: Part) => boolean): Promise<void> {
  const services = new Map<ContenderName, Service>();
  try {
    for (const name of CONTENDERS) services.set(name, await startContender(name, site));
    if (wants('work')) await measureWork(site, effort, figures, services);
    if (wants('growth')) await measureGrowth(site, effort, figures, services);
  } finally {
    for (const service of services.values()) await service.stop();
  }
}

/** Rounds interleaved: what else the machine does meanwhile hits all alike. */
async function measureWork(
  site: Site,
  { rounds, seconds }: Effort,
  { work }: Figures,
  services: ReadonlyMap<ContenderName, Service>,
): Promise<void> {
  const overHttp2 = await startContender('lockgate', site, { http2: true });
  try {
    // The first round makes everybody warm, and does not count.
    for (let round = -1; round < rounds; round++) {
      for (const workload of WORKLOADS) {
        for (const [name, service] of services) {
          const served = workload === 'h2Get' && name === 'lockgate' ? overHttp2 : service;
          const value = await measure(workload, served, site, round < 0 ? WARM_UP_SECONDS[name] : seconds);
          if (round >= 0) work[workload][name].push(value);
        }
      }
      say(round < 0 ? 'warm' : `round ${round + 1} of ${rounds}`);
    }
  } finally {
    await overHttp2.stop();
  }
}

function measure(workload: Workload, service: Service, site: Site, seconds: number): Promise<number> {
  switch (workload) {
    case 'get':
      return cpuPerGet(service, site, { connections: 32, seconds });
    case 'appGet':
      return cpuPerGet(service, site, { connections: 32, seconds, fields: APP_FIELDS });
    case 'h2Get':
      return cpuPerH2Get(service, site, seconds);
    case 'stream':
      return cpuPerGib(service, 4, seconds);
    case 'post':
      return cpuPerPost(service, site, { connections: 32, seconds });
    case 'handshake':
      return cpuPerHandshake(service, Math.ceil(seconds));
  }
}

async function measureGrowth(
  site: Site,
  effort: Effort,
  { growth }: Figures,
  services: ReadonlyMap<ContenderName, Service>,
): Promise<void> {
  const [own, other] = [services.get('lockgate')!, services.get('HAProxy')!];
  for (const count of effort.growthConnections) growth.push({ what: 'connections', count, lockgate: [], HAProxy: [] });
  for (const count of effort.growthStreams) growth.push({ what: 'streams', count, lockgate: [], HAProxy: [] });
  // Each size makes the engine look at its code again.
  for (let round = -1; round < effort.growthRounds; round++) {
    for (const row of growth) {
      const values = [await grown(own, site, row, effort.seconds)];
      if (round < 0) continue;
      values.push(await grown(other, site, row, effort.seconds));
      row.lockgate.push(values[0]!);
      row.HAProxy.push(values[1]!);
    }
    if (round >= 0) say(`growth ${round + 1} of ${effort.growthRounds}`);
  }
}

function grown(service: Service, site: Site, { what, count }: GrowthRow, seconds: number): Promise<number> {
  if (what === 'streams') return cpuPerGib(service, count, seconds);
  return cpuPerGet(service, site, { connections: count, seconds });
}

async function measureMemory(site: Site, { memoryOf, seconds, webSockets }: Effort, { memory }: Figures) {
  for (const name of memoryOf) {
    const service = await startContender(name, site);
    memory[name] = await memoryFigures(service, { seconds: seconds + 1.5, webSockets });
    await service.stop();
  }
  say('memory');
}

async function measureStart(site: Site, { starts }: Effort, { startMs }: Figures): Promise<void> {
  for (let start = 0; start < starts; start++) {
    const service = await startContender('lockgate', site, { isAsked: false });
    startMs.push(service.readyMs);
    await service.stop();
  }
  say('start');
}

function say(what: string): void {
  process.stdout.write(`${what}\n`);
}

await main();
