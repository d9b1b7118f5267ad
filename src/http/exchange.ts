/** One request in the full lane: reads it, has it decided on, acts, and reports how it ended. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Decision, Forward, Page, RefusalReason, Refuse } from '../access/decision.ts';
import type { Carrier, ClientAnswer, ReceivedRequest } from './client-message.ts';
import type { Turn } from './connection.ts';
import type { ForwardFailure } from './failure.ts';
import type { Forwarding } from './forward.ts';
import { type Client, forwardingFields } from './forwarding-headers.ts';
import { isSameGrant } from './grant.ts';
import { requestFields } from './headers.ts';
import type { Lane, RequestRecord } from './lane.ts';
import { isBodyPending } from './lingering.ts';
import { malformed, readHead } from './message.ts';
import type { RequestHead } from './request.ts';
import {
  identityAnswer,
  type OwnAnswer,
  preflightAnswer,
  redirectAnswer,
  refusalAnswer,
  sendAnswer,
} from './respond.ts';
import { notYet, SERVER_SILENT, serverDown, type Unavailability, unavailableRefusal } from './unavailable.ts';
import { openTunnel } from './upgrade.ts';

/** How the request came in. */
export interface Arrival {
  readonly carrier: Carrier;
  readonly request: ReceivedRequest;
  readonly response: ClientAnswer;
  /** `Expect: 100-continue`, not yet answered. */
  readonly expectsContinue?: boolean;
  readonly upgrade?: UpgradeArrival;
  /** Present: it was refused on its way in. */
  readonly refusal?: Refuse | undefined;
}

/** What an upgrade has besides. */
export interface UpgradeArrival {
  readonly socket: Socket;
  /** Made for the socket, closing it behind the answer. */
  readonly response: ServerResponse;
  /** What came behind the head. */
  readonly firstBytes: Buffer;
}

export class Exchange implements Turn {
  readonly #lane: Lane;
  readonly #arrival: Arrival;
  readonly #startedMs = performance.now();
  #hasStarted = false;
  #isBodyUnreadable = false;
  #head: RequestHead | undefined;
  #client: Client | undefined;
  #decision: Decision | undefined;
  /** The lane's generation of the last answer of the policy. */
  #decidedIn = 0;
  #reason: RefusalReason | undefined;
  #forwarding: Forwarding | undefined;
  #forwardedMs = 0;
  #isTunnelling = false;
  #isUpgraded = false;

  constructor(lane: Lane, arrival: Arrival) {
    this.#lane = lane;
    this.#arrival = arrival;
  }

  get response(): ClientAnswer {
    return this.#arrival.response;
  }

  /** Its turn has come: before that there is nothing to report. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  get isUpgraded(): boolean {
    return this.#isUpgraded;
  }

  /** The client is told whenever something changes: a page without an end. */
  get isFollowing(): boolean {
    return this.#decision?.action === 'page' && this.#decision.page === 'events';
  }

  /** Something of the media server is open to this client, or news of the gateway. */
  get isOpen(): boolean {
    return this.#forwarding !== undefined || this.#isTunnelling || this.isFollowing;
  }

  /** Takes the request from its head to a started answer. */
  start(): void {
    this.#hasStarted = true;
    this.#run().catch((error: unknown) => this.#defect(error));
  }

