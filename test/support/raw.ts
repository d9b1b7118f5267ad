/** A client that writes bytes as it likes and reads them as they come: for everything that a well-behaved client cannot send. */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

const DEADLINE_MS = 15_000;

/** One answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly statusLine: string;
  /** Name, value, name, value. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Raw lines behind the last chunk. */
  readonly trailers: readonly string[];
  header(name: string): string | undefined;
  values(name: string): readonly string[];
}

export interface RawClientOptions {
  readonly port: number;
  readonly host?: string;
  readonly localAddress?: string;
  /** Present: the client speaks TLS. */
  readonly tls?: ConnectionOptions;
  /** Keep the sending side open when the other side ends. */
  readonly allowHalfOpen?: boolean;
}

/** Connects; rejects when that fails. */
export async function connectRaw(options: RawClientOptions): Promise<RawClient> {
  const { port, host = '127.0.0.1', localAddress, allowHalfOpen = false } = options;
  const base = { port, host, allowHalfOpen, ...(localAddress === undefined ? {} : { localAddress }) };
  const socket =
    options.tls === undefined ? connect(base) : connectTls({ ...base, rejectUnauthorized: false, ...options.tls });
  socket.setNoDelay(true);
  const client = new RawClient(socket);
  await client.waitFor(() => client.isConnected || client.isClosed, 'the connection');
  if (!client.isConnected) throw client.error ?? new Error('the connection was closed');
  return client;
}

/** Sends one request on a connection of its own and reads the answer. */
export async function exchangeRaw(
  options: RawClientOptions,
  request: string | Buffer,
  method = 'GET',
): Promise<RawAnswer> {
  const client = await connectRaw(options);
  client.write(request);
  const answer = await client.readAnswer(method);
  client.destroy();
  return answer;
}

export class RawClient {
  readonly socket: Socket;
  isConnected = false;
  /** The other side has ended in order (FIN, or close_notify). */
  hasEnded = false;
  isClosed = false;
  error: Error | undefined;
  /** Bytes that came and were not read yet. */
  unread: Buffer = Buffer.alloc(0);
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    const changed = () => {
      for (const check of [...this.#waiting]) check();
    };
    socket.on('data', (chunk: Buffer) => {
      this.unread = Buffer.concat([this.unread, chunk]);
      changed();
    });
    socket.on('end', () => {
      this.hasEnded = true;
      changed();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.isClosed = true;
      changed();
    });
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => {
      this.isConnected = true;
      changed();
    });
  }

  get text(): string {
    return this.unread.toString('latin1');
  }

  /** Strings are Latin-1: one character, one byte. */
  write(data: string | Buffer): this {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
    return this;
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Resolves when `isTrue` is; rejects after `timeoutMs`, naming what was waited for. */
  waitFor(isTrue: () => boolean, what: string, timeoutMs = DEADLINE_MS): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        action();
      };
      const check = () => {
        if (isTrue()) settle(resolve);
      };
      const timer = setTimeout(
        () => settle(() => reject(new Error(`no ${what}; so far: ${JSON.stringify(this.text)}`))),
        timeoutMs,
      );
      this.#waiting.add(check);
      check();
    });
  }

  async closed(timeoutMs = DEADLINE_MS): Promise<void> {
    await this.waitFor(() => this.isClosed, 'end of the connection', timeoutMs);
  }

  /** Reads up to and including `mark`. */
  async readUntil(mark: string): Promise<string> {
    await this.waitFor(() => this.text.includes(mark) || this.isClosed, JSON.stringify(mark));
    const end = this.text.indexOf(mark);
    if (end < 0) throw new Error(`closed before ${JSON.stringify(mark)}: ${JSON.stringify(this.text)}`);
    return this.#take(end + mark.length).toString('latin1');
  }

  async readBytes(count: number): Promise<Buffer> {
    await this.waitFor(() => this.unread.length >= count || this.isClosed, `${count} bytes`);
    if (this.unread.length < count) throw new Error(`closed after ${this.unread.length} of ${count} bytes`);
    return this.#take(count);
  }

  /** Everything until the connection closes. */
  async readToEnd(): Promise<Buffer> {
    await this.closed();
    return this.#take(this.unread.length);
  }

  /** Reads one answer by its framing; rejects when the connection closes inside it. */
  async readAnswer(method = 'GET'): Promise<RawAnswer> {
    const head = await this.readUntil('\r\n\r\n');
    const [statusLine = '', ...lines] = head.slice(0, -4).split('\r\n');
    const rawHeaders = lines.flatMap((line) => [
      line.slice(0, line.indexOf(':')),
      line.slice(line.indexOf(':') + 1).trim(),
    ]);
    const values = (name: string) =>
      rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name.toLowerCase());
    const header = (name: string) => values(name)[0];
    const status = Number(statusLine.split(' ')[1]);
    const hasBody = method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304;
    const trailers: string[] = [];
    const body = hasBody ? await this.#readBody(header, trailers) : Buffer.alloc(0);
    return { status, statusLine, rawHeaders, body, trailers, header, values };
  }

  async #readBody(header: (name: string) => string | undefined, trailers: string[]): Promise<Buffer> {
    const length = header('content-length');
    if (length !== undefined) return this.readBytes(Number(length));
    if (header('transfer-encoding') === undefined) return this.readToEnd();
    const chunks: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(await this.readUntil('\r\n'), 16);
      if (size === 0) break;
      chunks.push(await this.readBytes(size));
      await this.readUntil('\r\n');
    }
    for (let line = await this.readUntil('\r\n'); line !== '\r\n'; line = await this.readUntil('\r\n')) {
      trailers.push(line.trimEnd());
    }
    return Buffer.concat(chunks);
  }

  #take(count: number): Buffer {
    const taken = this.unread.subarray(0, count);
    this.unread = this.unread.subarray(count);
    return taken;
  }
}
