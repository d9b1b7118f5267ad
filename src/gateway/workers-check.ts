/** The check of the workers: whether there are as many as there should be. */
import { counted } from '../lib/words.ts';
import type { Check } from '../ops/check.ts';
import type { WorkersStanding } from './workers/workers.ts';

const NAME = 'workers';

/** Undefined: there is one process alone. */
export function workersCheck(standing: WorkersStanding | undefined): Check | undefined {
  if (standing === undefined) return undefined;
  const { wanted, ready, otherVersion } = standing;
  if (ready >= wanted) return { name: NAME, verdict: 'ok', evidence: `${counted(wanted, 'worker')} serve`, remedy: '' };
  const verdict = ready === 0 ? 'fault' : 'warning';
  const few = `${ready} of ${counted(wanted, 'worker')} there`;
  if (otherVersion === undefined) {
    return {
      name: NAME,
      verdict,
      evidence: few,
      remedy: 'another is started within half a minute; the log says why one ended',
    };
  }
  const evidence = `${few}: the program was replaced by version ${otherVersion} while it runs`;
  return { name: NAME, verdict, evidence, remedy: 'restart the gateway' };
}

/** What the running gateway said of its workers: nobody else knows. */
export function workersCheckIn(checks: readonly Check[]): Check[] {
  return checks.filter(({ name }) => name === NAME);
}
