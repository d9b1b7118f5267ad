/** One request in the express lane: has it decided on, and relays the media server's answer or sends the gateway's own. */
import type { Decision, Forward, RefusalReason, Refuse } from '../../access/decision.ts';
import type { Client } from '../forwarding-headers.ts';
import { isSameGrant } from '../grant.ts';
import { formatAnswer, identityAnswer, type OwnAnswer, redirectAnswer, refusalAnswer } from '../respond.ts';
import { notYet, SERVER_SILENT, serverDown, type Unavailability, unavailableRefusal } from '../unavailable.ts';
import { AnswerRelay, type RelayClient } from './answer-relay.ts';
import type { ExpressConnection } from './express-connection.ts';
import type { ExpressShared } from './express-shared.ts';
import type { PlainRequest } from './request-reader.ts';
import { requestLine } from './request-text.ts';

const CLOSE = 'Connection: close\r\n';

export class ExpressExchange implements RelayClient {
  readonly #shared: ExpressShared;
  readonly #connection: ExpressConnection;
  readonly #request: PlainRequest;
  readonly #startedMs = performance.now();
  #client: Client | undefined;
  #decision: Decision | undefined;
  #reason: RefusalReason | undefined;
  #status = 0;
  /** For the decision. */
  #hasWaited = false;
  #forwardedMs = 0;
  #relay: AnswerRelay | undefined;
  #closesAfter = false;
  #isOver = false;

  constructor(shared: ExpressShared, connection: ExpressConnection, request: PlainRequest) {
    this.#shared = shared;
    this.#connection = connection;
    this.#request = request;
  }

  /** Something of the media server is open to this client. */
  get isForwarding(): boolean {
    return this.#relay !== undefined && !this.#isOver;
  }

  /** Has the request decided on and starts the answer. */
  start(): void {
    const { options } = this.#shared;
    const { head } = this.#request;
    const { peer } = this.#connection;
    try {
      this.#client = options.clientOf(head, peer);
      const decision = options.decide(head, peer);
      if (decision instanceof Promise) void this.#decideLater(decision);
      else this.#act(decision);
    } catch (error) {
      this.#defect(error);
    }
  }

