/** What every stand-in media server shares: HTTP and HTTPS on one port, a log of what it saw, switchable misbehaviour. */
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';

const TLS_HANDSHAKE = 0x16;
/** Larger than any limit of the gateway, so that it is the gateway's limit that a test meets. */
const MAX_HEADER_BYTES = 256 * 1024;

/** One request as it arrived, before anything was made of it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly secure: boolean;
  /** The first value of a header, any case. */
  header(name: string): string | undefined;
  /** All values of a header, any case, in order. */
  values(name: string): readonly string[];
  /** The server took the request for one with rights (a good token, or because it trusts everybody). */
  authenticated: boolean;
  /** Filled in when the whole body has arrived. */
  body: { readonly bytes: number; readonly sha256: string } | undefined;
  /** The client went away, or the connection broke, before the answer was complete. */
  aborted: boolean;
}

/**
 * How to fail. `silent`: read the request, never answer. `reset`: TCP reset instead of an answer. `die-mid-body`: announce
 * the whole body, send `afterBytes` of it, then break the connection. `raw`: these bytes instead of an answer, then FIN
 * (`keepOpen`: nothing more). `late`: the answer of this moment, sent when `until` resolves (small answers only).
 */
export type Misbehaviour =
  | { readonly kind: 'silent' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'die-mid-body'; readonly afterBytes: number }
  | { readonly kind: 'raw'; readonly bytes: string | Buffer; readonly keepOpen?: boolean }
  | { readonly kind: 'late'; readonly until: Promise<unknown> };

export interface StandInOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** PEM; then the port speaks TLS too, told apart by the first byte. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** How long an idle connection is kept; default 65 s, as long as no test runs. */
  readonly keepAliveMs?: number;
}

/** Answers one request; `seen` is its entry in the log. */
export type Answer = (request: http.IncomingMessage, response: http.ServerResponse, seen: SeenRequest) => void;
/** Answers one upgrade. */
export type AnswerUpgrade = (request: http.IncomingMessage, socket: Duplex, head: Buffer, seen: SeenRequest) => void;

export class StandIn extends EventEmitter<{ request: [SeenRequest]; settled: [SeenRequest] }> {
  readonly host: string;
  /** Every request that was seen, upgrades too. */
  readonly requests: SeenRequest[] = [];
  /** What becomes of new connections. `deaf`: accepted, never read. `reset`: reset at once. */
  connections: 'serve' | 'deaf' | 'reset' = 'serve';
  /** TCP connections accepted so far. */
  accepted = 0;
  readonly #plain: http.Server;
  readonly #secure: https.Server | undefined;
  readonly #sockets = new Set<net.Socket>();
  #listener: net.Server | undefined;
  #port: number;
  #misbehaviour: { how: Misbehaviour; when: (url: string) => boolean } | undefined;

