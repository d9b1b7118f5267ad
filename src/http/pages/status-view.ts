/** What the status page shows: the lights for everyone at home, everything for those who are let in. Types only. */
import type { RefusalReason, RuleName } from '../../access/decision.ts';
import type { Place } from '../../access/facts.ts';
import type { Verdict } from './verdict.ts';

/** One thing that works or does not. */
export interface Light {
  /** `Certificate`, `Media server`, `Claimed`, `Remote access`. */
  readonly name: string;
  readonly verdict: Verdict;
  /** What is so, in one sentence. */
  readonly summary: string;
  /** What to do about it; absent when nothing is to be done. */
  readonly remedy?: string;
}

/** How the gateway sees the one who looks. */
export interface Asker {
  readonly address: string;
  readonly place: Place;
  /** The rule that an ordinary request of theirs would meet. */
  readonly rule: RuleName;
  /** What that rule means for them, in one sentence. */
  readonly meaning: string;
}

export interface CertificateLine {
  readonly names: readonly string[];
  /** Where it comes from: `server`, `files`, `acme`, `private CA`. */
  readonly source: string;
  /** Whole days until it expires; negative when it has. */
  readonly daysLeft: number;
}

export interface ListenerLine {
  /** `HTTP and HTTPS`, `DNS`. */
  readonly purpose: string;
  /** `192.168.1.2:32443`, `[::]:32443`. */
  readonly endpoint: string;
}

export interface RefusalLine {
  readonly secondsAgo: number;
  readonly address: string;
  readonly method: string;
  readonly path: string;
  readonly reason: RefusalReason;
  readonly rule: RuleName;
  /** The line of the configuration that would let it in; absent when none would. */
  readonly remedy?: string;
}

/** Somebody who is connected. */
export interface ConnectedClient {
  /** `unknown`: a trusted proxy did not say who it is. */
  readonly address: string;
  readonly isAtHome: boolean;
  /** The rule that decided last; null: no request has come yet. */
  readonly rule: RuleName | null;
  readonly connections: number;
  /** Requests under way. */
  readonly requests: number;
  readonly webSockets: number;
}

/** What the DNS side has done so far. */
export interface CounterLine {
  readonly what: string;
  readonly count: number;
}

export interface LightsView {
  readonly scope: 'lights';
  readonly lights: readonly Light[];
}

export interface EverythingView {
  readonly scope: 'everything';
  readonly lights: readonly Light[];
  readonly version: string;
  readonly serverName: string | undefined;
  /** The busiest first. */
  readonly clients: readonly ConnectedClient[];
  readonly certificates: readonly CertificateLine[];
  /** Undefined: DNS is off. */
  readonly dnsCounters: readonly CounterLine[] | undefined;
  readonly listeners: readonly ListenerLine[];
  readonly lanNetworks: readonly string[];
  /** Newest first. */
  readonly refusals: readonly RefusalLine[];
}

/** What the page shows of the gateway, and goes on to show while it is open. */
export type StatusView = LightsView | EverythingView;
