/** Forwards one request to the media server and its answer back: the only user of http-proxy, behind an adapter that closes its traps. */
import './util-extend.ts';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import httpProxy from 'http-proxy';
// @ts-expect-error: its types leave the inner modules out
import common from 'http-proxy/lib/http-proxy/common.js';
// @ts-expect-error: its types leave the inner modules out
import webPasses from 'http-proxy/lib/http-proxy/passes/web-incoming.js';
import { systemCodeOf } from '../lib/errors.ts';
import { answerFault, isFramed, relayAnswer } from './answer.ts';
import type { ClientAnswer, ReceivedRequest } from './client-message.ts';
import { errorOf, type ForwardFailure } from './failure.ts';
import { headerObject } from './headers.ts';
import type { FullLaneLimits } from './limits.ts';
import { endAfterBody, isBodyPending } from './lingering.ts';
import { type Upstream, UpstreamConnections, unpooledAgent } from './upstream.ts';

/** http-proxy's own merges `//` and so asks the server for another path than the policy saw. */
common.urlJoin = (...parts: string[]) => parts.join('');

export interface ForwardJob {
  readonly request: ReceivedRequest;
  readonly response: ClientAnswer;
  readonly upstream: Upstream;
  readonly method: string;
  readonly target: string;
  /** The fields for the server, framing included (`requestFields`). */
  readonly fields: readonly string[];
  readonly hasBody: boolean;
  /** The head of the answer is about to be written. */
  onAnswer(status: number): void;
  /** Nothing was written to the client, and nothing more will be read from it: the caller answers. */
  onFailure(failure: ForwardFailure): void;
  /** The answer broke off; the client's connection is already closed. */
  onBroken(error: Error): void;
}

export interface Forwarding {
  /** True while the next byte is the client's to send or to take. */
  waitsForClient(): boolean;
  /** Ends the request to the server; none of the job's events follows. */
  cancel(): void;
}

interface ProxyEngine {
  webPasses: unknown[];
  web(request: Attempt, response: ClientAnswer, options: object, onError: (error: Error) => void): void;
  on(event: 'proxyRes', listener: (answer: IncomingMessage, request: Attempt) => void): void;
}

export class Forwarder {
  readonly #limits: FullLaneLimits;
  readonly #connections: UpstreamConnections;
  readonly #engine: ProxyEngine;

  constructor(limits: FullLaneLimits) {
    this.#limits = limits;
    this.#connections = new UpstreamConnections(limits);
    this.#engine = httpProxy.createProxyServer() as unknown as ProxyEngine;
    // The other passes rewrite the head; one of them turns a chunked DELETE into two requests (CVE-2026-29057).
    this.#engine.webPasses = [webPasses.stream];
    this.#engine.on('proxyRes', (answer, attempt) => attempt.answered(answer));
  }

  forward(job: ForwardJob): Forwarding {
    const exchange = new ForwardExchange(job, this.#limits, (attempt, isRetry) => this.#send(job, attempt, isRetry));
    exchange.start();
    return exchange;
  }

  /** Closes idle connections to the server. */
  close(): void {
    this.#connections.close();
  }

  #send(job: ForwardJob, attempt: Attempt, isRetry: boolean): void {
    const { upstream } = job;
    const options = {
      target: {
        protocol: upstream.protocol,
        host: upstream.hostname,
        hostname: upstream.hostname,
        port: upstream.port,
      },
      agent: isRetry ? unpooledAgent(upstream) : this.#connections.pool(upstream),
      secure: upstream.tls?.rejectUnauthorized !== false,
      // What http-proxy starts the options of http.request from.
      ssl: { maxHeaderSize: this.#limits.headerBytes },
      prependPath: false,
      toProxy: true,
      selfHandleResponse: true,
    };
    this.#engine.web(attempt, job.response, options, (error) => attempt.failed(error));
  }
}

/** What http-proxy takes for the client's request: just the members that its `stream` pass touches, none of them the client's own. */
class Attempt {
  readonly method: string;
  readonly url: string;
  readonly headers: OutgoingHttpHeaders;
  /** http-proxy swallows a reset of the server's when the client's socket is gone; that is judged by the exchange. */
  readonly socket = { destroyed: false };
  readonly answered: (answer: IncomingMessage) => void;
  readonly failed: (error: Error) => void;
  /** Called once with the request to the server, which wants its body. */
  readonly pipe: (upstreamRequest: ClientRequest) => void;

  constructor(job: ForwardJob, events: Pick<Attempt, 'answered' | 'failed' | 'pipe'>) {
    this.method = job.method;
    this.url = job.target;
    this.headers = headerObject(job.fields);
    this.answered = events.answered;
    this.failed = events.failed;
    this.pipe = events.pipe;
  }

  /** The client's `aborted` and `error` are watched by the exchange. */
  on(): this {
    return this;
  }
}

/** One request and its answer; at most two attempts at it. */
class ForwardExchange implements Forwarding {
  readonly #job: ForwardJob;
  readonly #limits: FullLaneLimits;
  readonly #send: (attempt: Attempt, isRetry: boolean) => void;
  #phase: 'waiting' | 'answering' | 'done' = 'waiting';
  #isRetry = false;
  #upstreamRequest: ClientRequest | undefined;
  #answer: IncomingMessage | undefined;

  constructor(job: ForwardJob, limits: FullLaneLimits, send: (attempt: Attempt, isRetry: boolean) => void) {
    this.#job = job;
    this.#limits = limits;
    this.#send = send;
  }

