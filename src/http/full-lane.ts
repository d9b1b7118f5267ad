/** The full lane: Node's HTTP behind the edge, in both versions, for everything that the express lane does not take. */
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Refuse } from '../access/decision.ts';
import { systemCodeOf } from '../lib/errors.ts';
import { type Log, silentLog } from '../lib/log.ts';
import { closed } from './closed.ts';
import { ClientConnection } from './connection.ts';
import { ConnectionList, openConnection } from './connections.ts';
import { type Arrival, Exchange } from './exchange.ts';
import { Forwarder } from './forward.ts';
import { speaksHttp2 } from './http2/alpn.ts';
import type { Http2Connection } from './http2/http2-connection.ts';
import type { FullLaneOptions, Lane, OpenConnection } from './lane.ts';
import { DEFAULT_LIMITS, type FullLaneLimits } from './limits.ts';
import { malformed, oversizedHead, readHead } from './message.ts';
import type { Peer } from './request.ts';
import { formatAnswer, refusalAnswer } from './respond.ts';

export type { FullLaneOptions, OpenConnection, PageAsk, RequestRecord } from './lane.ts';

/** A client that vanished without a word is noticed although nothing is sent to it: paused films, quiet WebSockets. */
const TCP_KEEPALIVE_MS = 60_000;
/** How often Node looks for heads that are overdue. */
const HEAD_CHECK_INTERVAL_MS = 2_000;

export interface FullLaneCounters {
  readonly connections: number;
  readonly requestsInFlight: number;
  readonly upgraded: number;
}

export interface FullLane {
  /** Serves a connection. `unread`: bytes that were already read from it. */
  accept(socket: Socket, peer: Peer, unread?: Buffer): void;
  /** Decides again on everything that is open, and cuts what is no longer allowed. Resolves with how many were cut. */
  recheck(): Promise<number>;
  /** Takes no new connection, closes idle ones, lets what runs finish for `graceMs`, then closes the rest. Resolves when all have closed. */
  drain(graceMs: number): Promise<void>;
  readonly counters: FullLaneCounters;
  /** Every open connection. */
  connections(): OpenConnection[];
}

/** Lanes with a way in of their own. */
export type Lanes = Omit<FullLane, 'accept'>;

/** Makes a full lane; it holds no port of its own, connections come by `accept`. */
export function createFullLane(options: FullLaneOptions): FullLane {
  return new NodeLane(options);
}

class NodeLane implements FullLane, Lane {
  readonly options: FullLaneOptions;
  readonly limits: FullLaneLimits;
  readonly forwarder: Forwarder;
  readonly log: Log;
  generation = 0;
  isDraining = false;
  readonly #server: Server;
  readonly #connections = new ConnectionList<ClientConnection>();
  readonly #recheckTimer: NodeJS.Timeout;
  readonly #http2 = new ConnectionList<Http2Connection>();
  #onQuiet: (() => void) | undefined;

  constructor(options: FullLaneOptions) {
    this.options = options;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.log = options.log ?? silentLog;
    this.forwarder = new Forwarder(this.limits);
    this.#server = this.#createServer();
    const recheckUpgraded = () => void this.#decideAgain((exchange) => exchange.isUpgraded || exchange.isFollowing);
    this.#recheckTimer = setInterval(recheckUpgraded, this.limits.upgradeRecheckMs).unref();
  }

  get counters(): FullLaneCounters {
    const exchanges = this.#exchanges();
    const upgraded = exchanges.filter((exchange) => exchange.isUpgraded).length;
    const connections = this.#connections.size + this.#http2.size;
    return { connections, requestsInFlight: exchanges.length - upgraded, upgraded };
  }

