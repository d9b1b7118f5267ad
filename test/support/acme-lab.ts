/**
 * A small Internet in a network namespace: BIND with the zone example.org, which takes signed updates, pebble as certificate authority,
 * and the built program on ports 80 and 443. Needs root.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificates.ts';
import { makeNamespace, type Namespace } from './netns.ts';
import { type Outcome, PROGRAM, RunningProgram } from './program.ts';

const DEADLINE_MS = 30_000;
const DIRECTORY = 'https://127.0.0.1:14000/dir';

export interface LabOptions {
  /** Variables of pebble: `PEBBLE_WFE_NONCEREJECT`. */
  readonly pebble?: Readonly<Record<string, string>>;
  /** Whole seconds that certificates are good for. */
  readonly lifetimeSeconds?: number;
  /** Only customers with this key get an account. */
  readonly external?: { readonly id: string; readonly key: string };
  /** The algorithm of the key for updates. */
  readonly tsig?: 'hmac-sha256' | 'hmac-sha512';
}

export interface AcmeLab {
  readonly folder: string;
  readonly stateDir: string;
  /** The file that `tsig-keygen` wrote. */
  readonly tsigFile: string;
  readonly namespace: Namespace;
  /** Writes the file: `certificate` and `acme` are the lines of their sections. */
  configure(
    acme: string,
    options?: { names?: string; ports?: string; source?: string; certificate?: string; workers?: number },
  ): void;
  /** Starts the gateway and waits for its ready line. */
  run(): Promise<RunningProgram>;
  command(...argv: string[]): Promise<Outcome>;
  /** What curl gets from `url`, with the authority's root as the only one that is trusted. */
  curl(url: string, ...more: string[]): string;
  /** Ends pebble, with everything that it knew, and starts it again. */
  restartPebble(): Promise<void>;
  stopPebble(): Promise<void>;
  close(): Promise<void>;
}

