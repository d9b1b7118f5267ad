/** What is measured of each program: its CPU time for one kind of work, and its memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { handshakes, openWebSockets, startWrk } from './load.ts';
import { cpuSeconds, memoryUse } from './process-usage.ts';
import type { Service } from './service.ts';
import { PATHS, type Site } from './site.ts';

const GIB = 1024 ** 3;
const MICROS = 1e6;
/** What a handshake takes at most, on both sides together, while the machine is busy. */
const HANDSHAKE_MS = 4;
const POLL_MS = 50;
const SETTLE_MS = 2_000;
const POST_BODY = 'x'.repeat(1024);
/** As an app sends it: a dozen fields, half a kilobyte. */
export const APP_FIELDS = {
  Accept: 'application/json',
  'Accept-Language': 'de-DE,de;q=0.9,en;q=0.8',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
  'X-Plex-Client-Identifier': '4a0f1d2c3b4a5968',
  'X-Plex-Device': 'Linux',
  'X-Plex-Platform': 'Chrome',
  'X-Plex-Product': 'Plex Web',
  'X-Plex-Version': '4.150.0',
  'X-Plex-Features': 'external-media,indirect-media,hub-style-list',
  'X-Plex-Language': 'de',
} as const;

export interface GetOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly fields?: Readonly<Record<string, string>>;
}

/** Microseconds of CPU per GET of 1 KiB on kept connections. The window lies inside the run: handshakes do not count. */
export async function cpuPerGet(service: Service, site: Site, options: GetOptions): Promise<number> {
  const { seconds, connections } = options;
  const untilSteadyMs = connections * HANDSHAKE_MS;
  const wholeSeconds = seconds + Math.ceil(untilSteadyMs / 1000);
  const { result } = startWrk({ port: service.port, path: PATHS.small, ...options, seconds: wholeSeconds });
  await steady(site, connections * 3 + 100);
  const [requestsBefore, cpuBefore] = [await site.requestsServed(), cpuSeconds(service.pid)];
  await sleep(seconds * 1000 - 2 * POLL_MS);
  const [requestsAfter, cpuAfter] = [await site.requestsServed(), cpuSeconds(service.pid)];
  await result;
  return ((cpuAfter - cpuBefore) / (requestsAfter - requestsBefore)) * MICROS;
}

/** Resolves when the media server has served so many requests more: all connections are made, and busy. */
async function steady(site: Site, requests: number): Promise<void> {
  const before = await site.requestsServed();
  while ((await site.requestsServed()) < before + requests) await sleep(POLL_MS);
}

/** Microseconds of CPU per POST with a body of 1 KiB, which lockgate's full lane serves. */
export async function cpuPerPost(service: Service, seconds: number): Promise<number> {
  const before = cpuSeconds(service.pid);
  const run = startWrk({ port: service.port, path: PATHS.post, connections: 32, seconds, body: POST_BODY });
  const { requests } = await run.result;
  return ((cpuSeconds(service.pid) - before) / requests) * MICROS;
}

/** Seconds of CPU per GiB. */
export async function cpuPerGib(service: Service, streams: number, seconds: number): Promise<number> {
  const before = cpuSeconds(service.pid);
  const run = startWrk({ port: service.port, path: PATHS.stream, connections: streams, seconds });
  const { bytes } = await run.result;
  return ((cpuSeconds(service.pid) - before) / bytes) * GIB;
}

/** Microseconds of CPU per full TLS 1.3 handshake. */
export async function cpuPerHandshake(service: Service, seconds: number): Promise<number> {
  const before = cpuSeconds(service.pid);
  const count = await handshakes(service.port, seconds);
  return ((cpuSeconds(service.pid) - before) / count) * MICROS;
}

export interface MemoryFigures {
  readonly idlePrivateMiB: number;
  readonly idleResidentMiB: number;
  readonly streamsPrivateMiB: number;
  readonly streamsResidentMiB: number;
  readonly perWebSocketKiB: number;
}

/** The memory of a program that has just started, after 64 streams, and what each idle WebSocket adds. */
export async function memoryFigures(
  service: Service,
  options: { seconds: number; webSockets: number },
): Promise<MemoryFigures> {
  await sleep(SETTLE_MS);
  const idle = memoryUse(service.pid);
  await startWrk({ port: service.port, path: PATHS.stream, connections: 64, seconds: options.seconds }).result;
  await sleep(SETTLE_MS);
  const streams = memoryUse(service.pid);
  return {
    idlePrivateMiB: idle.privateMiB,
    idleResidentMiB: idle.residentMiB,
    streamsPrivateMiB: streams.privateMiB,
    streamsResidentMiB: streams.residentMiB,
    perWebSocketKiB: await kibPerWebSocket(service, options.webSockets),
  };
}

/** The slope between a fifth of the sockets and all of them: what any load leaves behind does not count. */
async function kibPerWebSocket(service: Service, count: number): Promise<number> {
  const few = Math.floor(count / 5);
  const first = await openWebSockets(service.port, few);
  await sleep(SETTLE_MS);
  const before = memoryUse(service.pid).privateMiB;
  const rest = await openWebSockets(service.port, count - few);
  await sleep(SETTLE_MS);
  const after = memoryUse(service.pid).privateMiB;
  first.close();
  rest.close();
  return ((after - before) * 1024) / (count - few);
}
