/** Tells a client with too many connections so, on a connection that goes no further: 429, `throttled`. */
import type { Socket } from 'node:net';
import type { Refuse } from '../access/decision.ts';
import { formatAnswer, refusalAnswer } from '../http/respond.ts';

/** From the first byte to the end of the connection. */
const DEADLINE_MS = 3_000;

/** What a client with too many connections, or requests at a time on one of HTTP/2, is told. */
export const TOO_MANY: Refuse = {
  action: 'refuse',
  rule: 'throttled',
  status: 429,
  reason: 'throttled',
  detail:
    'Too many connections or requests are open from this address; close some, then try again (limits.connections_per_client).',
  retryAfterSeconds: 10,
};

/** Answers whatever comes first, reads and throws away the rest, and ends the connection. */
export function turnAway(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  const deadline = setTimeout(() => socket.destroy(), DEADLINE_MS);
  socket.once('close', () => clearTimeout(deadline));
  // Closing on unread bytes would reset the connection, and the answer with it.
  socket.once('data', () => socket.end(formatAnswer(refusalAnswer(TOO_MANY))));
  socket.once('end', () => socket.end());
}
