/** A request that comes on an HTTP/2 stream, as the exchange reads it: a head of HTTP/1.1, and a body that ends only when the client says so. */
import type { ServerHttp2Stream } from 'node:http2';
import { Readable } from 'node:stream';
import type { ReceivedRequest } from '../client-message.ts';
import type { HeadParts } from '../message.ts';

export class Http2Request extends Readable implements ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: string[];
  readonly headers: ReceivedRequest['headers'];
  complete = false;
  readonly #stream: ServerHttp2Stream;

  /** `onReceived` hears of each piece of the body that was taken. */
  constructor(stream: ServerHttp2Stream, parts: HeadParts, onReceived: (byteLength: number) => void) {
    super({ emitClose: false });
    this.method = parts.method;
    this.url = parts.target;
    this.httpVersion = parts.httpVersion;
    this.rawHeaders = [...parts.rawHeaders];
    this.headers = framingOf(parts.rawHeaders);
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      onReceived(chunk.length);
      if (!this.push(chunk)) stream.pause();
    });
    stream.once('end', () => this.#ended());
    stream.once('close', () => this.destroy());
    if (stream.endAfterHeaders) this.complete = true;
    else stream.pause();
  }

  override _read(): void {
    this.#stream.resume();
  }

  /** A stream that was reset ends for Node as well: to the server, that must not look like the end of an upload. */
  #ended(): void {
    if (this.#stream.closed) return;
    this.complete = true;
    this.push(null);
  }
}

function framingOf(rawHeaders: readonly string[]): ReceivedRequest['headers'] {
  const framing: ReceivedRequest['headers'] = {};
  for (const name of ['content-length', 'transfer-encoding'] as const) {
    const index = rawHeaders.findIndex((text, at) => at % 2 === 0 && text === name);
    if (index !== -1) framing[name] = rawHeaders[index + 1];
  }
  return framing;
}
