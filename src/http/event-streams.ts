/** Server-sent events (HTML Living Standard, section 9.2): a few streams, each told what has changed of the texts that it follows. */
import { clientKey } from '../net/limits.ts';
import type { ClientAnswer } from './client-message.ts';

const MAX_STREAMS = 32;
const MAX_STREAMS_PER_CLIENT = 4;
/** While anybody follows, a look is taken so often. */
const LOOK_INTERVAL_MS = 2_000;
/** Something is sent so often, however little changes: proxies and idle rules end what is silent. */
const HEARTBEAT_INTERVAL_MS = 15_000;
/** After a lost connection the browser comes back so soon. */
const RETRY_MS = 3_000;
/** Of every stream. */
export const EVENT_STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  // nginx in front would keep events back until its buffer is full.
  'X-Accel-Buffering': 'no',
};

/** Texts by the name of their part. */
export type Parts = Readonly<Record<string, string>>;

export interface EventStreamsOptions {
  /** The parts as they are now; `topic` is what a stream was opened with. */
  readonly partsOf: (topic: string) => Parts;
  /** For tests; default 2 s. */
  readonly lookIntervalMs?: number;
}

/** All open streams. One that does not read gets nothing more until it has read, and then what is so by then: nothing piles up. */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #streams = new Set<EventStream>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  /** Answers with a stream that goes on until its connection ends. Returns false, with nothing written, when there are too many. `client`: canonical address. */
  open(response: ClientAnswer, client: string, topic: string): boolean {
    const key = clientKey(client);
    const ofClient = [...this.#streams].filter((stream) => stream.client === key).length;
    if (this.#streams.size >= MAX_STREAMS || ofClient >= MAX_STREAMS_PER_CLIENT) return false;
    const stream = new EventStream(response, key, topic);
    this.#streams.add(stream);
    response.once('close', () => this.#remove(stream));
    response.writeHead(200, EVENT_STREAM_HEADERS);
    response.write(`retry: ${RETRY_MS}\n\n`);
    stream.show(this.#options.partsOf(topic));
    this.#timer ??= setInterval(() => this.#look(), this.#options.lookIntervalMs ?? LOOK_INTERVAL_MS).unref();
    return true;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Looked at once for all who follow the same. */
  #look(): void {
    for (const [topic, streams] of Map.groupBy(this.#streams, (stream) => stream.topic)) {
      const parts = this.#options.partsOf(topic);
      for (const stream of streams) stream.show(parts);
    }
  }

  #remove(stream: EventStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

class EventStream {
  readonly client: string;
  readonly topic: string;
  readonly #response: ClientAnswer;
  #shown: Parts = {};
  #isFull = false;
  #sentMs = performance.now();

  constructor(response: ClientAnswer, client: string, topic: string) {
    this.#response = response;
    this.client = client;
    this.topic = topic;
    response.on('drain', () => {
      this.#isFull = false;
    });
  }

  /** Sends the parts that are not as they were. */
  show(parts: Parts): void {
    if (this.#isFull || this.#response.writableEnded) return;
    const changed = Object.entries(parts).filter(([name, text]) => this.#shown[name] !== text);
    const isSilent = performance.now() - this.#sentMs >= HEARTBEAT_INTERVAL_MS;
    // As JSON an event is one line, whatever is in it.
    if (changed.length > 0) this.#send(`data: ${JSON.stringify(Object.fromEntries(changed))}\n\n`);
    else if (isSilent) this.#send(':\n\n');
    this.#shown = parts;
  }

  #send(text: string): void {
    this.#sentMs = performance.now();
    this.#isFull = !this.#response.write(text);
  }
}
