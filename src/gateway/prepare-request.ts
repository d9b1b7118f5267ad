/** The request as a decision wants the media server to see it: credentials kept, replaced or removed, the gateway's own cookie out. */
import type { Forward } from '../access/decision.ts';
import { withoutSessionCookie } from '../access/session.ts';
import type { RequestHead } from '../http/request.ts';
import type { ServerKind } from '../server/kind.ts';

export interface PreparedRequest {
  readonly target: string;
  readonly rawHeaders: readonly string[];
}

/** Headers of an app that break the server's `/library/streams/` (`bare_streams`); the token stays. */
const APP_HEADER = /^x-plex-(?!token$)/i;
/** What makes some servers take a GET for a DELETE: a client with lent rights was judged by its real method. */
const METHOD_OVERRIDE = /^x[-_](?:http[-_])?method(?:[-_]override)?$/i;

/** Applies `decision` to `head`. `bareStreams`: drop app headers where the kind says so. */
export function prepareRequest(
  head: RequestHead,
  decision: Forward,
  kind: ServerKind,
  bareStreams: boolean,
): PreparedRequest {
  const prepared = applyCredentials(head, decision, kind);
  if (!bareStreams || !kind.isBareStream(head.path)) return prepared;
  return { ...prepared, rawHeaders: withoutHeaders(prepared.rawHeaders, (name) => APP_HEADER.test(name)) };
}

function applyCredentials(head: RequestHead, decision: Forward, kind: ServerKind): PreparedRequest {
  const { target, rawHeaders } = head;
  if (decision.credentials === 'keep') {
    return decision.dropSessionCookie === true
      ? { target, rawHeaders: withoutCookie(rawHeaders) }
      : { target, rawHeaders };
  }
  const token = decision.credentials === 'replace' ? decision.token : undefined;
  const replaced = kind.replaceCredentials({ target, rawHeaders }, token);
  // A cookie is a credential too, to any server that keeps sessions.
  const isDropped = (name: string) => name.toLowerCase() === 'cookie' || METHOD_OVERRIDE.test(name);
  return { target: replaced.target, rawHeaders: withoutHeaders(replaced.rawHeaders, isDropped) };
}

function withoutCookie(rawHeaders: readonly string[]): string[] {
  return pairsOf(rawHeaders).flatMap(([name, value]) => {
    if (name.toLowerCase() !== 'cookie') return [name, value];
    const rest = withoutSessionCookie(value);
    return rest === undefined ? [] : [name, rest];
  });
}

function withoutHeaders(rawHeaders: readonly string[], isDropped: (name: string) => boolean): string[] {
  return pairsOf(rawHeaders).flatMap(([name, value]) => (isDropped(name) ? [] : [name, value]));
}

function pairsOf(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    pairs.push([rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '']);
  return pairs;
}