  /** Decides again on what is open; cuts the carrier when it would not be granted now, or with other rights. Returns whether it did. Never rejects. */
  async decideAgain(): Promise<boolean> {
    if (!this.isOpen || this.#head === undefined) return false;
    const { carrier } = this.#arrival;
    const decision = await this.#decide(this.#head).catch((error: unknown) => {
      this.#logDefect(error);
      return undefined;
    });
    if (isSameGrant(decision, this.#decision) || carrier.isGone) return false;
    carrier.cut();
    return true;
  }

  /** Ends a page without an end. */
  endFollowing(): void {
    if (this.isFollowing) this.#arrival.response.end();
  }

  bodyUnreadable(): boolean {
    if (!isBodyPending(this.#arrival.request)) return false;
    this.#isBodyUnreadable = true;
    if (this.#hasStarted) this.#refuseBody();
    return true;
  }

  /** What there is to say when it has ended. Call it once: the traffic of the carrier is counted from one record to the next. */
  record(): RequestRecord {
    const { carrier, request, response } = this.#arrival;
    const client = this.#client === undefined ? carrier.peer.address : this.#client.address;
    return {
      lane: 'full',
      client,
      method: request.method ?? '',
      path: this.#head?.path ?? (request.url ?? '').split('?', 1)[0] ?? '',
      status: this.#isUpgraded ? 101 : response.headersSent ? response.statusCode : 0,
      rule: this.#decision?.rule,
      reason: this.#reason,
      ...carrier.takeTraffic(),
      durationMs: performance.now() - this.#startedMs,
      upgraded: this.#isUpgraded,
      aborted: !this.#isUpgraded && !response.writableFinished,
    };
  }

  async #run(): Promise<void> {
    const { carrier, request, response } = this.#arrival;
    carrier.setIdleTimeout(0);
    response.on('error', ignoreError);
    response.on('timeout', () => this.#timedOut());
    if (this.#arrival.refusal !== undefined) {
      this.#refuse(this.#arrival.refusal);
      return;
    }
    const reading = readHead({
      method: request.method ?? '',
      target: request.url ?? '',
      httpVersion: request.httpVersion,
      rawHeaders: request.rawHeaders,
    });
    if (!reading.readable) {
      this.#refuse(reading.refusal);
      return;
    }
    if (this.#isBodyUnreadable) {
      this.#refuseBody();
      return;
    }
    const { head } = reading;
    if (head.upgrade !== (this.#arrival.upgrade !== undefined)) {
      this.#refuse(malformed('The Upgrade header cannot be read in exactly one way.'));
      return;
    }
    this.#head = head;
    this.#client = this.#lane.options.clientOf(head, carrier.peer);
    if (head.header('upgrade') !== undefined) this.#closeAfterAnswer();
    let decision = await this.#decide(head);
    // A change may come between the answer and its arrival here.
    while (this.#decidedIn !== this.#lane.generation) decision = await this.#decide(head);
    if (this.#isBodyUnreadable || response.destroyed || carrier.isGone) return;
    await this.#act(head, decision);
  }

  #refuseBody(): void {
    this.#forwarding?.cancel();
    if (this.#arrival.response.headersSent) this.#arrival.carrier.cut();
    else this.#refuse(malformed('The request body cannot be read in exactly one way.'));
  }

  /** A change while the policy was asked makes its answer old: it is asked again. */
  async #decide(head: RequestHead): Promise<Decision> {
    for (;;) {
      const { generation } = this.#lane;
      const decision = await this.#lane.options.decide(head, this.#arrival.carrier.peer);
      this.#decidedIn = generation;
      if (generation === this.#lane.generation) return decision;
    }
  }

  async #act(head: RequestHead, decision: Decision): Promise<void> {
    this.#decision = decision;
    this.#arrival.carrier.last = { client: this.#client?.address, rule: decision.rule };
    if (this.#lane.isDraining) this.#closeAfterAnswer();
    switch (decision.action) {
      case 'forward':
        this.#forward(head, decision);
        return;
      case 'refuse':
        this.#refuse(decision);
        return;
      case 'redirect':
        this.#reason = decision.reason;
        this.#answer(redirectAnswer(decision));
        return;
      case 'preflight':
        this.#answer(preflightAnswer(decision, head));
        return;
      case 'identity': {
        const identity = this.#lane.options.identity(head);
        if (identity === undefined) this.#unavailable(notYet('The media server has not been reached yet.'));
        else this.#answer(identityAnswer(identity, decision));
        return;
      }
      case 'page':
        if (this.isFollowing && this.#lane.isDraining) this.#unavailable(notYet('The gateway is about to end.'));
        else await this.#page(head, decision);
        return;
    }
  }

  async #page(head: RequestHead, decision: Page): Promise<void> {
    const { carrier, request, response } = this.#arrival;
    carrier.setIdleTimeout(this.#lane.limits.bodyIdleTimeoutMs);
    this.#continueBody(head);
    const client = this.#client ?? { address: undefined, tls: false };
    await this.#lane.options.page({ request, response, head, peer: carrier.peer, client, decision });
  }

  #forward(head: RequestHead, decision: Forward): void {
    const { carrier, upgrade } = this.#arrival;
    const { options, limits } = this.#lane;
    const upstream = options.upstream();
    if (upstream === undefined) {
      this.#unavailable(notYet('The media server has not been found yet.'));
      return;
    }
    const client = this.#client ?? { address: undefined, tls: false };
    const { target, rawHeaders } = options.prepare(head, decision);
    const fields = requestFields(head, rawHeaders, forwardingFields(head, client, carrier.peer));
    const job = { ...this.#arrival, upstream, target, fields, ...this.#events(head) };
    this.#forwardedMs = performance.now();
    if (upgrade !== undefined) {
      const onOpen = () => this.#opened();
      this.#isTunnelling = true;
      openTunnel({ ...job, ...upgrade, onOpen }, limits);
      return;
    }
    if (head.hasBody) this.#takeBody(head);
    this.#forwarding = this.#lane.forwarder.forward({ ...job, method: head.method, hasBody: head.hasBody });
  }

  #events(head: RequestHead) {
    const { options, limits } = this.#lane;
    return {
      onAnswer: (status: number) => {
        this.#arrival.carrier.setIdleTimeout(limits.answerIdleTimeoutMs);
        this.#answered(head, status);
      },
      onFailure: (failure: ForwardFailure) => this.#upstreamFailed(failure),
      onBroken: (error: Error) => options.onUpstreamFailure?.(error),
    };
  }

  #opened(): void {
    this.#isUpgraded = true;
    if (this.#head !== undefined) this.#answered(this.#head, 101);
  }

  #answered(head: RequestHead, status: number): void {
    const { peer } = this.#arrival.carrier;
    const waitedMs = performance.now() - this.#forwardedMs;
    this.#lane.options.onUpstreamAnswer?.({ head, peer, status, waitedMs });
  }

  #takeBody(head: RequestHead): void {
    const { carrier, request, response } = this.#arrival;
    carrier.setIdleTimeout(this.#lane.limits.bodyIdleTimeoutMs);
    request.once('end', () => {
      if (!response.headersSent) carrier.setIdleTimeout(0);
    });
    this.#continueBody(head);
  }

  /** The policy has decided: now the client may send (RFC 9110 section 10.1.1). */
  #continueBody(head: RequestHead): void {
    if (this.#arrival.expectsContinue === true && head.hasBody) this.#arrival.response.writeContinue();
  }

  #upstreamFailed(failure: ForwardFailure): void {
    const { response } = this.#arrival;
    if (failure.kind !== 'unsendable') this.#lane.options.onUpstreamFailure?.(failure.error);
    if (response.destroyed || response.headersSent) return;
    if (failure.kind === 'unsendable') this.#refuse(malformed('The request cannot be passed on.'));
    else this.#unavailable(failure.kind === 'silent' ? SERVER_SILENT : serverDown(failure.error));
  }

  #unavailable(why: Unavailability): void {
    const { peer } = this.#arrival.carrier;
    const corsOrigin = this.#head === undefined ? undefined : this.#lane.options.corsOrigin?.(this.#head, peer);
    this.#refuse(unavailableRefusal(why, this.#decision?.rule, corsOrigin));
  }

  #refuse(refusal: Refuse): void {
    this.#decision ??= refusal;
    this.#reason = refusal.reason;
    if (refusal.status === 400 || refusal.status === 431) this.#closeAfterAnswer();
    this.#answer(refusalAnswer(refusal, this.#head, this.#lane.options.unauthorizedHeaders?.()));
  }

  #answer(answer: OwnAnswer): void {
    const { carrier } = this.#arrival;
    const { limits } = this.#lane;
    carrier.setIdleTimeout(limits.bodyIdleTimeoutMs);
    sendAnswer(this.#arrival, answer, { closing: !this.#arrival.response.shouldKeepAlive, limits });
    if (!this.#arrival.response.shouldKeepAlive) carrier.endAfterPresent();
  }

  #closeAfterAnswer(): void {
    this.#arrival.response.shouldKeepAlive = false;
    this.#arrival.carrier.endAfterPresent();
  }

  /** Nothing moves on the client's socket. While the server is the one to move, its own deadline counts. */
  #timedOut(): void {
    const { carrier } = this.#arrival;
    const waitsForServer = this.#forwarding !== undefined && !this.#forwarding.waitsForClient();
    if (waitsForServer && !carrier.isHalfClosed) carrier.setIdleTimeout(this.#lane.limits.bodyIdleTimeoutMs);
    else carrier.cut();
  }

  #logDefect(error: unknown): void {
    this.#lane.log.error({ error, path: this.#head?.path }, 'a request failed in the gateway itself');
  }

  #defect(error: unknown): void {
    const { response, carrier } = this.#arrival;
    this.#logDefect(error);
    if (response.headersSent || response.destroyed) carrier.cut();
    else this.#unavailable(notYet('The gateway failed on this request; its log says why.'));
  }
}

function ignoreError(): void {
  // Followed by `close`, where the exchange ends.
}
