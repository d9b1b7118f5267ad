/** What a decision grants, for comparing: requests that are open are decided on again. */
import type { Decision } from '../access/decision.ts';

/**
 * True when a request would be granted now with the very rights under which it was opened: a token that is not given any more must not
 * live on in what is open, nor a page that shows more than it would now.
 */
export function isSameGrant(now: Decision | undefined, opened: Decision | undefined): boolean {
  if (now?.action === 'page' && opened?.action === 'page')
    return now.page === opened.page && now.scope === opened.scope;
  if (now?.action !== 'forward' || opened?.action !== 'forward') return false;
  return now.credentials === opened.credentials && now.token === opened.token;
}
