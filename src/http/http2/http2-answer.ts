/** The answer on an HTTP/2 stream, written like one of HTTP/1: with backpressure, trailers, and a reset where a connection would break off. */
import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { Writable } from 'node:stream';
import type { ClientAnswer } from '../client-message.ts';
import { headerObject, isHopByHop } from '../headers.ts';
import type { Http2Request } from './http2-request.ts';

/** They have no content, and so no length of one: HTTP/2 takes a length without the bytes for a broken answer (RFC 9110 section 8.6). */
const WITHOUT_LENGTH: ReadonlySet<number> = new Set([204, 205]);

export class Http2Answer extends Writable implements ClientAnswer {
  readonly req: Http2Request;
  readonly socket = null;
  statusCode = 200;
  sendDate = true;
  /** The stream serves one request in any case, and the connection goes on. */
  shouldKeepAlive = true;
  chunkedEncoding = false;
  readonly #stream: ServerHttp2Stream;
  readonly #onSent: (byteLength: number) => void;
  #trailers: OutgoingHttpHeaders = {};

  /** `onSent` hears of the head, and of each piece of the body when it has left for the network. */
  constructor(stream: ServerHttp2Stream, request: Http2Request, onSent: (byteLength: number) => void) {
    super();
    this.#stream = stream;
    this.req = request;
    this.#onSent = onSent;
    stream.on('error', ignoreError);
    // `close` waits for a body that nobody reads.
    stream.once('aborted', () => this.destroy());
    stream.once('close', () => this.destroy());
    stream.once('wantTrailers', () => {
      if (!this.#isGone) stream.sendTrailers(this.#trailers);
    });
  }

  get headersSent(): boolean {
    return this.#stream.headersSent;
  }

  /** Reason phrases do not exist in HTTP/2, nor do fields between two neighbours only. Throws on what Node refuses to write. */
  writeHead(
    status: number,
    reasonOrHeaders?: string | OutgoingHttpHeaders,
    rawHeaders: readonly OutgoingHttpHeader[] = rawFields(reasonOrHeaders),
  ): this {
    if (this.#isGone) return this;
    const fields: string[] = [];
    let byteLength = 0;
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = String(rawHeaders[index]).toLowerCase();
      if (isHopByHop(name) || (name === 'content-length' && WITHOUT_LENGTH.has(status))) continue;
      const value = String(rawHeaders[index + 1]);
      fields.push(name, value);
      byteLength += name.length + value.length;
    }
    this.statusCode = status;
    this.chunkedEncoding = !fields.some((text, index) => index % 2 === 0 && text === 'content-length');
    const options = { sendDate: this.sendDate, waitForTrailers: this.chunkedEncoding };
    this.#stream.respond([':status', String(status), ...fields], options);
    this.#onSent(byteLength);
    return this;
  }

  flushHeaders(): void {
    if (!this.headersSent) this.writeHead(this.statusCode);
  }

  addTrailers(trailers: readonly [string, string][]): void {
    this.#trailers = headerObject(trailers.flatMap(([name, value]) => [name.toLowerCase(), value]));
  }

  writeContinue(): void {
    if (!this.#isGone) this.#stream.additionalHeaders({ ':status': 100 });
  }

  writeEarlyHints({ link }: { readonly link: string | string[] }): void {
    if (!this.#isGone) this.#stream.additionalHeaders({ ':status': 103, link });
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.flushHeaders();
    // Node has ended the stream by itself where there is no body: HEAD, 204, 304.
    if (this.#stream.writableEnded) {
      done();
      return;
    }
    this.#stream.write(chunk, (error) => {
      this.#onSent(chunk.length);
      done(error);
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.flushHeaders();
    if (this.#stream.writableEnded) done();
    else this.#stream.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // INTERNAL_ERROR. Node's `close` with a code would end the stream in order first: players mark the film as watched.
    if (!this.writableFinished) this.#stream.destroy(new Error('the answer breaks off'));
    // Behind a whole answer, what is still coming of the request is not wanted (RFC 9113 section 8.1).
    else if (!this.req.complete) this.#stream.close(constants.NGHTTP2_NO_ERROR);
    this.#stream.resume();
    done(error);
  }

  get #isGone(): boolean {
    return this.#stream.closed || this.#stream.destroyed;
  }
}

function rawFields(headers: string | OutgoingHttpHeaders | undefined): string[] {
  if (headers === undefined || typeof headers === 'string') return [];
  return Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
}

function ignoreError(): void {
  // Followed by `close`.
}
