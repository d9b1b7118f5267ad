/** Questions over TCP or TLS (RFC 7766, RFC 7858): one connection, kept while it is used, answers in any order. */
import type { Socket } from 'node:net';
import { messageOf } from '../lib/errors.ts';
import { framed, MessageReader } from './message-reader.ts';
import { isAnswerTo, withRandomId } from './query.ts';
import { UpstreamError } from './upstream.ts';
import { MAX_MESSAGE_BYTES } from './wire.ts';

/** A connection without questions is closed after this. */
const IDLE_MS = 10_000;

interface Pending {
  readonly query: Buffer;
  readonly resolve: (answer: Buffer) => void;
  readonly reject: (error: UpstreamError) => void;
}

export class StreamExchange {
  readonly #open: () => Promise<Socket>;
  #connection: Promise<StreamConnection> | undefined;
  #isClosed = false;

  /** `open` resolves with a socket that may be written to (connected, for TLS verified) or rejects in bounded time. */
  constructor(open: () => Promise<Socket>) {
    this.#open = open;
  }

  /** Resolves with the answer. A kept connection that the upstream has closed meanwhile is opened anew, once. */
  async ask(query: Buffer, timeoutMs: number): Promise<Buffer> {
    const startedMs = performance.now();
    const isKept = this.#connection !== undefined;
    try {
      return await this.#askOnce(query, timeoutMs);
    } catch (error) {
      const leftMs = timeoutMs - (performance.now() - startedMs);
      const mayBeStale = isKept && error instanceof UpstreamError && error.failure === 'network';
      if (!mayBeStale || this.#isClosed || leftMs <= 0) throw error;
      return await this.#askOnce(query, leftMs);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.then((connection) => connection.close()).catch(() => {});
  }

  async #askOnce(query: Buffer, timeoutMs: number): Promise<Buffer> {
    if (this.#isClosed) throw new UpstreamError('closed', 'the resolver is closing');
    this.#connection ??= this.#connect();
    const connecting = this.#connection;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new UpstreamError('timeout', `no answer within ${Math.round(timeoutMs)} ms`)),
        timeoutMs,
      );
    });
    try {
      return await Promise.race([connecting.then((connection) => connection.ask(query)), deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #connect(): Promise<StreamConnection> {
    try {
      const connection = new StreamConnection(await this.#open(), () => {
        this.#connection = undefined;
      });
      if (this.#isClosed) connection.close();
      return connection;
    } catch (cause) {
      this.#connection = undefined;
      throw cause instanceof UpstreamError ? cause : new UpstreamError('network', messageOf(cause), { cause });
    }
  }
}

/** One open connection and the questions on it. */
class StreamConnection {
  readonly #socket: Socket;
  readonly #reader = new MessageReader(MAX_MESSAGE_BYTES);
  readonly #pending = new Map<number, Pending>();

  constructor(socket: Socket, onClose: () => void) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      onClose();
      this.#rejectAll();
    });
    socket.setTimeout(IDLE_MS, () => socket.destroy());
  }

  ask(query: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let sent = withRandomId(query);
      while (this.#pending.has(sent.readUInt16BE(0))) sent = withRandomId(query);
      this.#pending.set(sent.readUInt16BE(0), { query: sent, resolve, reject });
      this.#socket.write(framed(sent));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const answers = this.#reader.push(chunk);
    if (answers === undefined) {
      this.#socket.destroy();
      return;
    }
    for (const answer of answers) {
      const id = answer.readUInt16BE(0);
      const pending = this.#pending.get(id);
      if (pending === undefined || !isAnswerTo(pending.query, answer)) continue;
      this.#pending.delete(id);
      // The reader's buffer goes on living as long as a part of it is held.
      pending.resolve(Buffer.from(answer));
    }
  }

  #rejectAll(): void {
    for (const { reject } of this.#pending.values()) {
      reject(new UpstreamError('network', 'the upstream closed the connection'));
    }
    this.#pending.clear();
  }
}
