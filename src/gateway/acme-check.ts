/** The check of the certificate that an authority issues: names, what went wrong, what comes next. */
import { day, minute } from '../lib/words.ts';
import type { Check } from '../ops/check.ts';
import type { AcmeView } from '../tls/acme/issuer.ts';

/** A renewal that fails is worth a fault only when clients are about to be turned away. */
const LAST_DAYS_MS = 3 * 24 * 60 * 60_000;

/** Undefined: no authority is asked. `isRunning`: the gateway is, and sees to it. */
export function acmeCheck(acme: AcmeView | undefined, isRunning: boolean, nowMs = Date.now()): Check | undefined {
  if (acme === undefined) return undefined;
  const names = acme.names.join(', ');
  const authority = new URL(acme.directory).host;
  const needs = acme.needs.join('; or ');
  const say = (verdict: Check['verdict'], evidence: string, remedy = ''): Check => ({
    name: 'acme',
    verdict,
    evidence: `${names}: ${evidence}`,
    remedy,
  });
  if (!acme.isClockSet) {
    return say(
      'warning',
      `waiting until the clock is set: it says ${day(nowMs)}`,
      'see that this machine asks for the time',
    );
  }
  const { notAfter, lastError, fileFault } = acme;
  if (fileFault !== undefined) return say('fault', fileFault.message, fileFault.hint);
  if (lastError !== undefined) {
    const isNear = notAfter === undefined || notAfter - nowMs < LAST_DAYS_MS;
    const next = isRunning ? `, next attempt ${when(acme.nextAttemptAt, nowMs)}` : '';
    return say(isNear ? 'fault' : 'warning', `${lastError.sentence}; ${meanwhile(acme)}${next}`, lastError.remedy);
  }
  if (notAfter !== undefined) {
    return say('ok', `from ${authority}, good until ${day(notAfter)}, renewed ${when(acme.nextAttemptAt, nowMs)}`);
  }
  if (isRunning) return say('warning', `asking ${authority} for a certificate`, needs);
  return say('warning', `no certificate yet; the gateway asks ${authority} when it runs`, needs);
}

/** What serves until the next attempt. */
function meanwhile({ notAfter, formerUntil }: AcmeView): string {
  if (notAfter !== undefined) return `the certificate is good until ${day(notAfter)}`;
  if (formerUntil !== undefined) return `the former certificate serves until ${day(formerUntil)}`;
  return 'there is no certificate yet';
}

/** `at` as the user's clock has it; a time that has come is now. */
function when(at: number, nowMs: number): string {
  if (at <= nowMs) return 'now';
  if (at - nowMs > 2 * 24 * 60 * 60_000) return `on ${day(at)}`;
  return `at ${minute(at)}`;
}
