/** One question on its way through several upstreams: the next one starts when one fails or takes unusually long; the first verdict wins. */
import { UpstreamError } from './upstream.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';
import type { UpstreamHealth } from './upstream-health.ts';
import { RCODE } from './wire.ts';

export class UpstreamRace {
  readonly #query: Buffer;
  readonly #deadlineMs: number;
  readonly #result = Promise.withResolvers<UpstreamAnswer>();
  #queue: UpstreamHealth[];
  #running = 0;
  #patience: NodeJS.Timeout | undefined;
  /** The last answer that was neither yes nor no. */
  #errorAnswer: UpstreamAnswer | undefined;
  #lastError: unknown = new UpstreamError('closed', 'the resolver is closing');

  /** `attempts`: whom to ask, in order, repetitions for lost datagrams included. */
  constructor(query: Buffer, attempts: readonly UpstreamHealth[], timeoutMs: number) {
    this.#query = query;
    this.#queue = [...attempts];
    this.#deadlineMs = performance.now() + timeoutMs;
  }

  /** The first NOERROR or NXDOMAIN; else the last error answer; rejects when there was no answer at all. */
  run(): Promise<UpstreamAnswer> {
    this.#startNext();
    return this.#result.promise;
  }

  /** Starts no further attempt. */
  stop(): void {
    this.#queue = [];
    clearTimeout(this.#patience);
    if (this.#running === 0) this.#end();
  }

  #startNext(): void {
    clearTimeout(this.#patience);
    const leftMs = this.#deadlineMs - performance.now();
    const member = leftMs > 0 ? this.#queue.shift() : undefined;
    if (member === undefined) {
      if (this.#running === 0) this.#end();
      return;
    }
    this.#running += 1;
    member.ask(this.#query, leftMs).then(
      (answer) => this.#answered(member, answer),
      (error: unknown) => this.#failed(error),
    );
    this.#patience = setTimeout(() => this.#startNext(), member.patienceMs);
  }

  #answered(member: UpstreamHealth, answer: UpstreamAnswer): void {
    this.#running -= 1;
    if (answer.rcode === RCODE.NOERROR || answer.rcode === RCODE.NXDOMAIN) {
      this.#result.resolve(answer);
      this.stop();
      return;
    }
    this.#errorAnswer = answer;
    this.#queue = this.#queue.filter((other) => other !== member);
    if (this.#running === 0) this.#startNext();
  }

  #failed(error: unknown): void {
    this.#running -= 1;
    this.#lastError = error;
    if (this.#running === 0) this.#startNext();
  }

  #end(): void {
    clearTimeout(this.#patience);
    if (this.#errorAnswer === undefined) this.#result.reject(this.#lastError);
    else this.#result.resolve(this.#errorAnswer);
  }
}