  connections(): OpenConnection[] {
    const overHttp1 = this.#connections.all().map((connection) => {
      const [first] = connection.turns;
      const isUpgraded = first instanceof Exchange && first.isUpgraded;
      return openConnection(connection, { isBusy: first !== undefined && !isUpgraded, isUpgraded });
    });
    return [...overHttp1, ...this.#http2.all().map((connection) => connection.view)];
  }

  accept(socket: Socket, peer: Peer, unread?: Buffer): void {
    if (this.isDraining) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    if (speaksHttp2(socket)) {
      void this.#acceptHttp2(socket, peer);
      return;
    }
    if (unread !== undefined && unread.length > 0) socket.unshift(unread);
    this.#connections.add(new ClientConnection(socket, peer, this.limits));
    this.#server.emit('connection', socket);
    if (socket.isPaused()) socket.resume();
  }

  recheck(): Promise<number> {
    this.generation += 1;
    return this.#decideAgain((exchange) => exchange.isOpen);
  }

  async drain(graceMs: number): Promise<void> {
    this.isDraining = true;
    clearInterval(this.#recheckTimer);
    for (const connection of this.#connections.all()) if (connection.isIdle) connection.socket.destroy();
    for (const exchange of this.#exchanges()) exchange.endFollowing();
    for (const connection of this.#http2.all()) connection.end();
    await this.#quiet(graceMs);
    const cut = [...this.#connections.all(), ...this.#http2.all()];
    for (const connection of cut) connection.cut();
    await Promise.all(cut.map(({ socket }) => closed(socket)));
    this.forwarder.close();
    this.#server.close();
  }

  /** Loaded with the first that comes: a gateway without HTTP/2 has no use for it. */
  async #acceptHttp2(socket: Socket, peer: Peer): Promise<void> {
    socket.on('error', ignoreError);
    const { Http2Connection } = await import('./http2/http2-connection.ts');
    if (this.isDraining || socket.destroyed) {
      socket.destroy();
      return;
    }
    const connection = new Http2Connection(socket, peer, this, (exchange) => this.#report(exchange));
    this.#http2.add(connection);
    socket.once('close', () => this.#checkQuiet());
  }

  #createServer(): Server {
    const server = createServer({
      maxHeaderSize: this.limits.headerBytes,
      headersTimeout: this.limits.headTimeoutMs,
      connectionsCheckingInterval: Math.min(HEAD_CHECK_INTERVAL_MS, this.limits.headTimeoutMs),
      // It would end an upload of many GB; the idle rules of an exchange take its place.
      requestTimeout: 0,
      keepAliveTimeout: this.limits.keepAliveTimeoutMs,
      insecureHTTPParser: false,
      // HTTP/1.1 without Host is refused by `readHead`, with a reason.
      requireHostHeader: false,
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: isWebSocketUpgrade,
    });
    // Node drops header lines above a limit without a word; `readHead` counts them.
    server.maxHeadersCount = 0;
    // A client that has closed only its sending side still gets its answer (`halfClosedTimeoutMs`).
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on('request', (request, response) => this.#begin(request, response, false));
    server.on('checkContinue', (request, response) => this.#begin(request, response, true));
    server.on('checkExpectation', (request, response) => this.#begin(request, response, false));
    server.on('upgrade', (request, socket, firstBytes) => this.#beginUpgrade(request, socket as Socket, firstBytes));
    server.on('connect', (_request, socket) => this.#refuseConnect(socket as Socket));
    server.on('clientError', (error, socket) => this.#clientError(error, socket as Socket));
    // A server that gets its connections handed looks for overdue heads only after this.
    server.emit('listening');
    return server;
  }

  #begin(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const connection = this.#connections.of(request.socket);
    if (connection === undefined || request.socket.destroyed) request.socket.destroy();
    else this.#enqueue(connection, { carrier: connection, request, response, expectsContinue });
  }

  #beginUpgrade(request: IncomingMessage, socket: Socket, firstBytes: Buffer): void {
    const connection = this.#detached(socket);
    if (connection === undefined) return;
    const response = responseOn(socket, request);
    const upgrade = { socket, response, firstBytes };
    this.#enqueue(connection, { carrier: connection, request, response, upgrade });
  }

  #refuseConnect(socket: Socket): void {
    const connection = this.#detached(socket);
    connection?.enqueue(this.#refusalTurn(connection, malformed('The method CONNECT is not served.')));
  }

  /** A socket that Node has let go of, with its listeners. Undefined when an answer is still under way on it: then it is closed. */
  #detached(socket: Socket): ClientConnection | undefined {
    socket.on('error', ignoreError);
    const connection = this.#connections.of(socket);
    if (connection?.isIdle === true) return connection;
    socket.destroy();
    return undefined;
  }

  #enqueue(connection: ClientConnection, arrival: Arrival): void {
    const exchange = new Exchange(this, arrival);
    connection.enqueue(exchange);
    if (arrival.upgrade === undefined) arrival.response.once('close', () => this.#finished(exchange, connection));
    else connection.socket.once('close', () => this.#finished(exchange, connection));
  }

  #finished(exchange: Exchange, connection: ClientConnection): void {
    this.#report(exchange);
    if (this.isDraining && connection.isIdle) connection.socket.end();
    this.#checkQuiet();
  }

  #report(exchange: Exchange): void {
    if (exchange.hasStarted) this.options.onFinished?.(exchange.record());
  }

  #clientError(error: Error, socket: Socket): void {
    const connection = this.#connections.of(socket);
    const code = systemCodeOf(error) ?? '';
    if (connection === undefined || socket.destroyed) socket.destroy();
    else if (code === 'ERR_HTTP_REQUEST_TIMEOUT') this.#headOverdue(connection);
    else if (!code.startsWith('HPE_') || code === 'HPE_INVALID_EOF_STATE') socket.destroy();
    else connection.failed(this.#refusalTurn(connection, refusalOf(code)));
  }

  /** A client that is slow with its next head does not lose the answer before it. */
  #headOverdue(connection: ClientConnection): void {
    if (connection.isIdle) connection.socket.destroy();
  }

  /** A refusal of bytes that never became a request. */
  #refusalTurn(connection: ClientConnection, refusal: Refuse) {
    const { socket, peer } = connection;
    const start = () => {
      socket.end(formatAnswer(refusalAnswer(refusal)));
      const deadline = setTimeout(() => socket.destroy(), this.limits.refusedBodyTimeoutMs);
      socket.once('close', () => clearTimeout(deadline));
      this.options.onFinished?.({
        lane: 'full',
        client: peer.address,
        method: '',
        path: '',
        status: refusal.status,
        rule: refusal.rule,
        reason: refusal.reason,
        ...connection.takeTraffic(),
        durationMs: 0,
        upgraded: false,
        aborted: false,
      });
    };
    return { response: undefined, start, bodyUnreadable: () => false };
  }

  async #decideAgain(isMeant: (exchange: Exchange) => boolean): Promise<number> {
    const open = this.#exchanges().filter(isMeant);
    const cut = await Promise.all(open.map((exchange) => exchange.decideAgain()));
    return cut.filter(Boolean).length;
  }

  /** Every request that runs or waits. */
  #exchanges(): Exchange[] {
    const turns = this.#connections.all().flatMap((connection) => connection.turns);
    const streams = this.#http2.all().flatMap((connection) => connection.exchanges);
    return turns.filter((turn) => turn instanceof Exchange).concat(streams);
  }

  #quiet(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const deadline = setTimeout(resolve, graceMs);
      this.#onQuiet = () => {
        clearTimeout(deadline);
        resolve();
      };
      this.#checkQuiet();
    });
  }

  /** WebSockets do not finish by themselves: they keep nobody waiting. A connection of HTTP/2 does, and the ends of its answers with it. */
  #checkQuiet(): void {
    if (this.#onQuiet === undefined) return;
    if (this.counters.requestsInFlight === 0 && this.#http2.size === 0) this.#onQuiet();
  }
}

function isWebSocketUpgrade(request: IncomingMessage): boolean {
  const { method = '', url: target = '', httpVersion, rawHeaders } = request;
  const reading = readHead({ method, target, httpVersion, rawHeaders });
  return reading.readable && reading.head.upgrade;
}

function refusalOf(parserCode: string): Refuse {
  if (parserCode === 'HPE_HEADER_OVERFLOW') return oversizedHead;
  return malformed('The request cannot be read in exactly one way.');
}

/** A response on a socket that Node has detached from its server; the connection closes behind it. */
function responseOn(socket: Socket, request: IncomingMessage): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  socket.on('drain', () => response.emit('drain'));
  socket.on('timeout', () => response.emit('timeout', socket));
  response.once('finish', () => {
    response.detachSocket(socket);
    socket.destroySoon();
  });
  return response;
}

function ignoreError(): void {
  // Followed by `close`, where the exchange ends.
}
