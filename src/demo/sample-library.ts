/** The built-in media server of `lockgate run --demo`: plain HTTP on a port of loopback, as real ones stand behind the gateway. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { clock } from '../lib/words.ts';
import { FILM_SVG } from './film.ts';
import { LIBRARY_PAGE, LIBRARY_PAGE_POLICY } from './library-page.ts';
import { MELODY_BYTES, melodyPart } from './melody.ts';
import { POSTERS } from './posters.ts';
import { type Resource, sendResource, textResource } from './resource.ts';

const TICK_MS = 1_000;

export interface SampleLibrary {
  readonly port: number;
  /** Ends the server and every connection to it. */
  close(): Promise<void>;
}

/** Starts the server on 127.0.0.1 and a free port. */
export async function startSampleLibrary(): Promise<SampleLibrary> {
  const server = createServer((request, response) => {
    // Nobody to tell: an answer fails only because the client is gone.
    answer(request, response).catch(() => response.destroy());
  });
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const SVG = 'image/svg+xml';

const RESOURCES: ReadonlyMap<string, Resource> = new Map([
  ['/', textResource('text/html; charset=utf-8', LIBRARY_PAGE, { 'Content-Security-Policy': LIBRARY_PAGE_POLICY })],
  ['/film.svg', textResource(SVG, FILM_SVG)],
  ['/melody.wav', { type: 'audio/wav', bytes: MELODY_BYTES, etag: `"melody-${MELODY_BYTES}"`, part: melodyPart }],
  ...POSTERS.map(({ slug, svg }) => [`/posters/${slug}.svg`, textResource(SVG, svg)] as const),
]);

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url?.split('?')[0] ?? '';
  const reading = request.method === 'GET' || request.method === 'HEAD';
  const resource = RESOURCES.get(path);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (resource !== undefined)
    return reading ? sendResource(request, response, resource) : refuse(response, 'GET, HEAD');
  switch (path) {
    case '/visitor':
      return reading ? sendJson(response, visitorOf(request)) : refuse(response, 'GET, HEAD');
    case '/clock':
      return request.method === 'GET' ? tick(response) : refuse(response, 'GET');
    case '/upload':
      return request.method === 'POST' ? receive(request, response) : refuse(response, 'POST');
    default:
      response
        .writeHead(404, { 'Content-Type': 'text/plain' })
        .end('There is nothing of that name in the sample library.\n');
  }
}

function refuse(response: ServerResponse, allowed: string): void {
  response.writeHead(405, { Allow: allowed, Connection: 'close', 'Content-Length': 0 }).end();
}

function sendJson(response: ServerResponse, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
  });
  response.end(body);
}

/** Who asks, and how: in the words of the gateway, when one stands in between. */
function visitorOf({ headers, socket }: IncomingMessage): object {
  const forwardedFor = headers['x-forwarded-for'];
  return {
    address: forwardedFor ?? socket.remoteAddress,
    protocol: headers['x-forwarded-proto'] ?? 'http',
    host: headers.host ?? '',
    throughGateway: forwardedFor !== undefined,
  };
}

/** Server-sent events: the time, every second, until the client leaves. */
function tick(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  let seconds = 0;
  const send = () => {
    response.write(`data: ${JSON.stringify({ time: clock(), seconds })}\n\n`);
    seconds += TICK_MS / 1_000;
  };
  send();
  const timer = setInterval(send, TICK_MS);
  response.on('close', () => clearInterval(timer));
}

/** Counts and hashes a body of any size without keeping it. */
async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  sendJson(response, { bytes, sha256: hash.digest('hex') });
}
