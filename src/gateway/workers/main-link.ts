/** A worker's side of the channel: what it asks the main process, and what it tells it. */
import type { GateAnswer } from '../../access/deputy.ts';
import type { PageAsk, RequestRecord } from '../../http/full-lane.ts';
import type { UpstreamAnswer } from '../../http/lane.ts';
import type { HeadParts } from '../../http/message.ts';
import type { Peer, RequestHead } from '../../http/request.ts';
import type { Log, LogFields } from '../../lib/log.ts';
import type { Admission } from '../reception.ts';
import { Channel, type Ears, type Port } from './channel.ts';
import type { MainSpeech, WorkerSpeech } from './messages.ts';
import { AwaitedPages, readPageBody } from './relayed-page.ts';

/** A verification takes 5 s at most, and the probe before it 2 s. */
const DECISION_TIMEOUT_MS = 10_000;
const ADMISSION_TIMEOUT_MS = 5_000;
/** Requests that have ended are told so often. */
const RECORDS_INTERVAL_MS = 250;
const MAX_RECORDS = 500;

export class MainLink {
  readonly log: Log;
  readonly pages: AwaitedPages;
  readonly #channel: Channel<WorkerSpeech, MainSpeech>;
  readonly #numbers = new WeakMap<RequestHead, number>();
  #lastNumber = 0;
  #records: RequestRecord[] = [];
  #waitsMs: number[] = [];
  #flushing: NodeJS.Timeout | undefined;
  isVerbose = false;

  constructor(port: Port, ears: Ears<MainSpeech>) {
    this.#channel = new Channel(port, ears, (error) => this.log.error({ error }, 'a worker could not answer'));
    this.pages = new AwaitedPages((page) => this.#channel.tell('pageGone', page));
    const write = (level: keyof Log) => (fields: LogFields, message: string) => this.#write(level, fields, message);
    const debug = write('debug');
    this.log = {
      debug: (fields, message) => {
        if (this.isVerbose) debug(fields, message);
      },
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    };
  }

  /** The gate's decision; undefined: it did not come in time. */
  decide(head: RequestHead, peer: Peer): Promise<GateAnswer | undefined> {
    return this.#channel.ask(
      'decide',
      { request: this.#numberOf(head), head: partsOf(head), peer },
      DECISION_TIMEOUT_MS,
    );
  }

  /** Whether the client of a balancer may have this connection. */
  async admit(connection: number, client: string): Promise<Admission> {
    return (await this.#channel.ask('admit', { connection, client }, ADMISSION_TIMEOUT_MS)) ?? 'close';
  }

  /** Has a page of the gateway answered. Rejects when the main process cannot. */
  async page({ request, response, head, peer, client, decision }: PageAsk): Promise<void> {
    const body = head.hasBody ? await readPageBody(request) : '';
    if (response.destroyed) return;
    const page = this.pages.add(response);
    const ask = { page, request: this.#numberOf(head), head: partsOf(head), peer, client, decision, body };
    const isAnswered = await this.#channel.ask('page', ask, Number.POSITIVE_INFINITY);
    if (isAnswered !== true) throw new Error('the main process has no answer for a page');
  }

  /** A request has ended; told a little later, together with others. */
  ended(record: RequestRecord): void {
    this.#records.push(record);
    this.#flushSoon();
  }

  /** The media server began an answer. `isTelling`: there is something to learn from it. */
  answered({ head, peer, status, waitedMs }: UpstreamAnswer, isTelling: boolean): void {
    const request = this.#numbers.get(head);
    if (request === undefined && !isTelling) {
      this.#waitsMs.push(waitedMs);
      this.#flushSoon();
      return;
    }
    this.#channel.tell('answered', { request, head: partsOf(head), peer, status, waitedMs });
  }

  upstreamFailed(isConnect: boolean, { message }: Error): void {
    this.#channel.tell('upstreamFailed', { isConnect, message });
  }

  validFrom(address: string): void {
    this.#channel.tell('validFrom', address);
  }

  closed(connection: number): void {
    this.#channel.tell('closed', connection);
  }

  /** Tells what waits to be told. */
  flush(): void {
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    if (this.#records.length + this.#waitsMs.length === 0) return;
    this.#channel.tell('ended', { records: this.#records, waitsMs: this.#waitsMs });
    this.#records = [];
    this.#waitsMs = [];
  }

  #flushSoon(): void {
    if (this.#records.length >= MAX_RECORDS) this.flush();
    else this.#flushing ??= setTimeout(() => this.flush(), RECORDS_INTERVAL_MS);
  }

  #numberOf(head: RequestHead): number {
    const known = this.#numbers.get(head);
    if (known !== undefined) return known;
    this.#lastNumber += 1;
    this.#numbers.set(head, this.#lastNumber);
    return this.#lastNumber;
  }

  #write(level: keyof Log, fields: LogFields, message: string): void {
    this.#channel.tell('log', { level, fields: readable(fields), message });
  }
}

function partsOf({ method, target, httpVersion, rawHeaders }: RequestHead): HeadParts {
  return { method, target, httpVersion, rawHeaders };
}

/** Errors do not survive as JSON. */
function readable(fields: LogFields): LogFields {
  const text = (value: unknown) => (value instanceof Error ? { message: value.message, stack: value.stack } : value);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, text(value)]));
}
