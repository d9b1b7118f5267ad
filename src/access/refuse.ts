/** Refusals: what every one of them carries, and the ones that several rules share. */
import type { Refuse, RuleName } from './decision.ts';
import type { Facts } from './facts.ts';
import { isNear } from './standing.ts';

/** A Host longer than this is cut in messages. */
const MAX_QUOTED_LENGTH = 100;

/** A refusal with the CORS grant that the request is due. */
export function refuse(facts: Facts, refusal: Omit<Refuse, 'action' | 'corsOrigin'>): Refuse {
  const { corsOrigin } = facts;
  return corsOrigin === undefined ? { action: 'refuse', ...refusal } : { action: 'refuse', ...refusal, corsOrigin };
}

/** 401 that offers the PIN page to a person on the LAN, when there is one. */
export function refuseWithoutCredentials(facts: Facts, rule: RuleName, detail: string): Refuse {
  const refusal = { rule, status: 401, reason: 'no-credentials', detail } as const;
  const offerSignIn = facts.hasPin && facts.wantsHtml && facts.isPlainRead && isNear(facts);
  return refuse(facts, offerSignIn ? { ...refusal, offerSignIn } : refusal);
}

/** 421 that names the key to set (RFC 9110 section 15.5.20). */
export function refuseForeignHost(facts: Facts, rule: RuleName): Refuse {
  const name = JSON.stringify((facts.host ?? '').slice(0, MAX_QUOTED_LENGTH));
  const detail = `${name} is not a name of this gateway; if it should be, add it to [access] allowed_hosts.`;
  return refuse(facts, { rule, status: 421, reason: 'host', detail });
}

/** 429 until the client may try again. */
export function refuseThrottled(facts: Facts, rule: RuleName): Refuse {
  return refuse(facts, {
    rule,
    status: 429,
    reason: 'throttled',
    detail: 'Too many different credentials from this address were wrong; wait, then try again.',
    retryAfterSeconds: facts.throttledForSeconds,
  });
}

/** 401 or 498 as the server answered. */
export function refuseInvalid(facts: Facts, rule: RuleName): Refuse {
  return refuse(facts, {
    rule,
    status: facts.invalidStatus,
    reason: 'bad-credentials',
    detail: 'The media server does not accept these credentials; sign in again in the app.',
  });
}