  /** Decides again on a forwarded request; closes the connection when it would not be forwarded now, or with other rights. Returns whether it did. Never rejects. */
  async decideAgain(): Promise<boolean> {
    const decision = await this.#decideNow();
    if (isSameGrant(decision, this.#decision) || !this.isForwarding) return false;
    this.#connection.socket.destroy();
    return true;
  }

  /** The client is gone. */
  abandon(): void {
    this.#relay?.cancel();
    this.#end(true);
  }

  /** The deadline of the connection has passed. */
  expire(): void {
    if (this.#relay === undefined || this.#connection.isHalfClosed) this.#connection.socket.destroy();
    else this.#relay.expire();
  }

  setDeadline(timeoutMs: number): void {
    this.#connection.setDeadline(timeoutMs);
  }

  write(text: string, bytes: Buffer, onWritten: () => void): void {
    this.#connection.write(text, bytes, onWritten);
  }

  answering(status: number): string {
    this.#status = status;
    const { peer } = this.#connection;
    const waitedMs = performance.now() - this.#forwardedMs;
    this.#shared.options.onUpstreamAnswer?.({ head: this.#request.head, peer, status, waitedMs });
    this.#closesAfter = this.#connection.isEnding;
    return this.#closesAfter ? CLOSE : this.#shared.keepAliveLines;
  }

  failed(kind: 'down' | 'silent', error: Error): void {
    this.#relay = undefined;
    this.#shared.options.onUpstreamFailure?.(error);
    this.#unavailable(kind === 'silent' ? SERVER_SILENT : serverDown(error));
  }

  broken(error: Error): void {
    this.#shared.options.onUpstreamFailure?.(error);
    this.#connection.socket.destroy();
  }

  complete(): void {
    if (this.#isOver) return;
    this.#end(false);
    this.#connection.finished(this.#closesAfter);
  }

  async #decideNow(): Promise<Decision | undefined> {
    const { head } = this.#request;
    try {
      return await this.#settled(this.#shared.options.decide(head, this.#connection.peer));
    } catch (error) {
      this.#shared.logDefect(error, head);
      return undefined;
    }
  }

  async #decideLater(pending: Promise<Decision>): Promise<void> {
    this.#hasWaited = true;
    try {
      const decision = await this.#settled(pending);
      if (!this.#isOver) this.#act(decision);
    } catch (error) {
      this.#defect(error);
    }
  }

  /** A change while the policy was asked makes its answer old: it is asked again. */
  async #settled(pending: Decision | Promise<Decision>): Promise<Decision> {
    const { generation } = this.#shared;
    const decision = await pending;
    if (generation === this.#shared.generation) return decision;
    return this.#settled(this.#shared.options.decide(this.#request.head, this.#connection.peer));
  }

  #act(decision: Decision): void {
    this.#decision = decision;
    this.#connection.last = { client: this.#client?.address, rule: decision.rule };
    switch (decision.action) {
      case 'forward':
        this.#forward(decision);
        return;
      case 'refuse':
        this.#refuse(decision);
        return;
      case 'redirect':
        this.#reason = decision.reason;
        this.#answer(redirectAnswer(decision));
        return;
      case 'identity': {
        const identity = this.#shared.options.identity(this.#request.head);
        if (identity === undefined) this.#unavailable(notYet('The media server has not been reached yet.'));
        else this.#answer(identityAnswer(identity, decision));
        return;
      }
      default:
        this.#connection.handOver();
    }
  }

  #forward(decision: Forward): void {
    const relay = this.#relayFor(decision);
    if (relay === undefined) {
      this.#connection.handOver();
      return;
    }
    this.#relay = relay;
    this.#connection.consume(this.#request);
    this.#forwardedMs = this.#hasWaited ? performance.now() : this.#startedMs;
    relay.start();
  }

  /** Undefined: the full lane knows how. */
  #relayFor(decision: Forward): AnswerRelay | undefined {
    const { options, pool, limits } = this.#shared;
    const { head, body } = this.#request;
    const upstream = options.upstream();
    const client = this.#client;
    if (upstream?.protocol !== 'http:' || client === undefined) return undefined;
    const { target, rawHeaders } = options.prepare(head, decision);
    const line = requestLine(head, target);
    const lines = this.#connection.fieldLines(head, rawHeaders, client);
    if (line === undefined || lines === undefined) return undefined;
    return new AnswerRelay({ method: head.method, text: line + lines + body, upstream, pool, limits }, this);
  }

  #unavailable(why: Unavailability): void {
    const { head } = this.#request;
    const corsOrigin = this.#shared.options.corsOrigin?.(head, this.#connection.peer);
    this.#refuse(unavailableRefusal(why, this.#decision?.rule, corsOrigin));
  }

  #refuse(refusal: Refuse): void {
    const { unauthorizedHeaders } = this.#shared.options;
    this.#reason = refusal.reason;
    const answer = refusalAnswer(refusal, this.#request.head, unauthorizedHeaders?.());
    const isUnreadable = refusal.status === 400 || refusal.status === 431;
    this.#answer(isUnreadable ? { ...answer, closes: true } : answer);
  }

  #answer(answer: OwnAnswer): void {
    const { limits, keepAliveLines } = this.#shared;
    this.#connection.consume(this.#request);
    this.#status = answer.status;
    this.#closesAfter = answer.closes === true || this.#connection.isEnding;
    this.#connection.setDeadline(limits.bodyIdleTimeoutMs);
    const text = formatAnswer(answer, this.#request.head.method, this.#closesAfter ? CLOSE : keepAliveLines);
    this.#connection.write('', Buffer.from(text), () => this.complete());
  }

  /** Reports once. */
  #end(isAborted: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { head } = this.#request;
    this.#shared.options.onFinished?.({
      lane: 'express',
      client: this.#client === undefined ? this.#connection.peer.address : this.#client.address,
      method: head.method,
      path: head.path,
      status: this.#status,
      rule: this.#decision?.rule,
      reason: this.#reason,
      bytesSent: this.#connection.takeBytesSent(),
      bytesReceived: this.#connection.takeBytesReceived(),
      durationMs: performance.now() - this.#startedMs,
      upgraded: false,
      aborted: isAborted,
    });
  }

  #defect(error: unknown): void {
    this.#shared.logDefect(error, this.#request.head);
    if (this.#relay !== undefined || this.#isOver) this.#connection.socket.destroy();
    else this.#unavailable(notYet('The gateway failed on this request; its log says why.'));
  }
}