  start(): void {
    this.#job.response.once('close', () => this.cancel());
    this.#attempt();
  }

  cancel(): void {
    this.#phase = 'done';
    this.#job.request.unpipe();
    this.#upstreamRequest?.destroy();
  }

  #attempt(): void {
    const attempt = new Attempt(this.#job, {
      pipe: (upstreamRequest) => this.#begin(upstreamRequest),
      answered: (answer) => this.#answered(answer),
      failed: (error) => this.#failed(error),
    });
    try {
      this.#send(attempt, this.#isRetry);
    } catch (error) {
      this.#fail('unsendable', errorOf(error));
    }
  }

  #begin(upstreamRequest: ClientRequest): void {
    const { request, response, hasBody } = this.#job;
    this.#upstreamRequest = upstreamRequest;
    upstreamRequest.maxHeadersCount = 0;
    upstreamRequest.once('socket', (socket) => this.#watch(socket, upstreamRequest));
    upstreamRequest.on('information', (hint) => {
      const { link } = hint.headers;
      if (hint.statusCode === 103 && link !== undefined) passEarlyHints(response, link);
    });
    // Without a listener Node drops the socket without a word.
    upstreamRequest.once('upgrade', (_answer, socket) => {
      socket.destroy();
      this.#failed(new Error('the answer is an upgrade that nobody asked for'));
    });
    if (!hasBody) {
      upstreamRequest.end();
      return;
    }
    // Node holds the head back for the first byte of the body, which the client may hold back for an answer.
    if (request.readableLength === 0) upstreamRequest.flushHeaders();
    request.pipe(upstreamRequest);
  }

  #watch(socket: Socket, upstreamRequest: ClientRequest): void {
    const onTimeout = () => this.#timedOut(socket);
    socket.on('timeout', onTimeout);
    upstreamRequest.once('close', () => socket.off('timeout', onTimeout));
    if (!isConnecting(socket)) {
      socket.setTimeout(this.#limits.firstByteTimeoutMs);
      return;
    }
    socket.setTimeout(this.#limits.connectTimeoutMs);
    const connected = this.#job.upstream.protocol === 'https:' ? 'secureConnect' : 'connect';
    socket.once(connected, () => socket.setTimeout(this.#limits.firstByteTimeoutMs));
  }

  #timedOut(socket: Socket): void {
    if (this.#phase !== 'waiting') this.#upstreamRequest?.destroy();
    else if (isConnecting(socket)) this.#fail('down', new Error('the connection was not made in time'));
    else if (this.waitsForClient()) socket.setTimeout(this.#limits.firstByteTimeoutMs);
    else this.#fail('silent', new Error('no answer in time'));
  }

  waitsForClient(): boolean {
    return (
      this.#phase !== 'waiting' ||
      (isBodyPending(this.#job.request) && this.#upstreamRequest?.writableNeedDrain !== true)
    );
  }

  #answered(answer: IncomingMessage): void {
    if (this.#phase !== 'waiting') {
      answer.destroy();
      return;
    }
    const fault = answerFault(answer);
    if (fault !== undefined) {
      this.#fail('down', new Error(fault));
      return;
    }
    const { request, response } = this.#job;
    this.#phase = 'answering';
    this.#answer = answer;
    answer.socket.setTimeout(this.#limits.answerIdleTimeoutMs);
    if (isBodyPending(request)) response.shouldKeepAlive = false;
    this.#job.onAnswer(answer.statusCode ?? 0);
    try {
      relayAnswer(answer, response, { onEnd: () => this.#ended(), onBroken: (error) => this.#broken(error) });
    } catch (error) {
      this.#fail('down', errorOf(error));
    }
  }

  #ended(): void {
    const { request, response } = this.#job;
    if (isBodyPending(request)) this.cancel();
    this.#phase = 'done';
    endAfterBody(request, response, this.#limits);
  }

  #broken(error: Error): void {
    if (this.#phase !== 'answering') return;
    this.#phase = 'done';
    this.#job.onBroken(error);
  }

  #failed(error: Error): void {
    // Node ends an answer without framing in order when the connection is reset; only the request hears of it.
    if (this.#phase === 'answering' && this.#answer !== undefined && !isFramed(this.#answer))
      this.#answer.destroy(error);
    if (this.#phase !== 'waiting') return;
    if (!this.#mayRetry(error)) {
      this.#fail('down', error);
      return;
    }
    this.#isRetry = true;
    this.#attempt();
  }

  /** A kept connection that the server closed just now tells nothing about the server. */
  #mayRetry(error: Error): boolean {
    const { method, hasBody } = this.#job;
    if (this.#isRetry || hasBody || (method !== 'GET' && method !== 'HEAD')) return false;
    const code = systemCodeOf(error);
    return this.#upstreamRequest?.reusedSocket === true && (code === 'ECONNRESET' || code === 'EPIPE');
  }

  #fail(kind: ForwardFailure['kind'], error: Error): void {
    this.cancel();
    this.#job.onFailure({ kind, error });
  }
}

function isConnecting(socket: Socket): boolean {
  return socket.connecting || ('secureConnecting' in socket && socket.secureConnecting === true);
}

/** RFC 8297; the other informational answers mean nothing to a client that asked for none of them. */
function passEarlyHints(response: ClientAnswer, link: string | string[]): void {
  if (response.req.httpVersion !== '1.1' || response.headersSent) return;
  try {
    response.writeEarlyHints({ link });
  } catch {
    // Node takes only Link values of one form; the hint is dropped, the answer follows.
  }
}
