/** A media server of raw bytes: what it answers, when, and whether in order, is the test's to say. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { RawClient } from './raw.ts';

/** A request as the origin saw it on the wire. */
export interface OriginRequest {
  readonly line: string;
  readonly method: string;
  readonly target: string;
  /** Name, value, name, value. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  header(name: string): string | undefined;
  values(name: string): readonly string[];
}

/** Acts on one connection, from its first byte to its end. */
export type OriginScript = (connection: OriginConnection) => Promise<void> | void;

/** One accepted connection. */
export class OriginConnection extends RawClient {
  /** Counts from 1, over all connections of the origin. */
  readonly number: number;

  constructor(socket: Socket, number: number) {
    super(socket);
    this.number = number;
  }

  /** Reads a head; the body is left unread. */
  async readHead(): Promise<OriginRequest> {
    const text = await this.readUntil('\r\n\r\n');
    const [line = '', ...lines] = text.slice(0, -4).split('\r\n');
    const [method = '', target = ''] = line.split(' ');
    const rawHeaders = lines.flatMap((field) => [
      field.slice(0, field.indexOf(':')),
      field.slice(field.indexOf(':') + 1).trim(),
    ]);
    const values = (name: string) =>
      rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name.toLowerCase());
    return { line, method, target, rawHeaders, body: Buffer.alloc(0), values, header: (name) => values(name)[0] };
  }

  /** Reads a whole request; a chunked body is put together. */
  async readRequest(): Promise<OriginRequest> {
    const head = await this.readHead();
    if (head.header('transfer-encoding') !== undefined) return { ...head, body: await this.#readChunks() };
    return { ...head, body: await this.readBytes(Number(head.header('content-length') ?? 0)) };
  }

  async #readChunks(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(await this.readUntil('\r\n'), 16);
      const chunk = await this.readBytes(size);
      await this.readUntil('\r\n');
      if (size === 0) return Buffer.concat(chunks);
      chunks.push(chunk);
    }
  }
}

export class Origin {
  readonly port: number;
  readonly host: string;
  /** Every request that `answering` read, in order. */
  readonly requests: OriginRequest[] = [];
  readonly connections: OriginConnection[] = [];
  readonly #server: Server;

  constructor(server: Server) {
    const { port, address } = server.address() as AddressInfo;
    this.port = port;
    this.host = address;
    this.#server = server;
  }

  get openConnections(): number {
    return this.connections.filter((connection) => !connection.isClosed).length;
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Starts an origin on 127.0.0.1 that runs `script` on each connection. A script that throws closes its connection. */
export async function startOrigin(
  script: OriginScript,
  options: { tls?: TlsOptions; host?: string } = {},
): Promise<Origin> {
  const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
  server.listen(0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const origin = new Origin(server);
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    const connection = new OriginConnection(socket, origin.connections.length + 1);
    origin.connections.push(connection);
    Promise.resolve(script(connection)).catch(() => connection.destroy());
  });
  return origin;
}

/** Starts an origin that keeps connections alive and answers each request with the bytes that `answer` returns. */
export async function startAnswering(
  answer: (request: OriginRequest, connection: OriginConnection) => string | Buffer,
  options: { tls?: TlsOptions; host?: string } = {},
): Promise<Origin> {
  const origin: Origin = await startOrigin(async (connection) => {
    while (!connection.isClosed) {
      const request = await connection.readRequest();
      origin.requests.push(request);
      connection.write(answer(request, connection));
    }
  }, options);
  return origin;
}

/** 200 with a text body and its length. */
export function ok(body = 'ok', fields = ''): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${fields}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
