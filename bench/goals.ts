/** The goals, each with what was measured. */

import type { ContenderName } from './contenders.ts';
import type { Figures, Workload } from './figures.ts';
import { ratios, type Spread, spreadOf } from './statistics.ts';

export interface Goal {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  /** Undefined: it was not measured. */
  readonly isMet: boolean | undefined;
}

export function judgeGoals(figures: Figures): Goal[] {
  return [
    ratioGoal(figures, 'get', 'small GET, CPU per request', 'HAProxy', 1.5),
    ratioGoal(figures, 'get', 'small GET, CPU per request', 'Caddy', 0.5),
    ratioGoal(figures, 'stream', 'streaming, CPU per GiB', 'HAProxy', 0.9),
    ratioGoal(figures, 'stream', 'streaming, CPU per GiB', 'nginx', 0.75),
    ratioGoal(figures, 'stream', 'streaming, CPU per GiB', 'Caddy', 0.8),
    ratioGoal(figures, 'post', 'POST 1 KiB (full lane), CPU per request', 'Caddy', 1.2),
    ratioGoal(figures, 'handshake', 'full TLS handshake, CPU', 'nginx', 1.3),
    ...memoryGoals(figures),
    limitGoal('DNS, own zone, CPU per question', figures.dns.ratio, 2.5, '× dnsmasq'),
    {
      what: 'DNS, own zone, questions per second',
      goal: '≥ 100,000',
      measured: figures.dns.perSecond.toFixed(0),
      isMet: figures.dns.perSecond >= 100_000,
    },
    limitGoal('start to ready', spreadOf(figures.startMs).median, 250, 'ms'),
    ...growthGoals(figures),
  ];
}

function ratioGoal(figures: Figures, workload: Workload, what: string, other: ContenderName, limit: number): Goal {
  const spread = spreadOf(ratios(figures.work[workload].lockgate, figures.work[workload][other]));
  return { what, goal: `≤ ${limit} × ${other}`, measured: shown(spread), isMet: spread.median <= limit };
}

function memoryGoals({ memory }: Figures): Goal[] {
  const own = memory.lockgate;
  return [
    limitGoal('memory, private, idle', own?.idlePrivateMiB, 18, 'MiB'),
    limitGoal('memory, private, after 64 streams', own?.streamsPrivateMiB, 30, 'MiB'),
    limitGoal('memory, resident, after 64 streams', own?.streamsResidentMiB, 80, 'MiB'),
    limitGoal('memory per idle WebSocket pair', own?.perWebSocketKiB, 25, 'KiB'),
  ];
}

/** Each number against 32 connections, with which the other goals are measured, or against one stream. */
function growthGoals({ growth }: Figures): Goal[] {
  return (['connections', 'streams'] as const).map((what) => {
    const rows = growth.filter((row) => row.what === what);
    const base = (rows.find(({ count }) => count === 32) ?? rows[0])?.lockgate ?? [];
    const factors = rows.map((row) => spreadOf(ratios(row.lockgate, base)).median);
    const measured = rows.map(({ count }, index) => `${count}: ${factors[index]?.toFixed(2)}`).join(', ');
    const name = what === 'connections' ? 'CPU per request' : 'CPU per GiB';
    return {
      what: `growth, ${name} by ${what}`,
      goal: 'flat, ± 10 %',
      measured,
      isMet: factors.every((factor) => Math.abs(factor - 1) <= 0.1),
    };
  });
}

function limitGoal(what: string, value: number | undefined, limit: number, unit: string): Goal {
  const isMet = value === undefined || Number.isNaN(value) ? undefined : value <= limit;
  return { what, goal: `≤ ${limit} ${unit}`, measured: value === undefined ? '-' : value.toPrecision(3), isMet };
}

function shown({ median, least, greatest }: Spread): string {
  return `${median.toFixed(2)} (${least.toFixed(2)} to ${greatest.toFixed(2)})`;
}
