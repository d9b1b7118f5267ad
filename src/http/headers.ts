/** Rebuilds header fields on their way through, from raw lists to raw lists: order, case and repetition stay (RFC 9110 section 7.6). */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { isForwardingField } from './forwarding-headers.ts';
import { connectionOptions } from './message.ts';
import type { RequestHead } from './request.ts';

/** Fields between two neighbours only (RFC 9110 section 7.6.1), and those of the h2c upgrade, which is never taken up. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** True for a field that concerns two neighbours only; it ends here, in either direction. */
export function isHopByHop(lowerCaseName: string): boolean {
  return HOP_BY_HOP.has(lowerCaseName);
}

/** Answered by the gateway itself (`expect`), not passed on (`trailer`: request trailers end here), or written anew (`content-length`). */
const REQUEST_ONLY = new Set(['expect', 'trailer', 'content-length']);

/** Trailer fields that would change the framing, or that would be fields of the head in disguise (RFC 9110 section 6.5.1). */
const NOT_IN_TRAILERS = new Set([
  'content-length',
  'content-encoding',
  'content-type',
  'host',
  'set-cookie',
  'trailer',
]);

/**
 * The request fields for the media server, from `rawHeaders` (the client's, perhaps with other credentials): without hop-by-hop fields,
 * what Connection names, and client-sent forwarding fields; then `own` fields and the framing of the body.
 */
export function requestFields(head: RequestHead, rawHeaders: readonly string[], own: readonly string[]): string[] {
  const named = new Set(connectionOptions(head));
  const fields = keepFields(rawHeaders, (name) => {
    return !HOP_BY_HOP.has(name) && !REQUEST_ONLY.has(name) && !named.has(name) && !isForwardingField(name);
  });
  return fields.concat(own, framingFields(head));
}

/**
 * The answer's fields for the client: without hop-by-hop fields and what Connection names. `Trailer` stays only when the answer
 * is passed on in chunks.
 */
export function answerFields(answer: IncomingMessage, keepTrailer: boolean): string[] {
  const named = new Set(answer.headers.connection?.toLowerCase().split(/\s*,\s*/));
  const fields = keepFields(answer.rawHeaders, (name) => {
    return !HOP_BY_HOP.has(name) && !named.has(name) && (keepTrailer || name !== 'trailer');
  });
  return lengthBehindDisposition(fields);
}

/** The answer's trailer fields as pairs, without those that do not belong behind a body. */
export function trailerPairs(answer: IncomingMessage): [string, string][] {
  const fields = keepFields(answer.rawTrailers, isTrailerField);
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) pairs.push([fields[index] ?? '', fields[index + 1] ?? '']);
  return pairs;
}

/** True for a field that may stand behind a body. */
export function isTrailerField(lowerCaseName: string): boolean {
  return !HOP_BY_HOP.has(lowerCaseName) && !NOT_IN_TRAILERS.has(lowerCaseName);
}

/**
 * Groups a raw list for `http.request`, which takes one entry per name: a repeated field becomes a list under its first spelling.
 * A field named `__proto__` is left out, for an object cannot hold it.
 */
export function headerObject(rawHeaders: readonly string[]): OutgoingHttpHeaders {
  const spellings = new Map<string, string>();
  const headers: Record<string, string | string[]> = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    if (name === '__proto__') continue;
    const spelling = spellings.get(name.toLowerCase());
    if (spelling === undefined) {
      spellings.set(name.toLowerCase(), name);
      headers[name] = value;
    } else {
      headers[spelling] = [headers[spelling] ?? [], value].flat();
    }
  }
  return headers;
}

function keepFields(rawHeaders: readonly string[], isKept: (lowerCaseName: string) => boolean): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (isKept(name.toLowerCase())) kept.push(name, rawHeaders[index + 1] ?? '');
  }
  return kept;
}

/** The framing comes last: see `lengthBehindDisposition`. */
function framingFields(head: RequestHead): string[] {
  const length = head.header('content-length');
  if (length !== undefined) return ['Content-Length', length];
  return head.hasBody ? ['Transfer-Encoding', 'chunked'] : [];
}

/**
 * Behind a Content-Length, Node decodes Content-Disposition as UTF-8 and writes it as Latin-1: file names arrive broken, and `U+010A`
 * becomes a line feed that starts a field of the sender's choice. In front of it the bytes stay what they were.
 */
function lengthBehindDisposition(fields: string[]): string[] {
  const lastIndexOf = (wanted: string) => {
    return fields.findLastIndex((text, index) => index % 2 === 0 && text.toLowerCase() === wanted);
  };
  const length = lastIndexOf('content-length');
  if (length === -1 || lastIndexOf('content-disposition') < length) return fields;
  return [...fields.slice(0, length), ...fields.slice(length + 2), ...fields.slice(length, length + 2)];
}
