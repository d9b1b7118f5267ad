/** Claims an unclaimed Plex Media Server for the account that made the code. */
import { messageOf } from '../lib/errors.ts';
import type { AskServer } from './kind.ts';

/** The server asks plex.tv before it answers. */
const CLAIM_TIMEOUT_MS = 20_000;
/** As plex.tv/claim shows it; anything else is a typing error. */
const CLAIM_CODE = /^claim-[A-Za-z0-9_-]{8,64}$/;

/**
 * `malformed`: not a code, nothing was sent. `rejected`: the server said no (an old code, already claimed, not on its subnet).
 * `unreachable`: no answer. Accepted means that the server took the code: claimed it is when its identity says so.
 */
export type ClaimResult =
  | { readonly result: 'accepted' }
  | { readonly result: 'rejected' | 'malformed' | 'unreachable'; readonly reason: string };

/** POST /myplex/claim on the server itself. Never rejects. The code is good for four minutes. */
export async function claimPlexServer(ask: AskServer, code: string): Promise<ClaimResult> {
  if (!CLAIM_CODE.test(code))
    return { result: 'malformed', reason: 'a claim code begins with "claim-"; copy all of it' };
  const path = `/myplex/claim?token=${encodeURIComponent(code)}`;
  try {
    const { status } = await ask({ method: 'POST', path, body: '', timeoutMs: CLAIM_TIMEOUT_MS });
    if (status >= 200 && status < 300) return { result: 'accepted' };
    return { result: 'rejected', reason: rejection(status) };
  } catch (error) {
    return { result: 'unreachable', reason: `the server did not answer: ${messageOf(error)}` };
  }
}

function rejection(status: number): string {
  if (status === 401 || status === 403)
    return 'the server refused: the code is too old, or the gateway is not on its subnet';
  return `the server answered ${status}: make a new code and try again`;
}
