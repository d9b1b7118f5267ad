/** When a certificate is renewed, and when a failed attempt is made again. Pure sums over times in milliseconds since 1970. */
import type { X509Certificate } from 'node:crypto';
import type { RenewalAdvice } from './standing.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Routers start in 1970 until they have asked for the time; until then no certificate can be judged, neither ours nor the authority's. */
const EARLIEST_NOW_MS = Date.parse('2026-01-01T00:00:00Z');

/** The waits after the first failures in a row, then the last one again and again: authorities count failures by the hour. */
const WAITS_MS: readonly number[] = [MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 4 * HOUR_MS, 12 * HOUR_MS];
/** Up to this much longer, so that gateways that failed together do not come back together. */
const WAIT_JITTER = 0.25;
/** A memory that says more was written while the clock was wrong: rate limits are believed for eight days. */
const LONGEST_WAIT_MS = 9 * DAY_MS;

/** Without advice: with a third of the lifetime left (20 to 30 days of 90, 2 days of 6), some of them a little earlier. */
const LIFETIME_LEFT = 1 / 3;
const RENEWAL_JITTER = 1 / 30;

/** Whether `nowMs` can be the time. */
export function isClockSet(nowMs: number): boolean {
  return nowMs >= EARLIEST_NOW_MS;
}

/**
 * When to renew: within the window that the authority advises (RFC 9773 section 4.2), else with a third of the lifetime left. The moment
 * within the window is the certificate's own, so that it stays the same over restarts.
 */
export function renewalTime(leaf: X509Certificate, advice: RenewalAdvice | undefined): number {
  const fraction = fractionOf(leaf);
  const [notBefore, notAfter] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
  const window = advice?.fingerprint === leaf.fingerprint256 ? advice.window : undefined;
  // Advice to renew after the end is none.
  if (window !== undefined && window.end < notAfter)
    return Math.round(window.start + fraction * (window.end - window.start));
  const lifetime = notAfter - notBefore;
  return Math.round(notAfter - lifetime * (LIFETIME_LEFT + fraction * RENEWAL_JITTER));
}

/** How long to wait after `failures` failed attempts in a row. `random`: 0 to 1. */
export function waitAfter(failures: number, random: number): number {
  const waitMs = WAITS_MS[Math.min(failures, WAITS_MS.length) - 1] ?? MINUTE_MS;
  return Math.round(waitMs * (1 + WAIT_JITTER * random));
}

/** `notBefore` as far as it can be true. */
export function believable(notBefore: number, nowMs: number): number {
  return notBefore > nowMs + LONGEST_WAIT_MS ? nowMs : notBefore;
}

/** 0 to 1, evenly spread over certificates, always the same for one. */
function fractionOf({ fingerprint256 }: X509Certificate): number {
  return Number.parseInt(fingerprint256.replaceAll(':', '').slice(0, 8), 16) / 2 ** 32;
}
