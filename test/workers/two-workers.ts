/** A guarded home whose gateway has two workers, and clients that stay connected, so that each worker has one. */
import { readFileSync } from 'node:fs';
import { GuardedHome, type GuardedHomeOptions } from '../support/guarded-home.ts';
import { connectRaw, type RawAnswer, type RawClient } from '../support/raw.ts';
import { until } from '../support/until.ts';

/** Longer than the longest wait before a worker is started again. */
const PATIENCE_MS = 45_000;

export interface WorkerView {
  readonly pid: number;
  readonly connections: number;
}

/** `sections`: further sections, but not `[run]`. */
export function startWithWorkers(options: GuardedHomeOptions = {}): Promise<GuardedHome> {
  return GuardedHome.start(withWorkers(options));
}

export function withWorkers(options: GuardedHomeOptions): GuardedHomeOptions {
  return { ...options, sections: `[run]\nworkers = 2\n${options.sections ?? ''}` };
}

export async function workersOf(guarded: GuardedHome): Promise<readonly WorkerView[]> {
  return (await guarded.status())['workers'] as WorkerView[];
}

/** A client with one connection, which it makes again where an answer has ended it. */
export class SteadyClient {
  raw: RawClient;
  readonly #guarded: GuardedHome;
  readonly #connect: () => Promise<RawClient>;
  #isEnding = false;

  private constructor(guarded: GuardedHome, raw: RawClient, connect: () => Promise<RawClient>) {
    this.#guarded = guarded;
    this.raw = raw;
    this.#connect = connect;
  }

  static async open(guarded: GuardedHome, connect: () => Promise<RawClient>): Promise<SteadyClient> {
    return new SteadyClient(guarded, await connect(), connect);
  }

  /** One request, with `headers` as whole lines. */
  async ask(target: string, headers: readonly string[] = [], body?: string): Promise<RawAnswer> {
    await this.#again();
    const [method, path] = target.startsWith('/') ? ['GET', target] : (target.split(' ') as [string, string]);
    const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    const lines = [`${method} ${path} HTTP/1.1`, `Host: ${this.#guarded.authority}`, ...headers, ...length, '', ''];
    this.raw.write(lines.join('\r\n') + (body ?? ''));
    const answer = await this.raw.readAnswer(method);
    this.#isEnding = answer.header('connection')?.toLowerCase() === 'close';
    return answer;
  }

  close(): void {
    this.raw.destroy();
  }

  async #again(): Promise<void> {
    if (!this.#isEnding) return;
    await this.raw.closed();
    this.raw = await this.#connect();
  }
}

/** Connects over TLS from `localAddress`. The gateway gives each connection to the worker that has fewer. */
export function connectSteadily(guarded: GuardedHome, localAddress = '127.0.0.1'): Promise<SteadyClient> {
  const tls = { servername: guarded.home.name('127-0-0-1') };
  return SteadyClient.open(guarded, () => connectRaw({ port: guarded.gateway.port, localAddress, tls }));
}

/** Two clients of different addresses; rejects unless each worker has one of them. */
export async function oneOnEach(
  guarded: GuardedHome,
  addresses: readonly [string, string] = ['127.0.0.2', '127.0.0.3'],
): Promise<[SteadyClient, SteadyClient]> {
  const clients = [];
  for (const address of addresses) clients.push(await connectSteadily(guarded, address));
  const counts = (await workersOf(guarded)).map(({ connections }) => connections);
  if (counts.join() !== '1,1') throw new Error(`the workers have ${counts.join(' and ')} connections`);
  return clients as [SteadyClient, SteadyClient];
}

/** Resolves when no worker has a connection any more: which one gets the next is certain only then. */
export function noneConnected(guarded: GuardedHome): Promise<void> {
  const areIdle = async () => (await workersOf(guarded)).every(({ connections }) => connections === 0);
  return eventually(areIdle, 'no connection is open');
}

/** Resolves as soon as `isTrue` is; rejects when it does not come true. */
export function eventually(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  return until(isTrue, what, PATIENCE_MS);
}

/** A process that has ended and waits to be noticed does not run. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
