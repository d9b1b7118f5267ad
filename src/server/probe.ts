/** What asking a server who it is has in common for all kinds. */
import type { ServerAnswer } from './kind.ts';
import { ServerTrouble } from './trouble.ts';

/**
 * With the longest interval between probes (10 s) less than the 15 s within which a server that turns unclaimed must be noticed;
 * three of them long enough for a disk that has to spin up.
 */
export const PROBE_TIMEOUT_MS = 4000;

/** The answer, unless it is a 5xx: that says that the server is busy or starting, not who it is. */
export function unlessBusy(answer: ServerAnswer): ServerAnswer {
  if (answer.status < 500) return answer;
  throw new ServerTrouble('silent', `the server answers ${answer.status}`);
}
