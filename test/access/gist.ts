/** Decisions in one line each, for tables of cases. */
import type { Decision, NeedsCredentials } from '../../src/access/decision.ts';
import { decide } from '../../src/access/policy.ts';
import { type FactChanges, factsWith } from './plain-facts.ts';

/** What the decision on the ordinary case with `changes` comes down to. */
export function gist(...changes: readonly FactChanges[]): string {
  return inOneLine(decide(factsWith(...changes)));
}

function inOneLine(decision: Decision | NeedsCredentials): string {
  if ('needs' in decision) return 'needs credentials';
  switch (decision.action) {
    case 'forward':
      return [decision.rule, 'forward', decision.credentials, ...(decision.token === undefined ? [] : ['+token'])].join(
        ' ',
      );
    case 'refuse':
      return `${decision.rule} ${decision.status} ${decision.reason}`;
    case 'redirect':
      return `${decision.rule} ${decision.status} ${decision.location}`;
    case 'page':
      return `${decision.rule} page ${decision.page} ${decision.scope}`;
    default:
      return `${decision.rule} ${decision.action}`;
  }
}
