/** How things stand with the certificate authority: what is remembered across restarts, so that no restart hammers it. */
import type { ChallengeType } from './challenge.ts';
import { isRecord } from './problem.ts';

/** Times are milliseconds since 1970. */
export interface Standing {
  /** Attempts that failed in a row. */
  readonly failures: number;
  /** No attempt before; 0: whenever one is due. */
  readonly notBefore: number;
  /** The authority itself set `notBefore`: nobody may hurry it. */
  readonly isRateLimited: boolean;
  /** Of the last attempt, when it failed. */
  readonly lastError?: LastError | undefined;
  /** When the last certificate came. */
  readonly succeededAt?: number | undefined;
  /** The challenge that proved the names last time, and the one that failed last. */
  readonly goodChallenge?: ChallengeType | undefined;
  readonly failedChallenge?: ChallengeType | undefined;
  readonly advice?: RenewalAdvice | undefined;
}

export interface LastError {
  readonly at: number;
  readonly sentence: string;
  readonly remedy: string;
}

/** What the authority advises for one certificate (RFC 9773 section 4.2). */
export interface RenewalAdvice {
  /** Its SHA-256 fingerprint. */
  readonly fingerprint: string;
  /** The window in which to renew; undefined: it has no advice, or cannot be asked. */
  readonly window?: { readonly start: number; readonly end: number } | undefined;
  readonly askAgainAt: number;
}

/** Nothing has happened yet. */
export const FRESH_STANDING: Standing = { failures: 0, notBefore: 0, isRateLimited: false };

/** What `content` of the file says, as far as it can be understood. */
export function readStanding(content: Readonly<Record<string, unknown>>): Standing {
  const { failures, notBefore, isRateLimited, lastError, succeededAt } = content;
  const { goodChallenge, failedChallenge, advice } = content;
  return {
    failures: numberOr(failures, 0),
    notBefore: numberOr(notBefore, 0),
    isRateLimited: isRateLimited === true,
    lastError: readError(lastError),
    succeededAt: typeof succeededAt === 'number' ? succeededAt : undefined,
    goodChallenge: readType(goodChallenge),
    failedChallenge: readType(failedChallenge),
    advice: readAdvice(advice),
  };
}

function readError(value: unknown): LastError | undefined {
  if (!isRecord(value)) return undefined;
  return { at: numberOr(value['at'], 0), sentence: String(value['sentence']), remedy: String(value['remedy']) };
}

function readAdvice(value: unknown): RenewalAdvice | undefined {
  if (!isRecord(value) || typeof value['fingerprint'] !== 'string') return undefined;
  const { fingerprint, window, askAgainAt } = value;
  const times = isRecord(window)
    ? { start: numberOr(window['start'], Number.NaN), end: numberOr(window['end'], Number.NaN) }
    : undefined;
  const isWindow = times !== undefined && times.start < times.end;
  return { fingerprint, window: isWindow ? times : undefined, askAgainAt: numberOr(askAgainAt, 0) };
}

const TYPES: readonly unknown[] = ['tls-alpn-01', 'http-01', 'dns-01'] satisfies ChallengeType[];

function readType(value: unknown): ChallengeType | undefined {
  return TYPES.includes(value) ? (value as ChallengeType) : undefined;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}
