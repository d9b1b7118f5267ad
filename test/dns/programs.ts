/** Real resolvers on loopback ports: dnsmasq and Unbound with the configuration of a test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { exchange, question } from './ask.ts';

const START_DEADLINE_MS = 20_000;
const TRY_MS = 150;
const PATH = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);

export interface Program {
  readonly port: number;
  /** What it has written so far. */
  output(): string;
  stop(): Promise<void>;
}

async function start(command: string, makeArguments: (folder: string, port: number) => string[]): Promise<Program> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-test-'));
  const child = spawn(command, makeArguments(folder, port), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilItAnswers(child, port);
  } catch (error) {
    await stop();
    throw new Error(`${command} does not run: ${output}`, { cause: error });
  }
  return { port, output: () => output, stop };
}

async function untilItAnswers(child: ChildProcess, port: number): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`exit status ${code}`)));
  });
  failed.catch(() => {});
  const deadline = performance.now() + START_DEADLINE_MS;
  while (performance.now() < deadline) {
    const answered = exchange(question('ready.invalid', 'A'), { port }, undefined, TRY_MS).then(
      () => true,
      () => false,
    );
    if (await Promise.race([answered, failed])) return;
  }
  throw new Error('no answer in time');
}

/** dnsmasq with nothing but `lines`: no hosts file, no resolv.conf. */
export function startDnsmasq(lines: readonly string[]): Promise<Program> {
  return start('dnsmasq', (folder, port) => {
    const base = [
      `port=${port}`,
      'listen-address=127.0.0.1',
      'bind-interfaces',
      'no-resolv',
      'no-hosts',
      'local=/invalid/',
    ];
    writeFileSync(join(folder, 'dnsmasq.conf'), `${[...base, ...lines].join('\n')}\n`);
    return [
      '--keep-in-foreground',
      '--log-facility=-',
      '--user=',
      `--pid-file=${join(folder, 'pid')}`,
      `--conf-file=${join(folder, 'dnsmasq.conf')}`,
    ];
  });
}

/** Unbound with `included` as a file of its own, as a distribution would; `lines` stand in its server clause. */
export function startUnbound(included: string, lines: readonly string[] = []): Promise<Program> {
  return start('unbound', (folder, port) => {
    const server = [
      'server:',
      `  interface: 127.0.0.1@${port}`,
      '  username: ""',
      '  chroot: ""',
      `  directory: "${folder}"`,
      '  pidfile: ""',
      '  use-syslog: no',
      '  do-daemonize: no',
      '  local-zone: "invalid." static',
      ...lines.map((line) => `  ${line}`),
      'remote-control:',
      '  control-enable: no',
      `include: "${join(folder, 'included.conf')}"`,
    ];
    writeFileSync(join(folder, 'unbound.conf'), `${server.join('\n')}\n`);
    writeFileSync(join(folder, 'included.conf'), included);
    return ['-d', '-c', join(folder, 'unbound.conf')];
  });
}
