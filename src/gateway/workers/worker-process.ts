/** One worker as the main process sees it: started, told, asked, and answered where the decision is the main process's. */
import { type ChildProcess, spawn } from 'node:child_process';
import { isSea } from 'node:sea';
import { Readable } from 'node:stream';
import type { ClientAnswer, ReceivedRequest } from '../../http/client-message.ts';
import type { FullLaneOptions } from '../../http/full-lane.ts';
import { sameHead } from '../../http/message.ts';
import type { RequestHead } from '../../http/request.ts';
import { BoundedCache } from '../../lib/cache.ts';
import type { Log } from '../../lib/log.ts';
import type { Arrival } from '../reception.ts';
import { Channel } from './channel.ts';
import type { AskedRequest, MainSpeech, WorkerReport, WorkerSpeech } from './messages.ts';
import { RelayedResponse } from './relayed-page.ts';
import { WORKER_COMMAND } from './worker-command.ts';

const RECHECK_TIMEOUT_MS = 10_000;
/** From the end of the drain to the end of the process. */
const END_TIMEOUT_MS = 500;
/** Requests that the media server is judging, sign-ins above all; of one that is forgotten the charge stays. */
const MAX_HEADS = 512;

/** Pages that show what all workers do. */
const SHOW_STANDING: ReadonlySet<string> = new Set(['status', 'events', 'metrics']);

/** What the main process does for its workers. */
export interface MainOffice {
  /** What a proxy lane in this process would be given. */
  readonly lane: FullLaneOptions;
  /** See `GateAnswer`. */
  readonly validForMs: (head: RequestHead) => number;
  readonly noteValidFrom: (address: string) => void;
  /** The media server let a request wait so long for the beginning of its answer. */
  readonly noteWait: (waitedMs: number) => void;
  /** Every worker has said how things stand: for pages that show it. */
  readonly refresh: () => Promise<void>;
  readonly log: Log;
}

export class WorkerProcess {
  readonly #office: MainOffice;
  readonly #child: ChildProcess;
  readonly #channel: Channel<MainSpeech, WorkerSpeech>;
  readonly #connections = new Map<number, Arrival>();
  readonly #heads = new BoundedCache<number, RequestHead>({ max: MAX_HEADS });
  readonly #pages = new Map<number, RelayedResponse>();
  readonly #ended: Promise<string>;
  #given = 0;
  #report: WorkerReport | undefined;

