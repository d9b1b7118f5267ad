/** The goals, each with what was measured. */

import type { ContenderName } from './contenders.ts';
import type { Figures, Workload } from './figures.ts';
import { ratios, spreadOf, spreadText } from './statistics.ts';

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
    ratioGoal(figures, 'post', 'POST 1 KiB, CPU per request', 'Caddy', 1.2),
    ratioGoal(figures, 'handshake', 'full TLS handshake, CPU', 'nginx', 1.3),
    ...memoryGoals(figures),
    ...dnsGoals(figures),
    limitGoal('start to ready', figures.startMs, 250, 'ms'),
    ...growthGoals(figures),
  ];
}

function ratioGoal(figures: Figures, workload: Workload, what: string, other: ContenderName, limit: number): Goal {
  return limitGoal(what, ratios(figures.work[workload].lockgate, figures.work[workload][other]), limit, `× ${other}`);
}

function memoryGoals({ memory }: Figures): Goal[] {
  const own = memory.lockgate;
  return [
    limitGoal('memory, private, idle', [own?.idlePrivateMiB], 18, 'MiB'),
    limitGoal('memory, private, after 64 streams', [own?.streamsPrivateMiB], 30, 'MiB'),
    limitGoal('memory, resident, after 64 streams', [own?.streamsResidentMiB], 80, 'MiB'),
    limitGoal('memory per idle WebSocket pair', [own?.perWebSocketKiB], 25, 'KiB'),
  ];
}

function dnsGoals({ dns }: Figures): Goal[] {
  const row = dns.find(({ workload }) => workload === 'own');
  const perSecond = row === undefined ? undefined : spreadOf(row.perSecond);
  return [
    limitGoal('DNS, own zone, CPU per question', ratios(row?.lockgate ?? [], row?.dnsmasq ?? []), 2.5, '× dnsmasq'),
    {
      what: 'DNS, own zone, questions per second',
      goal: '≥ 100,000',
      measured: perSecond === undefined ? '-' : spreadText(perSecond, 0),
      isMet: perSecond === undefined ? undefined : perSecond.median >= 100_000,
    },
  ];
}

/** Each number against 32 connections, with which the other goals are measured, or against one stream; HAProxy's own growth beside it. */
function growthGoals({ growth }: Figures): Goal[] {
  return (['connections', 'streams'] as const).map((what) => {
    const rows = growth.filter((row) => row.what === what);
    const base = rows.find(({ count }) => count === 32) ?? rows[0];
    const factors = (name: 'lockgate' | 'HAProxy') =>
      rows.map((row) => spreadOf(ratios(row[name], base?.[name] ?? [])).median);
    const list = (values: readonly number[]) =>
      rows.map(({ count }, index) => `${count}: ${values[index]?.toFixed(2)}`);
    const own = factors('lockgate');
    return {
      what: `growth, ${what === 'connections' ? 'CPU per request' : 'CPU per GiB'} by ${what}`,
      goal: 'flat, ± 10 %',
      measured: rows.length === 0 ? '-' : `${list(own).join(', ')} (HAProxy ${list(factors('HAProxy')).join(', ')})`,
      isMet: rows.length === 0 ? undefined : own.every((factor) => Math.abs(factor - 1) <= 0.1),
    };
  });
}

/** Undefined values, or none: it was not measured. */
function limitGoal(what: string, values: readonly (number | undefined)[], limit: number, unit: string): Goal {
  const measured = values.filter((value) => value !== undefined);
  const goal = `≤ ${limit} ${unit}`;
  if (measured.length === 0) return { what, goal, measured: '-', isMet: undefined };
  const spread = spreadOf(measured);
  return { what, goal, measured: spreadText(spread), isMet: spread.median <= limit };
}
