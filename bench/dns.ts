/**
 * Side by side with dnsmasq: CPU time per question and questions per second, one process each, asked by dnsperf over loopback.
 * `node bench/dns.ts [seconds per run] [rounds]`. Needs dnsmasq and dnsperf. The machine's other work shows: the least of the rounds counts.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { startDns } from '../src/dns/server.ts';
import { silentLog } from '../src/lib/log.ts';
import { cpuSeconds } from './process-usage.ts';

const SECONDS = Number(process.argv[2] ?? 3);
const ROUNDS = Number(process.argv[3] ?? 5);
/** As the packages start it. */
const NODE_FLAGS = ['--max-old-space-size=96', '--max-semi-space-size=1'];
const PATH = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);
const ZONE = '0123456789abcdef0123456789abcdef.plex.direct';
const GATEWAY = '192.168.1.5';
const SERVERS = Array.from({ length: 10 }, (_, index) => `192.168.1.${index + 10}`);
const START_MS = 1500;
const GOAL_RATIO = 2.5;
const GOAL_PER_SECOND = 100_000;

interface Workload {
  readonly title: string;
  readonly questions: readonly string[];
  /** The row that has goals. */
  readonly isMain?: boolean;
}

const nameOf = (address: string) => `${address.replaceAll('.', '-')}.${ZONE}`;
const WORKLOADS: readonly Workload[] = [
  { title: 'own zone, A', questions: SERVERS.map((address) => `${nameOf(address)} A`), isMain: true },
  { title: 'own zone, no data', questions: SERVERS.map((address) => `${nameOf(address)} AAAA`) },
  { title: 'own zone, no such name', questions: ['www', 'tv', 'x'].map((label) => `${label}.${ZONE} A`) },
  { title: 'forwarded, cached', questions: SERVERS.map((_, index) => `host${index}.example A`) },
];

interface Measured {
  cpuMicros: number;
  perSecond: number;
}

/** The gateway's DNS alone, in a process of its own. */
async function serve(port: string, upstreamPort: string): Promise<void> {
  await startDns({
    listen: [`127.0.0.1:${port}`],
    answer: 'gateway',
    facts: {
      zones: () => [{ name: ZONE, holdsCertificate: true }],
      exactNames: () => [],
      gatewayAddresses: () => [GATEWAY],
      serverAddresses: () => SERVERS,
      publicAddresses: () => [],
      networks: () => [],
      listensOnPublishedPort: () => true,
      listensOnExternalPort: () => true,
    },
    upstreams: [`127.0.0.1:${upstreamPort}`],
    rebindAllow: [],
    cacheSize: 2000,
    allowsClient: () => true,
    log: silentLog,
  });
}

/** Answers every question with one public address. */
async function startUpstream(): Promise<{ port: number; close: () => void }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('message', (query, from) => {
    const end = query.indexOf(0, 12) + 5;
    const head = Buffer.from(query.subarray(0, end));
    head.set([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], 2);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 93, 184, 216, 34]);
    socket.send(Buffer.concat([head, record]), from.port, from.address);
  });
  return { port: socket.address().port, close: () => socket.close() };
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

async function measure(child: ChildProcess, port: number, file: string): Promise<Measured> {
  const before = cpuSeconds(child.pid!);
  const options = ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-l', String(SECONDS), '-c', '1', '-q', '100'];
  const { stdout } = await promisify(execFile)('dnsperf', options, { env: { ...process.env, PATH } });
  const cpu = cpuSeconds(child.pid!) - before;
  const completed = Number(stdout.match(/Queries completed:\s+(\d+)/)?.[1]);
  const perSecond = Number(stdout.match(/Queries per second:\s+([\d.]+)/)?.[1]);
  return { cpuMicros: (cpu * 1e6) / completed, perSecond };
}

function better(one: Measured | undefined, other: Measured): Measured {
  if (one === undefined) return other;
  return { cpuMicros: Math.min(one.cpuMicros, other.cpuMicros), perSecond: Math.max(one.perSecond, other.perSecond) };
}

function row(cells: readonly string[]): void {
  console.log(cells.map((cell, index) => (index === 0 ? cell.padEnd(24) : cell.padStart(16))).join(''));
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-bench-'));
  const upstream = await startUpstream();
  const [gatewayPort, dnsmasqPort] = [await freePort(), await freePort()];
  const records = SERVERS.map((address) => `host-record=${nameOf(address)},${GATEWAY}`);
  const base = [
    `port=${dnsmasqPort}`,
    'listen-address=127.0.0.1',
    'bind-interfaces',
    'no-resolv',
    'no-hosts',
    'cache-size=2000',
  ];
  writeFileSync(
    join(folder, 'dnsmasq.conf'),
    [...base, `local=/${ZONE}/`, `server=127.0.0.1#${upstream.port}`, ...records, ''].join('\n'),
  );
  const start = (command: string, words: string[]) =>
    spawn(command, words, { stdio: 'ignore', env: { ...process.env, PATH } });
  const peers = {
    lockgate: {
      child: start(process.execPath, [
        ...NODE_FLAGS,
        import.meta.filename,
        'serve',
        String(gatewayPort),
        String(upstream.port),
      ]),
      port: gatewayPort,
    },
    dnsmasq: {
      child: start('dnsmasq', [
        '--keep-in-foreground',
        '--user=',
        `--pid-file=${join(folder, 'pid')}`,
        `--conf-file=${join(folder, 'dnsmasq.conf')}`,
      ]),
      port: dnsmasqPort,
    },
  };
  const stop = () => {
    for (const { child } of Object.values(peers)) child.kill();
  };
  process.on('exit', stop);
  try {
    await new Promise((resolve) => setTimeout(resolve, START_MS));
    row(['', 'lockgate µs', 'dnsmasq µs', 'ratio', 'lockgate /s', 'dnsmasq /s']);
    for (const { title, questions, isMain } of WORKLOADS) {
      const file = join(folder, 'questions');
      writeFileSync(file, `${questions.join('\n')}\n`);
      const best: { lockgate?: Measured; dnsmasq?: Measured } = {};
      for (let round = 0; round < ROUNDS; round++) {
        for (const name of ['lockgate', 'dnsmasq'] as const) {
          const { child, port } = peers[name];
          best[name] = better(best[name], await measure(child, port, file));
        }
      }
      const [own, other] = [best.lockgate!, best.dnsmasq!];
      const ratio = own.cpuMicros / other.cpuMicros;
      row([
        title,
        own.cpuMicros.toFixed(1),
        other.cpuMicros.toFixed(1),
        ratio.toFixed(2),
        own.perSecond.toFixed(0),
        other.perSecond.toFixed(0),
      ]);
      if (isMain) row(['  goal', '', '', `≤ ${GOAL_RATIO}`, `≥ ${GOAL_PER_SECOND}`, '']);
    }
  } finally {
    stop();
    upstream.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[2] === 'serve') await serve(process.argv[3] ?? '', process.argv[4] ?? '');
else await main();
