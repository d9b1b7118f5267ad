/** Answers questions that come over TCP to one local address (RFC 7766): bounded connections, bounded pipelining, deadlines. */
import { once } from 'node:events';
import { createServer, isIPv6, type Server, type Socket } from 'node:net';
import type { Log } from '../lib/log.ts';
import type { DnsCounters } from './counters.ts';
import { framed, MessageReader } from './message-reader.ts';
import { LOCAL_ANSWER_BYTES, type Responder } from './responder.ts';
import { MAX_QUESTION_BYTES } from './wire.ts';

/** Connections per listening address, and of these per asker; dnsmasq opens up to twenty. */
const MAX_CONNECTIONS = 128;
const MAX_CONNECTIONS_PER_CLIENT = 32;
/** Without a question for this long the connection is closed (RFC 7766 section 6.2.3). */
const IDLE_MS = 10_000;
/** A message that has begun must be complete after this. */
const MESSAGE_MS = 5000;
/** Questions of one connection under way at once; beyond, nothing more is read from it. */
const MAX_PIPELINED = 16;
/** Answers that the asker has not taken yet. */
const MAX_UNSENT_BYTES = 128 * 1024;

export interface TcpListenerOptions {
  /** The responder of the moment: a reload replaces it. */
  readonly responder: () => Responder;
  readonly counters: DnsCounters;
  readonly log: Log;
}

export class TcpListener {
  readonly #server: Server;
  readonly #options: TcpListenerOptions;
  readonly #connections = new Set<TcpConnection>();

  private constructor(server: Server, options: TcpListenerOptions) {
    this.#server = server;
    this.#options = options;
    server.on('connection', (socket) => this.#accept(socket));
    server.on('error', (error) => options.log.error({ error }, 'DNS listener failed'));
  }

  /** Rejects with the system's error when the address cannot be bound. */
  static async open(address: string, port: number, options: TcpListenerOptions): Promise<TcpListener> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const listening = once(server, 'listening');
    server.listen({ host: address, port, ipv6Only: isIPv6(address), exclusive: true });
    await listening;
    return new TcpListener(server, options);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {});
    const asker = socket.remoteAddress;
    const fromSame = [...this.#connections].filter((connection) => connection.asker === asker).length;
    if (asker === undefined || this.#connections.size >= MAX_CONNECTIONS || fromSame >= MAX_CONNECTIONS_PER_CLIENT) {
      this.#options.counters.dropped += 1;
      socket.destroy();
      return;
    }
    const connection = new TcpConnection(socket, asker, this.#options);
    this.#connections.add(connection);
    socket.on('close', () => this.#connections.delete(connection));
  }
}

/** One asker's connection. */
class TcpConnection {
  readonly asker: string;
  readonly #socket: Socket;
  readonly #options: TcpListenerOptions;
  readonly #reader = new MessageReader(MAX_QUESTION_BYTES);
  readonly #out = Buffer.allocUnsafe(LOCAL_ANSWER_BYTES);
  readonly #waiting: Buffer[] = [];
  #underWay = 0;
  #hasEnded = false;
  #messageDeadline: NodeJS.Timeout | undefined;

  constructor(socket: Socket, asker: string, options: TcpListenerOptions) {
    this.#socket = socket;
    this.asker = asker;
    this.#options = options;
    socket.setTimeout(IDLE_MS, () => this.destroy());
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#endWhenDone();
    });
    socket.on('close', () => clearTimeout(this.#messageDeadline));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const messages = this.#reader.push(chunk);
    if (messages === undefined) {
      this.#options.counters.dropped += 1;
      this.destroy();
      return;
    }
    this.#waiting.push(...messages);
    this.#watchMessage(messages.length > 0);
    this.#work();
  }

  /** The deadline runs from the first byte of a message, however many follow. */
  #watchMessage(hasProgress: boolean): void {
    if (hasProgress) {
      clearTimeout(this.#messageDeadline);
      this.#messageDeadline = undefined;
    }
    if (this.#reader.isInside) this.#messageDeadline ??= setTimeout(() => this.destroy(), MESSAGE_MS);
  }

  #work(): void {
    while (this.#underWay < MAX_PIPELINED) {
      const message = this.#waiting.shift();
      if (message === undefined) break;
      this.#answer(message);
    }
    if (this.#waiting.length > 0) this.#socket.pause();
    else this.#socket.resume();
    this.#endWhenDone();
  }

  #answer(message: Buffer): void {
    try {
      const answer = this.#options.responder().respond(message, this.asker, 'tcp', this.#out);
      if (typeof answer === 'number') this.#send(this.#out.subarray(0, answer));
      else this.#answerLater(answer);
    } catch (error) {
      this.#logDefect(error);
    }
  }

  #answerLater(answer: Promise<Buffer>): void {
    this.#underWay += 1;
    answer
      .then((bytes) => this.#send(bytes))
      .catch((error: unknown) => this.#logDefect(error))
      .finally(() => {
        this.#underWay -= 1;
        this.#work();
      });
  }

  #send(answer: Buffer): void {
    if (answer.length === 0 || this.#socket.destroyed) return;
    this.#socket.write(framed(answer));
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) this.destroy();
  }

  /** An asker that has said all it wants still gets its answers. */
  #endWhenDone(): void {
    if (this.#hasEnded && this.#underWay === 0 && this.#waiting.length === 0) this.#socket.end();
  }

  #logDefect(error: unknown): void {
    this.#options.counters.dropped += 1;
    this.#options.log.error({ error }, 'DNS question dropped by a defect');
  }
}