export async function makeAcmeLab(options: LabOptions = {}): Promise<AcmeLab> {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-acme-'));
  const at = (name: string) => join(folder, name);
  const namespace = await makeNamespace();
  const children = new Set<ChildProcess>();
  const start = (command: string, ...args: string[]) => {
    const child = namespace.start(command, ...args);
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  writeFileSync(at('resolv.conf'), 'nameserver 127.0.0.1\n');
  namespace.run('mount', '--bind', at('resolv.conf'), '/etc/resolv.conf');

  writeFileSync(at('tsig.key'), namespace.run('tsig-keygen', '-a', options.tsig ?? 'hmac-sha256', 'lockgate-key'));
  writeNamed(folder);
  await said(start('named', '-g', '-c', at('named.conf')), /\brunning\b/);
  writePebble(folder, options);
  const variables = { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '20', PEBBLE_AUTHZREUSE: '0', ...options.pebble };
  let pebble: ChildProcess;
  const startPebble = async () => {
    const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    pebble = start('env', ...words, 'pebble', '-config', at('pebble.json'), '-dnsserver', '127.0.0.1:53');
    await said(pebble, /Listening on: 127.0.0.1:14000/);
    const root = namespace.run('curl', '-s', '--insecure', 'https://127.0.0.1:15000/roots/0');
    writeFileSync(at('issuing-root.pem'), root);
  };
  const stopPebble = () => stop(pebble);
  await startPebble();

  const environment = [`LOCKGATE_CONFIG=${at('lockgate.toml')}`, `LOCKGATE_STATE=${at('state')}`];
  return {
    folder,
    stateDir: at('state'),
    tsigFile: at('tsig.key'),
    namespace,
    configure: (
      acme,
      { names = '["films.example.org"]', ports = '[443, 80]', source = '"acme"', certificate = '', workers = 1 } = {},
    ) =>
      writeFileSync(
        at('lockgate.toml'),
        [
          '[server]\nkind = "generic"\nurl = "http://127.0.0.1:9"',
          `[listen]\naddresses = ["127.0.0.1"]\nport = ${ports}`,
          `[run]\nworkers = ${workers}`,
          '[dns]\nenabled = false\n[remote]\npublic_address = "none"',
          `[certificate]\nsource = ${source}\nnames = ${names}\n${certificate}`,
          `[acme]\ndirectory = "${DIRECTORY}"\nca_file = "pebble.pem"\n${acme}\n`,
        ].join('\n'),
      ),
    run: async () => {
      const program = new RunningProgram(start('env', ...environment, PROGRAM, 'run'));
      await program.line((line) => line['event'] === 'ready');
      return program;
    },
    command: async (...argv) => {
      const child = start('env', ...environment, PROGRAM, ...argv);
      const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
      const [status] = (await once(child, 'close')) as [number | null];
      return { status, stdout: stdout(), stderr: stderr() };
    },
    curl: (url, ...more) => namespace.run('curl', '-sS', '-m', '15', '--cacert', at('issuing-root.pem'), ...more, url),
    restartPebble: async () => {
      await stopPebble();
      await startPebble();
    },
    stopPebble,
    close: async () => {
      for (const child of children) await stop(child);
      await namespace.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Gives a lab to `work`, and ends it. */
export async function inLab(options: LabOptions, work: (lab: AcmeLab) => Promise<void>): Promise<void> {
  const lab = await makeAcmeLab(options);
  try {
    await work(lab);
  } finally {
    await lab.close();
  }
}

/** The names of the next certificate of the authority that is taken up. */
export async function issued(program: RunningProgram): Promise<unknown> {
  const line = await program.line(({ message, source }) => message === 'certificate in use' && source === 'acme');
  return line['names'];
}

/** The line that says why there is no certificate. */
export function failure(program: RunningProgram) {
  return program.line(({ message }) => String(message).startsWith('no certificate: '));
}

/** What `command` says of the authority. */
export async function checkOf(lab: AcmeLab, command: 'status' | 'doctor') {
  const { stdout } = await lab.command(command, '--json');
  return JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === 'acme');
}

/** The zone that the Internet sees, and one that takes its proofs by CNAME: `alias.example.org` has its record there. */
function writeNamed(folder: string): void {
  const zone = (name: string, records: readonly string[]) =>
    writeFileSync(
      join(folder, `${name}.zone`),
      [
        '$TTL 1',
        '@ SOA ns.example.org. nobody.invalid. 1 3600 600 86400 1',
        '@ NS ns.example.org.',
        ...records,
        '',
      ].join('\n'),
    );
  zone('example.org', ['ns A 127.0.0.1', '* A 127.0.0.1', '_acme-challenge.alias CNAME alias.proofs.example.net.']);
  zone('proofs.example.net', []);
  mkdirSync(join(folder, 'named'));
  const master = (name: string) =>
    `zone "${name}" { type primary; file "${join(folder, `${name}.zone`)}"; allow-update { key lockgate-key; }; };`;
  writeFileSync(
    join(folder, 'named.conf'),
    [
      `include "${join(folder, 'tsig.key')}";`,
      `options { directory "${join(folder, 'named')}"; pid-file none; session-keyfile "${join(folder, 'session.key')}"; recursion yes;`,
      'listen-on { 127.0.0.1; }; listen-on-v6 { none; }; dnssec-validation no; };',
      'controls { };',
      master('example.org'),
      master('proofs.example.net'),
    ].join('\n'),
  );
}

function writePebble(folder: string, { lifetimeSeconds, external }: LabOptions): void {
  const { certificatePem, keyPem } = makeCertificate({ addresses: ['127.0.0.1'] });
  writeFileSync(join(folder, 'pebble.pem'), certificatePem);
  writeFileSync(join(folder, 'pebble.key'), keyPem);
  const pebble = {
    listenAddress: '127.0.0.1:14000',
    managementListenAddress: '127.0.0.1:15000',
    certificate: join(folder, 'pebble.pem'),
    privateKey: join(folder, 'pebble.key'),
    httpPort: 80,
    tlsPort: 443,
    ...(lifetimeSeconds === undefined ? {} : { certificateValidityPeriod: lifetimeSeconds }),
    externalAccountBindingRequired: external !== undefined,
    ...(external === undefined ? {} : { externalAccountMACKeys: { [external.id]: external.key } }),
  };
  writeFileSync(join(folder, 'pebble.json'), JSON.stringify({ pebble }));
}

async function said(child: ChildProcess, wanted: RegExp): Promise<void> {
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const endsAt = performance.now() + DEADLINE_MS;
  while (!wanted.test(stdout() + stderr())) {
    if (child.exitCode !== null || performance.now() > endsAt) {
      throw new Error(`it never said ${wanted}:\n${stdout()}${stderr()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  return () => text;
}
