/** The clients: wrk for requests and streams, openssl for handshakes, own sockets for WebSockets that stand idle. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { PATHS, SERVER_NAME, TOKEN } from './site.ts';

const run = promisify(execFile);
/** Handshakes at once while WebSockets are opened. */
const OPENING_AT_ONCE = 50;

/** Ends wrk when nobody stops it. */
const MAX_WRK_SECONDS = 40;

export interface WrkOptions {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** Present: requests are POSTs with this body. */
  readonly body?: string;
  /** Header fields beside Host and the token. */
  readonly fields?: Readonly<Record<string, string>>;
}

export interface WrkResult {
  readonly requests: number;
  /** From the server, heads included. */
  readonly bytes: number;
}

export interface RunningWrk {
  readonly pid: number;
  /** Stops it. Rejects when any request failed: a figure for refusals would be worth nothing. */
  stop(): Promise<WrkResult>;
}

/** Starts wrk on one thread. */
export function startWrk(options: WrkOptions): RunningWrk {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-wrk-'));
  const script = join(folder, 'request.lua');
  writeFileSync(script, luaScript(options));
  const url = `https://127.0.0.1:${options.port}${options.path}`;
  const argv = ['-t1', `-c${options.connections}`, `-d${MAX_WRK_SECONDS}s`, '--timeout', '20s', '-s', script, url];
  const child = spawn('wrk', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = text(child.stdout).finally(() => rmSync(folder, { recursive: true }));
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGINT');
      return readResult(await output, argv);
    },
  };
}

/** Runs h2load over HTTP/2 for so long. Rejects when any request failed, or when the program speaks no HTTP/2. */
export async function runH2load(port: number, seconds: number): Promise<void> {
  const url = `https://127.0.0.1:${port}${PATHS.small}`;
  const argv = ['-c', '8', '-m', '4', '-D', String(seconds), '--warm-up-time=0', '-H', `X-Plex-Token: ${TOKEN}`, url];
  const { stdout } = await run('h2load', argv);
  if (!stdout.includes('Application protocol: h2')) throw new Error(`port ${port} speaks no HTTP/2`);
  if (!/, 0 failed, 0 errored, 0 timeout/.test(stdout)) throw new Error(`h2load said: ${stdout}`);
}

function readResult(output: string, argv: readonly string[]): WrkResult {
  const line = output.split('\n').find((candidate) => candidate.startsWith('{'));
  if (line === undefined) throw new Error(`wrk said nothing: ${output}`);
  const { requests, bytes, faults } = JSON.parse(line) as WrkResult & { faults: number };
  if (faults > 0) throw new Error(`${faults} of ${requests} requests failed: wrk ${argv.join(' ')}`);
  return { requests, bytes };
}

function luaScript({ body, fields = {} }: WrkOptions): string {
  const headers = { 'X-Plex-Token': TOKEN, ...fields };
  return [
    ...(body === undefined ? [] : ['wrk.method = "POST"', `wrk.body = "${body}"`]),
    ...Object.entries(headers).map(([name, value]) => `wrk.headers["${name}"] = "${value}"`),
    'done = function(summary)',
    '  local e = summary.errors',
    '  local faults = e.connect + e.read + e.write + e.status',
    '  print(string.format(\'{"requests":%d,"bytes":%d,"faults":%d}\', summary.requests, summary.bytes, faults))',
    'end',
  ].join('\n');
}

/** Makes full handshakes one after another. Returns how many. */
export async function handshakes(port: number, seconds: number): Promise<number> {
  const argv = ['s_time', '-connect', `127.0.0.1:${port}`, '-new', '-tls1_3', '-time', String(seconds)];
  const { stdout } = await run('openssl', argv);
  const count = /^(\d+) connections in \d+ real seconds/m.exec(stdout)?.[1];
  if (count === undefined) throw new Error(`openssl s_time said: ${stdout}`);
  return Number(count);
}

/** Opens WebSockets through the program on `port`, up to their 101. */
export async function openWebSockets(port: number, count: number): Promise<{ close(): void }> {
  const sockets: TLSSocket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(OPENING_AT_ONCE, count - sockets.length) }, () => openWebSocket(port));
    sockets.push(...(await Promise.all(batch)));
  }
  return {
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function openWebSocket(port: number): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: SERVER_NAME, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const head = [
    `GET ${PATHS.webSocket} HTTP/1.1`,
    `Host: ${SERVER_NAME}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `X-Plex-Token: ${TOKEN}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (!answer.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(`no WebSocket: ${answer}`);
  socket.on('error', () => {});
  return socket;
}
