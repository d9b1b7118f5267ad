/** What a run brings together. */
import type { ContenderName } from './contenders.ts';
import type { DnsFigures } from './dns-figures.ts';
import type { MemoryFigures } from './measures.ts';

/** The measures that every program goes through in every round. */
export const WORKLOADS = ['get', 'appGet', 'stream', 'post', 'handshake'] as const;
export type Workload = (typeof WORKLOADS)[number];

/** All rounds of all programs. */
export interface Figures {
  readonly work: Readonly<Record<Workload, Readonly<Record<ContenderName, number[]>>>>;
  /** Of lockgate and HAProxy, by number of connections, and of streams. */
  readonly growth: readonly GrowthRow[];
  readonly memory: Partial<Record<ContenderName, MemoryFigures>>;
  readonly startMs: number[];
  readonly dns: DnsFigures;
}

export interface GrowthRow {
  readonly what: 'connections' | 'streams';
  readonly count: number;
  readonly lockgate: number[];
  readonly HAProxy: number[];
}
