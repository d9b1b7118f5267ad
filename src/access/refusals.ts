/** The last refusals, for `status`: an operator who is locked out finds there who was refused, by which rule, and what would help. */
import { redact } from '../lib/redact.ts';
import type { RefusalReason, Refuse, RuleName } from './decision.ts';

const MAX_REFUSALS = 20;
const MAX_PATH_LENGTH = 120;

/** One refusal, or several that differ in nothing but their time. */
export interface Refusal {
  /** Wall clock in milliseconds, of the last one. */
  readonly at: number;
  readonly count: number;
  readonly address: string;
  readonly method: string;
  /** Without query and credentials, cut to 120 characters. */
  readonly path: string;
  readonly status: number;
  readonly reason: RefusalReason;
  readonly rule: RuleName;
  /** What would let it in; absent: nothing. */
  readonly remedy?: string;
}

export class Refusals {
  readonly #now: () => number;
  #newestFirst: readonly Refusal[] = [];

  /** `now`: wall clock in milliseconds. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  get list(): readonly Refusal[] {
    return this.#newestFirst;
  }

  /** `remedy`: what would let it in. */
  note(
    request: { readonly address: string; readonly method: string; readonly path: string },
    { status, reason, rule }: Refuse,
    remedy: string | undefined,
  ): void {
    const path = shownPath(request.path);
    const former = this.#newestFirst.find(
      (entry) =>
        entry.path === path &&
        entry.address === request.address &&
        entry.method === request.method &&
        entry.rule === rule &&
        entry.status === status,
    );
    const count = (former?.count ?? 0) + 1;
    const entry = { at: this.#now(), count, ...request, path, status, reason, rule };
    const latest = remedy === undefined ? entry : { ...entry, remedy };
    this.#newestFirst = [latest, ...this.#newestFirst.filter((other) => other !== former)].slice(0, MAX_REFUSALS);
  }
}

function shownPath(path: string): string {
  const text = redact(path);
  return text.length > MAX_PATH_LENGTH ? `${text.slice(0, MAX_PATH_LENGTH)}…` : text;
}
