/** Runs the built program as a user would: a file, a state folder, a command; and a home with a Plex stand-in behind it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  makePkcs12,
  makePlexCertificate,
  PLEX_PROCESSED_IDENTIFIER,
  PLEX_ZONE,
  plexPreferencesXml,
} from './certificates.ts';
import { whatLeavesLoopback } from './leaves-loopback.ts';
import { type PlexOptions, type PlexStandIn, startPlex } from './plex.ts';

/** The built program. */
export const PROGRAM = join(import.meta.dirname, '..', '..', 'build', 'lockgate');
/** Nobody answers there. */
const NO_ACCOUNT = 'http://127.0.0.1:9';
const READY_TIMEOUT_MS = 30_000;
const COMMAND_TIMEOUT_MS = 60_000;
/** What a log line, or a word on standard error, may take on a busy machine. */
const LINE_TIMEOUT_MS = 20_000;
/** TEST_WORKERS=2: everything that has no say in it is tested with so many workers. */
const WORKERS = process.env['TEST_WORKERS'];

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type LogLine = Readonly<Record<string, unknown>>;

/** A folder with a configuration file and a state folder of its own. */
export class Installation {
  readonly folder = mkdtempSync(join(tmpdir(), 'lockgate-e2e-'));
  readonly configPath = join(this.folder, 'lockgate.toml');
  readonly stateDir = join(this.folder, 'state');
  readonly #running: RunningProgram[] = [];

  constructor(toml = '') {
    this.configure(toml);
  }

  /** Nobody outside is asked for addresses, nor about a token, unless `toml` has something to say about that. */
  configure(toml: string): void {
    const quiet = toml.includes('[remote]') ? '' : '\n[remote]\npublic_address = "none"\n';
    const workers = WORKERS === undefined || toml.includes('[run]') ? '' : `\n[run]\nworkers = ${WORKERS}\n`;
    const hasToken = /^token(_file)? *=/m.test(toml) && !toml.includes('account_url');
    const server = `[server]\naccount_url = "${NO_ACCOUNT}"`;
    writeFileSync(this.configPath, (hasToken ? toml.replace('[server]', server) : toml) + quiet + workers);
  }

  /** Further variables of the environment. */
  readonly moreEnv: Record<string, string> = {};

