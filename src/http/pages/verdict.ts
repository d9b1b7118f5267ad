/** The four verdicts a page can show: each has a colour, a sign and a word, so that no one has to tell colours apart. */
import { type Html, html } from './html.ts';

export type Verdict = 'good' | 'attention' | 'fault' | 'unknown';

type SignName = Verdict | 'waiting' | 'locked';

const SIGNS: Readonly<Record<SignName, string>> = {
  good: 'm5.5 12.5 4.3 4.3 8.7-9',
  attention: 'M12 6v7m0 4.2v.3',
  fault: 'm7 7 10 10M17 7 7 17',
  unknown: 'M9 9.2a3 3 0 1 1 4.4 2.7c-.9.5-1.4 1-1.4 2.1m0 3.2v.3',
  waiting: 'M12 4a8 8 0 1 1-8 8',
  locked: 'M8 11V8.2a4 4 0 0 1 8 0V11m-9.5 0h11v8h-11z',
};

const WORDS: Readonly<Record<Verdict, string>> = {
  good: 'Good',
  attention: 'Needs attention',
  fault: 'Fault',
  unknown: 'Not known',
};

/** The round sign above a headline. */
export function badge(verdict: Verdict): Html {
  return html`<div class="badge ${verdict}">${sign(verdict)}</div>`;
}

/** The round sign of something under way. */
export const WAITING_BADGE = html`<div class="badge unknown turning">${sign('waiting')}</div>`;

/** The round sign of something that stays shut, without blame. */
export const LOCKED_BADGE = html`<div class="badge unknown">${sign('locked')}</div>`;

/** The small sign in front of a line, with its word for screen readers. */
export function mark(verdict: Verdict): Html {
  return html`<span class="mark ${verdict}" role="img" aria-label="${WORDS[verdict]}">${sign(verdict)}</span>`;
}

/** The worst of several; `unknown` weighs less than a known need for attention. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  const order: readonly Verdict[] = ['fault', 'attention', 'unknown', 'good'];
  return order.find((verdict) => verdicts.includes(verdict)) ?? 'unknown';
}

function sign(name: SignName): Html {
  return html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><path d="${SIGNS[name]}"/></svg>`;
}
