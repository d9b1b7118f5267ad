/** Answers that every stand-in media server gives: small bodies, redirects, and media of any size with ranges. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { mediaStream } from './media.ts';

/** `?silence=MS` on any path: nothing is sent for so long, like a transcoder that starts. */
export async function silence(url: URL): Promise<void> {
  const silenceMs = Number(url.searchParams.get('silence') ?? 0);
  if (silenceMs > 0) await new Promise((resolve) => setTimeout(resolve, silenceMs));
}

/**
 * `/library/parts/1/0/file.mkv?bytes=N` is a file of N bytes (default 1 MiB) with Range support; `framing=chunked` and
 * `framing=close` leave the length out.
 */
export function sendMedia(request: IncomingMessage, response: ServerResponse, url: URL): void {
  const size = Number(url.searchParams.get('bytes') ?? 1024 * 1024);
  const framing = url.searchParams.get('framing') ?? 'length';
  const range = readRange(request.headers.range, size);
  response.setHeader('Content-Type', 'video/x-matroska');
  response.setHeader('Accept-Ranges', 'bytes');
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  const [first, last] = range ?? [0, size - 1];
  const length = last - first + 1;
  if (range !== undefined) response.setHeader('Content-Range', `bytes ${first}-${last}/${size}`);
  if (framing === 'length') response.setHeader('Content-Length', length);
  if (framing === 'close') response.useChunkedEncodingByDefault = false;
  if (framing === 'close') response.setHeader('Connection', 'close');
  response.writeHead(range === undefined ? 200 : 206);
  if (request.method === 'HEAD') response.end();
  else pipeline(mediaStream(first, length), response, () => {});
}

/** One `bytes=` range (RFC 9110 section 14.1.2), or undefined when there is none that counts. */
function readRange(header: string | undefined, size: number): [number, number] | 'unsatisfiable' | undefined {
  const match = header?.match(/^bytes=(\d*)-(\d*)$/);
  if (match === null || match === undefined) return undefined;
  const [from, to] = [match[1] ?? '', match[2] ?? ''];
  if (from === '' && to === '') return undefined;
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return first > last ? 'unsatisfiable' : [first, last];
}

export function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { Location: location, 'Content-Length': 0 }).end();
}

export function sendJson(response: ServerResponse, status: number, value: object): void {
  send(response, status, 'application/json', JSON.stringify(value));
}

export function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
