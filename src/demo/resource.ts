/** Sends one unchanging resource: whole or in part, its head alone, or the word that the client has it already (RFC 9110). */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readByteRange } from './byte-range.ts';

const CHUNK_BYTES = 16_384;

export interface Resource {
  readonly type: string;
  readonly bytes: number;
  /** A strong entity tag, with its quotes. */
  readonly etag: string;
  /** Bytes `start` to `end`, `end` not included. */
  part(start: number, end: number): Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A resource that is held in memory. */
export function textResource(type: string, text: string, headers: Readonly<Record<string, string>> = {}): Resource {
  const body = Buffer.from(text);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`;
  return { type, etag, headers, bytes: body.length, part: (start, end) => body.subarray(start, end) };
}

/** Answers a GET or HEAD. Resolves when all is sent; rejects when the client left before. */
export async function sendResource(
  request: IncomingMessage,
  response: ServerResponse,
  resource: Resource,
): Promise<void> {
  const { type, bytes, etag, headers } = resource;
  const common = { 'Accept-Ranges': 'bytes', 'Cache-Control': 'no-cache', ETag: etag, ...headers };
  if (listsTag(request.headers['if-none-match'], etag)) {
    response.writeHead(304, common).end();
    return;
  }
  const range = rangeOf(request, resource);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...common, 'Content-Range': `bytes */${bytes}`, 'Content-Length': 0 }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: bytes };
  response.writeHead(range === undefined ? 200 : 206, {
    ...common,
    ...(range && { 'Content-Range': `bytes ${start}-${end - 1}/${bytes}` }),
    'Content-Type': type,
    'Content-Length': end - start,
  });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  await pipeline(Readable.from(chunks(resource, start, end)), response);
}

/** A Range counts only with GET, and only while If-Range, when sent, still holds (RFC 9110 sections 13.1.5 and 14.2). */
function rangeOf(request: IncomingMessage, { bytes, etag }: Resource): ReturnType<typeof readByteRange> {
  if (request.method !== 'GET') return undefined;
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== etag) return undefined;
  return readByteRange(request.headers.range, bytes);
}

/** If-None-Match compares weakly (RFC 9110 section 13.1.2). */
function listsTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((entry) => entry.trim() === '*' || entry.trim().replace(/^W\//, '') === etag);
}

function* chunks({ part }: Resource, start: number, end: number): Generator<Buffer> {
  for (let at = start; at < end; at += CHUNK_BYTES) yield part(at, Math.min(at + CHUNK_BYTES, end));
}
