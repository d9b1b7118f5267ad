/** What a run brings together. */
import { CONTENDERS, type ContenderName } from './contenders.ts';
import type { DnsRow } from './dns.ts';
import type { MemoryFigures } from './measures.ts';

/** The measures that every program goes through in every round. */
export const WORKLOADS = ['get', 'appGet', 'h2Get', 'stream', 'post', 'handshake'] as const;
export type Workload = (typeof WORKLOADS)[number];

/** All rounds of all programs; empty: not measured. */
export interface Figures {
  readonly work: Readonly<Record<Workload, Readonly<Record<ContenderName, number[]>>>>;
  /** Of lockgate and HAProxy, by number of connections, and of streams. */
  readonly growth: GrowthRow[];
  readonly memory: Partial<Record<ContenderName, MemoryFigures>>;
  readonly startMs: number[];
  readonly dns: DnsRow[];
}

export interface GrowthRow {
  readonly what: 'connections' | 'streams';
  readonly count: number;
  readonly lockgate: number[];
  readonly HAProxy: number[];
}

export function noFigures(): Figures {
  const columns = () => Object.fromEntries(CONTENDERS.map((name) => [name, []]));
  const work = Object.fromEntries(WORKLOADS.map((workload) => [workload, columns()]));
  return { work: work as unknown as Figures['work'], growth: [], memory: {}, startMs: [], dns: [] };
}
