/** What asking a server who it is has in common for all kinds. */
import type { ServerAnswer } from './kind.ts';
import { ServerTrouble } from './trouble.ts';

/** Short enough that three silent probes are noticed within a quarter of a minute. */
export const PROBE_TIMEOUT_MS = 3000;

/** The answer, unless it is a 5xx: that says that the server is busy or starting, not who it is. */
export function unlessBusy(answer: ServerAnswer): ServerAnswer {
  if (answer.status < 500) return answer;
  throw new ServerTrouble('silent', `the server answers ${answer.status}`);
}
