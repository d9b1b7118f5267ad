/** A gateway in front of a Plex stand-in, asked from any address: directly from loopback, or through a trusted proxy that names the client. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CurlAnswer, curl } from './curl.ts';
import { OWNER_TOKEN, type PlexOptions } from './plex.ts';
import { type LogLine, makePlexHome, type PlexHome, type RunningProgram } from './program.ts';
import type { SeenRequest } from './stand-in.ts';

/** Listed in `trusted_proxies`: what it puts into X-Forwarded-For is the client. */
export const PROXY = '127.0.0.9';
export const LAN_CLIENT = '192.168.7.50';
export const OUTSIDER = '203.0.113.9';
export const OWN_TOKEN = ['-H', `X-Plex-Token: ${OWNER_TOKEN}`] as const;
const LOOPBACK = /^127\./;

export interface GuardedHomeOptions extends PlexOptions {
  /** Lines below `[access]`, beside `trusted_proxies` and `lan_networks`. */
  readonly access?: string;
  /** Whole sections. */
  readonly sections?: string;
  /** `[server]` lines. */
  readonly server?: string;
  /** `[listen]` lines, beside address and port. */
  readonly listen?: string;
  /** Do not wait until the server is known to be claimed. */
  readonly isUnclaimed?: boolean;
}

export class GuardedHome {
  readonly home: PlexHome;
  readonly caFile: string;
  gateway!: RunningProgram;
  #linesRead = 0;

  constructor(home: PlexHome) {
    this.home = home;
    this.caFile = join(home.installation.folder, 'root.pem');
    writeFileSync(this.caFile, home.rootPem);
  }

  static async start(options: GuardedHomeOptions = {}): Promise<GuardedHome> {
    const guarded = new GuardedHome(await makePlexHome(options));
    guarded.configure(options);
    await guarded.run(options);
    return guarded;
  }

  configure(options: GuardedHomeOptions): void {
    this.home.installation.configure(guardedToml(this.home, options));
  }

  async run({ isUnclaimed }: GuardedHomeOptions = {}): Promise<void> {
    this.gateway = await this.home.installation.run();
    this.#linesRead = 0;
    if (isUnclaimed !== true) await this.gateway.line((line) => line['state'] === 'claimed');
  }

  /** Ends the program without a word, once it has written down which server it has seen, and starts it again. */
  async restart(options: GuardedHomeOptions = {}, whileDown: () => void = () => {}): Promise<void> {
    const memory = join(this.home.installation.stateDir, 'server.json');
    while (!existsSync(memory)) await new Promise((resolve) => setTimeout(resolve, 10));
    await this.gateway.kill();
    whileDown();
    await this.run(options);
  }

  /** Writes a new file and has it taken. */
  async reload(options: GuardedHomeOptions): Promise<void> {
    this.configure(options);
    const outcome = await this.home.installation.command(['reload']);
    if (outcome.status !== 0) throw new Error(outcome.stderr);
  }

  get plex(): PlexHome['plex'] {
    return this.home.plex;
  }

  /** `name:port` that the certificate covers. */
  get authority(): string {
    return `${this.home.name('127-0-0-1')}:${this.gateway.port}`;
  }

  /** A request over TLS from `client`: from that loopback address itself, else through the trusted proxy. */
  ask(client: string, path: string, ...args: readonly string[]): Promise<CurlAnswer> {
    const { authority } = this;
    const tls = ['--cacert', this.caFile, '--resolve', `${authority}:127.0.0.1`];
    return curl(...senderArguments(client), ...tls, '--path-as-is', ...args, `https://${authority}${path}`);
  }

  /** The same over plain HTTP, by address. */
  askPlainly(client: string, path: string, ...args: readonly string[]): Promise<CurlAnswer> {
    const url = `http://127.0.0.1:${this.gateway.port}${path}`;
    return curl(...senderArguments(client), '--path-as-is', ...args, url);
  }

  /** What the running gateway says that it would do. */
  async explain(...args: readonly string[]): Promise<{ rule: string; outcome: string; change?: string }> {
    const outcome = await this.home.installation.command(['explain', ...args, '--json']);
    if (outcome.status !== 0) throw new Error(outcome.stderr);
    return JSON.parse(outcome.stdout) as { rule: string; outcome: string; change?: string };
  }

  async status(): Promise<Record<string, unknown>> {
    const outcome = await this.home.installation.command(['status', '--json']);
    return JSON.parse(outcome.stdout) as Record<string, unknown>;
  }

  /** The access log's next line about `path`. */
  async accessLine(path: string): Promise<LogLine> {
    const line = await this.gateway.line(
      (candidate) => this.gateway.lines.indexOf(candidate) >= this.#linesRead && candidate['path'] === path,
    );
    this.#linesRead = this.gateway.lines.indexOf(line) + 1;
    return line;
  }

  /** Requests of clients that came to the server, as method and URL. */
  get reached(): readonly string[] {
    return this.plex.requests.filter(isForwarded).map(({ method, url }) => `${method} ${url}`);
  }

  /** The last of them. */
  get lastReached(): SeenRequest {
    const last = this.plex.requests.findLast(isForwarded);
    if (last === undefined) throw new Error('nothing has come to the server');
    return last;
  }

  async close(): Promise<void> {
    await this.home.close();
  }
}

/** The gateway's own probes and verifications carry no forwarding fields. */
export function isForwarded(seen: SeenRequest): boolean {
  return seen.header('x-forwarded-proto') !== undefined;
}

function guardedToml(home: PlexHome, options: GuardedHomeOptions): string {
  const { access = '', sections = '', server = '', listen = '' } = options;
  const networks = `[access]\ntrusted_proxies = "${PROXY}"\nlan_networks = "192.168.7.0/24"\n${access}`;
  const toml = home.toml(`${networks}\n[log]\naccess = "all"\n${sections}`);
  return toml.replace('[server]', `[server]\n${server}`).replace('[listen]', `[listen]\n${listen}`);
}

function senderArguments(client: string): string[] {
  if (LOOPBACK.test(client)) return ['--interface', client];
  return ['--interface', PROXY, '-H', `X-Forwarded-For: ${client}`];
}