  constructor(options: StandInOptions, answer: Answer, answerUpgrade: AnswerUpgrade) {
    super();
    this.host = options.host ?? '127.0.0.1';
    this.#port = options.port ?? 0;
    this.#plain = http.createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 0 });
    this.#secure =
      options.tls === undefined
        ? undefined
        : https.createServer({ ...options.tls, maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: 0 });
    for (const server of [this.#plain, this.#secure]) {
      if (server === undefined) continue;
      server.keepAliveTimeout = options.keepAliveMs ?? 65_000;
      server.on('request', (request, response) => this.#onRequest(request, response, answer));
      server.on('upgrade', (request, socket, head) => answerUpgrade(request, socket, head, this.#note(request)));
    }
    this.#secure?.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://${this.#authority}`;
  }

  get httpsUrl(): string {
    return `https://${this.#authority}`;
  }

  /** TCP connections open now. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  get #authority(): string {
    return net.isIPv6(this.host) ? `[${this.host}]:${this.#port}` : `${this.host}:${this.#port}`;
  }

  /** Listens; after `stop` on the same port as before. */
  async listen(): Promise<void> {
    const listener = net.createServer((socket) => this.#onConnection(socket));
    listener.listen({ host: this.host, port: this.#port, ipv6Only: true });
    await once(listener, 'listening');
    this.#listener = listener;
    this.#port = (listener.address() as net.AddressInfo).port;
  }

  /** Closes the listener and every connection: from now on connecting is refused. */
  async stop(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#listener = undefined;
    const closed = once(listener, 'close');
    listener.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Misbehaves from now on for requests whose target satisfies `when` (default: all); without arguments: behaves again. */
  misbehave(how?: Misbehaviour, when: (url: string) => boolean = () => true): void {
    this.#misbehaviour = how === undefined ? undefined : { how, when };
  }

  /** The first request, past or future, that satisfies `matches`. */
  async waitForRequest(matches: (request: SeenRequest) => boolean, timeoutMs = 15_000): Promise<SeenRequest> {
    const signal = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const found = this.requests.find(matches);
      if (found !== undefined) return found;
      await once(this, 'request', { signal });
    }
  }

  #onConnection(socket: net.Socket): void {
    this.accepted++;
    socket.on('error', () => {});
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.connections === 'reset') socket.resetAndDestroy();
    else if (this.connections === 'deaf') socket.pause();
    else if (this.#secure === undefined) this.#plain.emit('connection', socket);
    else this.#sniff(socket, this.#secure);
  }

  #sniff(socket: net.Socket, secure: https.Server): void {
    socket.once('data', (chunk: Buffer) => {
      socket.pause();
      socket.unshift(chunk);
      const server = chunk[0] === TLS_HANDSHAKE ? secure : this.#plain;
      server.emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  }

  #onRequest(request: http.IncomingMessage, response: http.ServerResponse, answer: Answer): void {
    const seen = this.#note(request);
    response.on('error', () => {});
    response.once('close', () => {
      seen.aborted = !response.writableFinished;
      this.emit('settled', seen);
    });
    const how = this.#misbehaviour?.when(seen.url) ? this.#misbehaviour.how : undefined;
    if (how?.kind === 'die-mid-body') breakAfter(response, how.afterBytes);
    if (how?.kind === 'late') endLate(response, how.until);
    const answers = how === undefined || how.kind === 'die-mid-body' || how.kind === 'late';
    if (answers) answer(request, response, seen);
    else request.resume();
    if (how?.kind === 'reset') this.#reset(request.socket.remotePort);
    if (how?.kind === 'raw') writeRaw(request.socket, how);
  }

  /** Resets the TCP connection itself, also below TLS. */
  #reset(remotePort: number | undefined): void {
    for (const socket of this.#sockets) if (socket.remotePort === remotePort) socket.resetAndDestroy();
  }

  #note(request: http.IncomingMessage): SeenRequest {
    const values = (name: string) => valuesOf(request.rawHeaders, name);
    const seen: SeenRequest = {
      method: request.method ?? '',
      url: request.url ?? '',
      httpVersion: request.httpVersion,
      rawHeaders: request.rawHeaders,
      remoteAddress: request.socket.remoteAddress ?? '',
      remotePort: request.socket.remotePort ?? 0,
      secure: 'encrypted' in request.socket,
      header: (name) => values(name)[0],
      values,
      authenticated: false,
      body: undefined,
      aborted: false,
    };
    this.requests.push(seen);
    queueMicrotask(() => this.emit('request', seen));
    return seen;
  }
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const found: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name.toLowerCase()) found.push(rawHeaders[index + 1] ?? '');
  }
  return found;
}

function writeRaw(socket: net.Socket, how: { bytes: string | Buffer; keepOpen?: boolean }): void {
  if (how.keepOpen === true) socket.write(how.bytes);
  else socket.end(how.bytes);
}

/** Lets `bytes` of the body through, then breaks the connection. */
function breakAfter(response: http.ServerResponse, bytes: number): void {
  let left = bytes;
  const write = response.write.bind(response) as (chunk: Buffer, done: () => void) => boolean;
  const send = (chunk: unknown) => {
    if (left <= 0) return;
    const part = Buffer.from(chunk as Buffer).subarray(0, left);
    left -= part.length;
    write(part, () => {
      if (left <= 0) response.socket?.destroy();
    });
  };
  response.write = ((chunk: unknown) => {
    send(chunk);
    return true;
  }) as typeof response.write;
  response.end = ((chunk: unknown) => {
    if (chunk !== undefined && typeof chunk !== 'function') send(chunk);
    return response;
  }) as typeof response.end;
}

function endLate(response: http.ServerResponse, until: Promise<unknown>): void {
  const end = response.end.bind(response) as (chunk: unknown) => http.ServerResponse;
  response.end = ((chunk: unknown) => {
    void until.then(() => end(chunk));
    return response;
  }) as typeof response.end;
}

/** Reads the whole body, notes its size and hash in the log, and hands it over (only `keepBytes` of it are kept). */
export async function readBody(
  request: http.IncomingMessage,
  seen: SeenRequest,
  keepBytes = 64 * 1024,
): Promise<Buffer> {
  const hash = createHash('sha256');
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (bytes < keepBytes) kept.push(chunk.subarray(0, keepBytes - bytes));
    bytes += chunk.length;
  }
  seen.body = { bytes, sha256: hash.digest('hex') };
  return Buffer.concat(kept);
}
