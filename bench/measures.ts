/** What is measured of each program: its CPU time for one kind of work, and its memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { handshakes, openWebSockets, runH2load, startWrk } from './load.ts';
import { bytesRead, cpuSeconds, memoryUse } from './process-usage.ts';
import type { Service } from './service.ts';
import { PATHS, type Site } from './site.ts';

const GIB = 1024 ** 3;
const MICROS = 1e6;
/** For the handshakes of a thousand connections on a busy machine. */
const MAX_OPENING_MS = 20_000;
const POLL_MS = 50;
/** By then a stream is under way. */
const FLOWING_BYTES = 1024 * 1024;
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

export interface RequestOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly fields?: Readonly<Record<string, string>>;
}

/** Microseconds of CPU per GET of 1 KiB on kept connections. */
export function cpuPerGet(service: Service, site: Site, options: RequestOptions): Promise<number> {
  return cpuPerRequest(service, site, { path: PATHS.small, ...options });
}

/** Microseconds of CPU per POST with a body of 1 KiB, which comes with its head. */
export function cpuPerPost(service: Service, site: Site, options: RequestOptions): Promise<number> {
  return cpuPerRequest(service, site, { path: PATHS.post, body: POST_BODY, ...options });
}

async function cpuPerRequest(
  service: Service,
  site: Site,
  { seconds, ...load }: RequestOptions & { path: string; body?: string },
): Promise<number> {
  const wrk = startWrk({ port: service.port, ...load });
  await untilSteady(site, load.connections * 3 + 100);
  const micros = await cpuWhileBusy(service, site, seconds);
  await wrk.stop();
  return micros;
}

/** Microseconds of CPU per GET of 1 KiB over HTTP/2: eight connections, four streams each. */
export async function cpuPerH2Get(service: Service, site: Site, seconds: number): Promise<number> {
  const load = runH2load(service.port, Math.ceil(seconds) + 1);
  await untilSteady(site, 200);
  const micros = await cpuWhileBusy(service, site, seconds);
  await load;
  return micros;
}

/** Microseconds per request between two looks at the media server's count: the handshakes before them do not count. */
async function cpuWhileBusy(service: Service, site: Site, seconds: number): Promise<number> {
  const [requestsBefore, cpuBefore] = [await site.requestsServed(), cpuSeconds(service.pid)];
  await sleep(seconds * 1000);
  const [requestsAfter, cpuAfter] = [await site.requestsServed(), cpuSeconds(service.pid)];
  return ((cpuAfter - cpuBefore) / (requestsAfter - requestsBefore)) * MICROS;
}

/** Resolves when the media server has served so many requests more: all connections are made, and busy. */
async function untilSteady(site: Site, requests: number): Promise<void> {
  const target = (await site.requestsServed()) + requests;
  await until(async () => (await site.requestsServed()) >= target);
}

async function until(isReached: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < MAX_OPENING_MS; waitedMs += POLL_MS) {
    if (await isReached()) return;
    await sleep(POLL_MS);
  }
  throw new Error(`the connections were not made in ${MAX_OPENING_MS / 1000} s`);
}

/** Seconds of CPU per GiB, while all streams flow. */
export async function cpuPerGib(service: Service, streams: number, seconds: number): Promise<number> {
  const wrk = startWrk({ port: service.port, path: PATHS.stream, connections: streams });
  await until(() => bytesRead(wrk.pid) >= streams * FLOWING_BYTES);
  const [bytesBefore, cpuBefore] = [bytesRead(wrk.pid), cpuSeconds(service.pid)];
  await sleep(seconds * 1000);
  const [bytesAfter, cpuAfter] = [bytesRead(wrk.pid), cpuSeconds(service.pid)];
  await wrk.stop();
  return ((cpuAfter - cpuBefore) / (bytesAfter - bytesBefore)) * GIB;
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
  const wrk = startWrk({ port: service.port, path: PATHS.stream, connections: 64 });
  await sleep(options.seconds * 1000);
  await wrk.stop();
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
