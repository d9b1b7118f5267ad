/** Pages of the gateway, answered by the main process to clients of a worker. */
import { type Readable, Writable } from 'node:stream';
import type { ClientAnswer } from '../../http/client-message.ts';
import type { Channel } from './channel.ts';
import type { MainSpeech, PageChunk, PageHead, WorkerSpeech } from './messages.ts';

/** No form is larger; of what is, enough to see that. */
const MAX_BODY_BYTES = 8_192;
const BODY_TIMEOUT_MS = 10_000;
/** A client that reads nothing for so long is given up. */
const CHUNK_TIMEOUT_MS = 60_000;

/** In the main process: stands for the response to the client. What is written goes through the channel. */
export class RelayedResponse extends Writable {
  readonly #channel: Channel<MainSpeech, WorkerSpeech>;
  readonly #page: number;

  constructor(channel: Channel<MainSpeech, WorkerSpeech>, page: number) {
    super({ decodeStrings: false });
    this.#channel = channel;
    this.#page = page;
  }

  writeHead(status: number, headers: PageHead['headers']): this {
    this.#channel.tell('pageHead', { page: this.#page, status, headers });
    return this;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const isText = typeof chunk === 'string';
    const text = isText ? chunk : chunk.toString('base64');
    const piece: PageChunk = { page: this.#page, text, encoding: isText ? 'utf8' : 'base64' };
    void this.#channel.ask('pageChunk', piece, CHUNK_TIMEOUT_MS).then((isTaken) => {
      if (isTaken === true) done();
      else this.destroy();
    });
  }

  override _final(done: () => void): void {
    this.#channel.tell('pageEnd', this.#page);
    done();
  }
}

/** In a worker: the responses of clients that wait for a page. */
export class AwaitedPages {
  readonly #responses = new Map<number, ClientAnswer>();
  readonly #onGone: (page: number) => void;
  #last = 0;

  /** `onGone`: hears of clients that left. */
  constructor(onGone: (page: number) => void) {
    this.#onGone = onGone;
  }

  /** The number under which the page is asked for. */
  add(response: ClientAnswer): number {
    this.#last += 1;
    const page = this.#last;
    this.#responses.set(page, response);
    response.once('close', () => {
      this.#responses.delete(page);
      this.#onGone(page);
    });
    return page;
  }

  begin({ page, status, headers }: PageHead): void {
    this.#responses.get(page)?.writeHead(status, headers);
  }

  /** Resolves when there is room for more. */
  async write({ page, text, encoding }: PageChunk): Promise<true> {
    const response = this.#responses.get(page);
    if (response === undefined || response.write(text, encoding)) return true;
    return new Promise((resolve) => {
      response.once('drain', () => resolve(true)).once('close', () => resolve(true));
    });
  }

  end(page: number): void {
    this.#responses.get(page)?.end();
  }
}

/** The body of a form as base64, cut when it is larger than any form; what came of it when it does not end. */
export async function readPageBody(request: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const deadline = setTimeout(() => request.destroy(), BODY_TIMEOUT_MS);
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) break;
    }
  } catch {
    // The client is gone: there is nobody to answer.
  } finally {
    clearTimeout(deadline);
  }
  return Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString('base64');
}