  constructor(office: MainOffice) {
    this.#office = office;
    this.#child = start();
    // Node listens to it for every listener from which it gives sockets away.
    this.#child.setMaxListeners(0);
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(error.message));
      this.#child.once('exit', (status, signal) => resolve(signal ?? `status ${status}`));
    });
    void this.#ended.then(() => this.#lose());
    this.#channel = new Channel<MainSpeech, WorkerSpeech>(
      this.#child,
      {
        notes: {
          log: ({ level, fields, message }) => office.log[level](fields, message),
          ended: ({ records, waitsMs }) => {
            for (const record of records) office.lane.onFinished?.(record);
            for (const waitedMs of waitsMs) office.noteWait(waitedMs);
          },
          answered: ({ request, head, ...answer }) => {
            office.lane.onUpstreamAnswer?.({ ...answer, head: this.#headOf(request, head) });
          },
          upstreamFailed: ({ isConnect, message }) => office.lane.onUpstreamFailure?.(failure(isConnect, message)),
          validFrom: (address) => office.noteValidFrom(address),
          closed: (connection) => this.#close(connection),
          pageGone: (page) => this.#pages.get(page)?.destroy(),
        },
        questions: {
          decide: (asked) => this.#decide(asked),
          admit: ({ connection, client }) => this.#connections.get(connection)?.admitNamed(client) ?? 'close',
          page: (asked) => this.#page(asked),
        },
      },
      (error) => office.log.error({ error }, 'a request failed in the gateway itself'),
    );
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves with how it ended: a signal's name, a status. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /** Connections that it has. */
  get load(): number {
    return this.#connections.size;
  }

  /** The last one; undefined: it is not ready yet. */
  get report(): WorkerReport | undefined {
    return this.#report;
  }

  /** Hands a connection over. */
  give(arrival: Arrival): void {
    this.#given += 1;
    const connection = this.#given;
    this.#connections.set(connection, arrival);
    this.#channel.tell('connection', { connection, admission: arrival.admission }, arrival.socket);
  }

  tellFacts(facts: string): void {
    this.#channel.tell('facts', facts);
  }

  /** No verdict on credentials that it was told counts any more. */
  forget(): void {
    this.#channel.tell('forget', null);
  }

  /** Everything that it has open is decided again. Resolves with how many were cut. */
  async recheck(): Promise<number> {
    return (await this.#channel.ask('recheck', null, RECHECK_TIMEOUT_MS)) ?? 0;
  }

  /** Asks how things stand. False: it does not answer in time. */
  async refresh(timeoutMs: number): Promise<boolean> {
    const report = await this.#channel.ask('report', null, timeoutMs);
    this.#report = report ?? this.#report;
    return report !== undefined;
  }

  closeReception(): void {
    this.#channel.tell('closeReception', null);
  }

  /** Lets what runs finish for `graceMs`, then ends the process. */
  async drain(graceMs: number): Promise<void> {
    await this.#channel.ask('drain', graceMs, graceMs + END_TIMEOUT_MS);
    await this.refresh(END_TIMEOUT_MS);
    if (this.#child.connected) this.#child.disconnect();
    const deadline = setTimeout(() => this.kill(), END_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(deadline);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** The process is gone, and with it what it had. */
  #lose(): void {
    this.#channel.close();
    for (const connection of [...this.#connections.keys()]) this.#close(connection);
    for (const page of [...this.#pages.values()]) page.destroy();
  }

  /** The limits count a connection until its socket closes: for this process the one that was given away does now. */
  #close(connection: number): void {
    const arrival = this.#connections.get(connection);
    this.#connections.delete(connection);
    arrival?.socket.destroy();
  }

  async #decide({ request, head, peer }: AskedRequest) {
    const known = this.#headOf(request, head);
    const decision = await this.#office.lane.decide(known, peer);
    // The gate knows by the very object what it has charged for a request.
    if (decision.action === 'forward' && known.method !== 'GET') this.#heads.set(request, known);
    return { decision, validForMs: this.#office.validForMs(known) };
  }

  async #page({ page, request, head, body, ...ask }: WorkerSpeech['questions']['page']['asked']): Promise<true> {
    const response = new RelayedResponse(this.#channel, page);
    this.#pages.set(page, response);
    response.once('close', () => this.#pages.delete(page));
    if (SHOW_STANDING.has(ask.decision.page)) await this.#office.refresh();
    await this.#office.lane.page({
      ...ask,
      head: this.#headOf(request, head),
      // Pages read the one to its end and write to the other.
      request: Readable.from([Buffer.from(body, 'base64')]) as unknown as ReceivedRequest,
      response: response as unknown as ClientAnswer,
    });
    return true;
  }

  #headOf(request: number | undefined, head: AskedRequest['head']): RequestHead {
    return (request === undefined ? undefined : this.#heads.get(request)) ?? sameHead(head);
  }
}

/**
 * This very program. One file has its flags and its script in itself, and a package whose command is a shell script names that one;
 * else both are on the command line.
 */
function start(): ChildProcess {
  const { execPath, execArgv, argv, env } = process;
  const [, script = ''] = argv;
  const named = env['LOCKGATE_COMMAND'];
  const isWhole = named !== undefined || isSea();
  const words = isWhole ? [WORKER_COMMAND] : [...execArgv, script, WORKER_COMMAND];
  return spawn(named ?? execPath, words, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

function failure(isConnect: boolean, message: string): Error {
  return Object.assign(new Error(message), isConnect ? { syscall: 'connect' } : {});
}
