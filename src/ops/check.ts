/** One check of the gateway's health: a name, a verdict, the evidence, the remedy. `doctor`, `status` and the status page share it. */

export type CheckVerdict = 'ok' | 'warning' | 'fault' | 'unknown';

export interface Check {
  readonly name: string;
  readonly verdict: CheckVerdict;
  /** What was seen, in one sentence without a full stop. */
  readonly evidence: string;
  /** What to do about it, in the user's words; empty when there is nothing to do. */
  readonly remedy: string;
}

const ORDER: readonly CheckVerdict[] = ['fault', 'warning', 'unknown', 'ok'];
const MARKS: Readonly<Record<CheckVerdict, string>> = {
  ok: 'ok     ',
  warning: 'warning',
  fault: 'FAULT  ',
  unknown: 'unknown',
};

/** True when something must be mended before the gateway does its job. */
export function hasFault(checks: readonly Check[]): boolean {
  return checks.some((check) => check.verdict === 'fault');
}

/** The one thing to do next: the remedy of the first check with the gravest verdict that has one. */
export function nextStep(checks: readonly Check[]): string | undefined {
  for (const verdict of ORDER) {
    const found = checks.find((check) => check.verdict === verdict && check.remedy !== '');
    if (found !== undefined) return onOneLine(found.remedy);
  }
  return undefined;
}

/** The checks as lines for a terminal, names aligned, remedies under what they mend; last the `next:` line, if there is one. */
export function renderChecks(checks: readonly Check[]): string[] {
  const next = nextStep(checks);
  return [...renderCheckLines(checks), ...(next === undefined ? [] : [`next: ${next}`])];
}

/** The same without the `next:` line. */
export function renderCheckLines(checks: readonly Check[]): string[] {
  const width = Math.max(0, ...checks.map((check) => check.name.length));
  return checks.flatMap(({ name, verdict, evidence, remedy }) => {
    const line = `${MARKS[verdict]}  ${name.padEnd(width)}  ${onOneLine(evidence)}`;
    return remedy === '' ? [line] : [line, `${' '.repeat(width + 11)}${onOneLine(remedy)}`];
  });
}

/** What a router or a server says of itself must not become a line that looks like the gateway's own. */
function onOneLine(text: string): string {
  return text.replace(/\s*[\n\r\v\f\u2028\u2029]\s*/gu, ' ');
}
