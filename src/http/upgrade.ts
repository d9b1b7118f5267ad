/** Joins a client's WebSocket to the media server's: handshake, refusal, and the two byte streams afterwards (RFC 6455 section 4). */
import { type ClientRequest, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { answerFault, isFramed, relayAnswer } from './answer.ts';
import { errorOf, type ForwardFailure } from './failure.ts';
import { answerFields } from './headers.ts';
import type { FullLaneLimits } from './limits.ts';
import { type Upstream, unpooledAgent } from './upstream.ts';

/** After one side has ended, the other may take so long between two of its last bytes. */
const CLOSING_TIMEOUT_MS = 10_000;

export interface TunnelJob {
  /** The client's socket, with an `error` listener already on it. */
  readonly socket: Socket;
  /** On that socket, for answers other than 101. */
  readonly response: ServerResponse;
  /** What the client sent behind its request. */
  readonly firstBytes: Buffer;
  readonly upstream: Upstream;
  readonly target: string;
  /** The fields for the server, without Connection and Upgrade (`requestFields`). */
  readonly fields: readonly string[];
  /** 101 was passed on; from now on both sides talk freely. */
  onOpen(): void;
  /** The server refuses; its answer is about to be written. */
  onAnswer(status: number): void;
  /** Nothing was written to the client: the caller answers. */
  onFailure(failure: ForwardFailure): void;
  /** The refusal broke off; the client's connection is already closed. */
  onBroken(error: Error): void;
}

/** Asks the server for the upgrade on a connection of its own, with a deadline of its own. Closing the client's socket ends all of it. */
export function openTunnel(job: TunnelJob, limits: FullLaneLimits): void {
  new Handshake(job, limits).start();
}

class Handshake {
  readonly #job: TunnelJob;
  readonly #limits: FullLaneLimits;
  #upstreamRequest: ClientRequest | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #isOver = false;
  #isClientGone = false;

  constructor(job: TunnelJob, limits: FullLaneLimits) {
    this.#job = job;
    this.#limits = limits;
  }

  start(): void {
    const { socket } = this.#job;
    socket.once('close', this.#onClientClose);
    this.#deadline = setTimeout(
      () => this.#fail('silent', new Error('no answer in time')),
      this.#limits.upgradeTimeoutMs,
    );
    try {
      this.#upstreamRequest = this.#send();
    } catch (error) {
      this.#fail('unsendable', errorOf(error));
      return;
    }
    this.#upstreamRequest.on('error', (error) => this.#fail('down', error));
    this.#upstreamRequest.once('upgrade', (answer, upstreamSocket, firstBytes) => {
      this.#upgraded(answer, upstreamSocket, firstBytes);
    });
    this.#upstreamRequest.once('response', (answer) => this.#refused(answer));
    this.#upstreamRequest.end();
  }

  #send(): ClientRequest {
    const { upstream, target, fields } = this.#job;
    const request = upstream.protocol === 'https:' ? httpsRequest : httpRequest;
    return request({
      agent: unpooledAgent(upstream),
      hostname: upstream.hostname,
      port: upstream.port,
      path: target,
      headers: [...fields, 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
      maxHeaderSize: this.#limits.headerBytes,
    });
  }

  #upgraded(answer: IncomingMessage, upstreamSocket: Socket, firstBytes: Buffer): void {
    upstreamSocket.on('error', ignoreError);
    if (this.#isOver) {
      upstreamSocket.destroy();
      return;
    }
    if (answer.statusCode !== 101 || answer.headers.upgrade?.toLowerCase() !== 'websocket') {
      upstreamSocket.destroy();
      this.#fail('down', new Error('the answer is an upgrade to something else than WebSocket'));
      return;
    }
    this.#settle();
    const { socket, response } = this.#job;
    response.detachSocket(socket);
    // An open pair may rest for hours: nothing of the handshake is kept with it.
    socket.off('close', this.#onClientClose).removeAllListeners('drain').removeAllListeners('timeout');
    socket.write(switchingProtocols(answer), 'latin1');
    if (firstBytes.length > 0) socket.write(firstBytes);
    if (this.#job.firstBytes.length > 0) upstreamSocket.write(this.#job.firstBytes);
    join(socket, upstreamSocket, this.#limits.answerIdleTimeoutMs);
    this.#job.onOpen();
  }

  #refused(answer: IncomingMessage): void {
    const fault = answerFault(answer);
    if (this.#isOver) {
      answer.destroy();
      return;
    }
    if (fault !== undefined) {
      this.#fail('down', new Error(fault));
      return;
    }
    this.#settle();
    const { response } = this.#job;
    if (!isFramed(answer)) this.#upstreamRequest?.on('error', (error) => answer.destroy(error));
    answer.socket.setTimeout(this.#limits.answerIdleTimeoutMs, () => answer.destroy());
    this.#job.onAnswer(answer.statusCode ?? 0);
    try {
      relayAnswer(answer, response, { onEnd: () => response.end(), onBroken: (error) => this.#broken(error) });
    } catch (error) {
      answer.destroy();
      this.#job.onFailure({ kind: 'down', error: errorOf(error) });
    }
  }

  #broken(error: Error): void {
    if (!this.#isClientGone) this.#job.onBroken(error);
  }

  readonly #onClientClose = () => {
    this.#isClientGone = true;
    this.#settle();
    this.#upstreamRequest?.destroy();
  };

  #fail(kind: ForwardFailure['kind'], error: Error): void {
    if (this.#isOver) return;
    this.#settle();
    this.#upstreamRequest?.destroy();
    this.#job.onFailure({ kind, error });
  }

  #settle(): void {
    this.#isOver = true;
    clearTimeout(this.#deadline);
  }
}

/** The 101 for the client: the server's fields, with hop-by-hop ones of the gateway's own. */
function switchingProtocols(answer: IncomingMessage): string {
  const fields = [...answerFields(answer, false), 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
  let head = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let index = 0; index + 1 < fields.length; index += 2) head += `${fields[index]}: ${fields[index + 1]}\r\n`;
  return `${head}\r\n`;
}

/** Copies both ways with backpressure; when one side ends or breaks, the other follows, its last bytes first if it ended in order. */
function join(client: Socket, server: Socket, idleTimeoutMs: number): void {
  couple(client, server);
  couple(server, client);
  // Every byte of either direction passes the client's socket: its idle time is the pair's.
  client.setTimeout(idleTimeoutMs);
  client.once('timeout', () => client.destroy());
}

/** One direction. `pipe` would do, with three times the listeners: a quiet pair is little else than these. */
function couple(from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.once('end', () => {
    to.end();
    to.setTimeout(CLOSING_TIMEOUT_MS, () => to.destroy());
  });
  from.once('close', () => {
    if (!from.readableEnded) to.destroy();
  });
}

function ignoreError(): void {
  // Followed by `close`, which ends the pair.
}