  get env(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      LOCKGATE_CONFIG: this.configPath,
      LOCKGATE_STATE: this.stateDir,
      ...this.moreEnv,
    };
  }

  /** Runs one command to its end. */
  async command(argv: readonly string[], input: string | Uint8Array = ''): Promise<Outcome> {
    await this.#stayHome(argv);
    const child = spawn(PROGRAM, argv, { env: this.env, timeout: COMMAND_TIMEOUT_MS });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, stdout: stdout(), stderr: stderr() };
  }

  /** Starts `lockgate run` and waits for its ready line. Rejects with what it printed when it ends before. */
  async run(argv: readonly string[] = []): Promise<RunningProgram> {
    await this.#stayHome(['run', ...argv]);
    const program = new RunningProgram(spawn(PROGRAM, ['run', ...argv], { env: this.env }));
    this.#running.push(program);
    await program.line((line) => line['event'] === 'ready', READY_TIMEOUT_MS);
    return program;
  }

  /** No test speaks to the network that this machine is on: those that must have one import own-network.ts, or make namespaces. */
  async #stayHome(argv: readonly string[]): Promise<void> {
    const what = await whatLeavesLoopback(argv, this.configPath);
    if (what !== undefined) throw new Error(`${argv[0]} would leave loopback: ${what}`);
  }

  /** Ends what runs and removes the folder. */
  async remove(): Promise<void> {
    for (const program of this.#running) await program.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class RunningProgram {
  readonly lines: LogLine[] = [];
  readonly #child: ChildProcess;
  readonly #stderr: () => string;
  readonly #waiting = new Set<() => void>();
  #exit: number | null | undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#stderr = collect(child.stderr);
    child.stderr?.on('data', () => this.#wake());
    let rest = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine);
      this.#wake();
    });
    child.once('close', (status) => {
      this.#exit = status;
      this.#wake();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The first log line, from now or before, that `isWanted`. */
  async line(isWanted: (line: LogLine) => boolean, timeoutMs = LINE_TIMEOUT_MS): Promise<LogLine> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.lines.find(isWanted);
      if (found !== undefined) return found;
      const leftMs = deadline - performance.now();
      if (this.#exit !== undefined || leftMs <= 0) {
        const why = this.#exit === undefined ? 'no such line in time' : `it ended with status ${this.#exit}`;
        throw new Error(`${why}\n${this.#stderr()}\n${this.lines.map((line) => JSON.stringify(line)).join('\n')}`);
      }
      await this.#change(leftMs);
    }
  }

  /** What it has written to standard error so far. */
  get stderr(): string {
    return this.#stderr();
  }

  /** What it has written to standard error, as soon as that matches. */
  async errorText(wanted: RegExp, timeoutMs = LINE_TIMEOUT_MS): Promise<string> {
    const deadline = performance.now() + timeoutMs;
    while (!wanted.test(this.#stderr())) {
      const leftMs = deadline - performance.now();
      if (this.#exit !== undefined || leftMs <= 0)
        throw new Error(`standard error never said ${wanted}:\n${this.#stderr()}`);
      await this.#change(leftMs);
    }
    return this.#stderr();
  }

  /** The port of the first listener. */
  get port(): number {
    const ready = this.lines.find((line) => line['event'] === 'ready');
    const [first = ''] = (ready?.['addresses'] ?? []) as string[];
    return Number(first.split(':').at(-1));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** The exit status. */
  async ended(timeoutMs = 30_000): Promise<number | null> {
    const deadline = performance.now() + timeoutMs;
    while (this.#exit === undefined && performance.now() < deadline) await this.#change(deadline - performance.now());
    if (this.#exit === undefined) throw new Error('it does not end');
    return this.#exit;
  }

  async kill(): Promise<void> {
    if (this.#exit !== undefined) return;
    this.#child.kill('SIGKILL');
    await this.ended();
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}

/** A Plex stand-in with its data folder, and an installation that points at both. */
export interface PlexHome {
  readonly plex: PlexStandIn;
  readonly installation: Installation;
  readonly dataDir: string;
  /** PEM of the root that vouches for the server's certificate. */
  readonly rootPem: string;
  /** PEM of the server's certificate itself. */
  readonly certificatePem: string;
  /** `192-168-1-10` → the full secure name. */
  name(label: string): string;
  /** The file with `[server]` and a free port on 127.0.0.1 filled in; `more` is appended. */
  toml(more?: string): string;
  close(): Promise<void>;
}

export async function makePlexHome(options: PlexOptions = {}): Promise<PlexHome> {
  const plex = await startPlex({ machineIdentifier: PLEX_PROCESSED_IDENTIFIER, ...options });
  const installation = new Installation();
  const dataDir = join(installation.folder, 'Plex Media Server');
  mkdirSync(join(dataDir, 'Cache'), { recursive: true });
  writeFileSync(join(dataDir, 'Preferences.xml'), plexPreferencesXml());
  const certificate = makePlexCertificate({ key: 'ec' });
  writeFileSync(join(dataDir, 'Cache', 'cert-v2.p12'), makePkcs12(certificate));
  const toml = (more = '') =>
    [
      '[server]',
      `url = "${plex.url}"`,
      `data_dir = ${JSON.stringify(dataDir)}`,
      ...(more.includes('[listen]') ? [] : ['[listen]', 'addresses = ["127.0.0.1"]', 'port = 0']),
      ...(more.includes('[dns]') ? [] : ['[dns]', 'enabled = false']),
      more,
    ].join('\n');
  installation.configure(toml());
  return {
    plex,
    installation,
    dataDir,
    rootPem: certificate.rootPem,
    certificatePem: certificate.certificatePem,
    name: (label) => `${label}.${PLEX_ZONE}`,
    toml,
    close: async () => {
      await installation.remove();
      await plex.close();
    },
  };
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
  });
  return () => text;
}
