/** Answers questions that come as datagrams to one local address; replies leave from there. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { DnsCounters } from './counters.ts';
import { LOCAL_ANSWER_BYTES, type Responder } from './responder.ts';

export interface UdpListenerOptions {
  /** The responder of the moment: a reload replaces it. */
  readonly responder: () => Responder;
  readonly counters: DnsCounters;
  readonly log: Log;
  /** The socket failed while listening, and is closed. */
  readonly onFailure: () => void;
}

export class UdpListener {
  readonly #socket: Socket;
  readonly #options: UdpListenerOptions;
  /** Answers are written here and sent at once. */
  #out: Buffer = Buffer.allocUnsafeSlow(LOCAL_ANSWER_BYTES);
  #isClosed = false;

  private constructor(socket: Socket, options: UdpListenerOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('message', (message, from) => this.#answer(message, from));
    socket.on('error', (error) => {
      options.log.error({ error: messageOf(error) }, 'DNS socket failed');
      this.close();
      options.onFailure();
    });
  }

  /** Rejects with the system's error when the address cannot be bound. */
  static async open(address: string, port: number, options: UdpListenerOptions): Promise<UdpListener> {
    const family = isIPv6(address) ? 6 : 4;
    const socket = createSocket({
      type: `udp${family}`,
      ipv6Only: family === 6,
      // Askers are address literals; the usual look-up would cost a trip through the event loop's queue for each answer.
      lookup: (literal, _options, callback) => callback(null, literal, family),
    });
    const listening = once(socket, 'listening');
    socket.bind({ port, address, exclusive: true });
    try {
      await listening;
    } catch (error) {
      socket.close();
      throw error;
    }
    return new UdpListener(socket, options);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }

  #answer(message: Buffer, from: RemoteInfo): void {
    if (from.port === 0) {
      this.#options.counters.dropped += 1;
      return;
    }
    try {
      const answer = this.#options.responder().respond(message, from.address, 'udp', this.#out);
      if (typeof answer === 'number') this.#sendOut(answer, from);
      else answer.then((bytes) => this.#send(bytes, from)).catch((error: unknown) => this.#logDefect(error));
    } catch (error) {
      this.#logDefect(error);
    }
  }

  #sendOut(length: number, from: RemoteInfo): void {
    if (length === 0) return;
    this.#socket.send(this.#out, 0, length, from.port, from.address);
    // A datagram that the kernel would not take yet still points into the buffer: leave that one to it.
    if (this.#socket.getSendQueueCount() > 0) this.#out = Buffer.allocUnsafeSlow(LOCAL_ANSWER_BYTES);
  }

  /** Answers of the forwarder come late: the socket may be gone. Errors of sending are the network's, and the asker asks again. */
  #send(answer: Buffer, from: RemoteInfo): void {
    if (!this.#isClosed) this.#socket.send(answer, from.port, from.address);
  }

  #logDefect(error: unknown): void {
    this.#options.counters.dropped += 1;
    this.#options.log.error({ error }, 'DNS question dropped by a defect');
  }
}
