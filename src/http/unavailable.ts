/** What a client is told when the media server gives no answer. */
import type { RefusalReason, Refuse, RuleName } from '../access/decision.ts';
import { systemCodeOf } from '../lib/errors.ts';

const STARTING_RETRY_SECONDS = 5;

/** Why there is no answer, as a refusal says it. */
export interface Unavailability {
  readonly status: 502 | 503 | 504;
  readonly reason: RefusalReason;
  readonly detail: string;
}

export const SERVER_SILENT: Unavailability = {
  status: 504,
  reason: 'server-timeout',
  detail: 'The media server did not answer in time.',
};

/** The server cannot be reached, or answered nonsense. */
export function serverDown(error: Error): Unavailability {
  return { status: 502, reason: 'server-down', detail: `The media server cannot be reached${causeOf(error)}.` };
}

/** 503: not now, but soon. */
export function notYet(detail: string): Unavailability {
  return { status: 503, reason: 'starting', detail };
}

/** The refusal that says so. `rule`: the one that had let the request through. `corsOrigin`: who may read it. */
export function unavailableRefusal(
  why: Unavailability,
  rule: RuleName | undefined,
  corsOrigin: string | undefined,
): Refuse {
  return {
    action: 'refuse',
    rule: rule ?? 'default',
    ...why,
    ...(why.status === 503 ? { retryAfterSeconds: STARTING_RETRY_SECONDS } : {}),
    ...(corsOrigin === undefined ? {} : { corsOrigin }),
  };
}

/** The system's own word for the trouble (`ECONNREFUSED`), without addresses. */
function causeOf(error: Error): string {
  const code = systemCodeOf(error);
  return code === undefined ? '' : ` (${code})`;
}
