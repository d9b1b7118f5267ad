/** Answers questions about other people's names: from the cache, from the upstreams, or stale when those are silent. */
import { setTimeout as wait } from 'node:timers/promises';
import { BoundedCache } from '../lib/cache.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { AnswerCache } from './answer-cache.ts';
import { BoundedLog } from './bounded-log.ts';
import type { DnsCounters } from './counters.ts';
import { isWithin, nameText, type WireName, wireNameOf } from './name.ts';
import { buildQuery } from './query.ts';
import type { Question } from './question.ts';
import { writeHead } from './reply.ts';
import { type Asker, StoredAnswer } from './stored-answer.ts';
import type { UpstreamGroup } from './upstream-group.ts';
import { CD, RCODE } from './wire.ts';

/** Different questions under way at once, each with a socket or several; beyond, askers get SERVFAIL. dnsmasq has the same limit. */
const MAX_FLIGHTS = 150;
/** An asker waits so long for a fresh answer while there is a stale one (RFC 8767 section 5). */
const STALE_PATIENCE_MS = 1800;
/** After a question that no upstream could answer, the next ones about it are not sent for this long (RFC 8767, RFC 9520). */
const STALE_RECHECK_MS = 30_000;
const FAILURE_RECHECK_MS = 1000;
const MAX_REMEMBERED_FAILURES = 1024;
/** How long a withheld answer stays withheld without asking again. */
const WITHHELD_SECONDS = 60;

export interface ForwarderOptions {
  readonly upstreams: UpstreamGroup;
  /** Zones whose upstream answers may be private. */
  readonly rebindAllow: readonly string[];
  /** Answers to remember. */
  readonly cacheSize: number;
  readonly randomCase: boolean;
  readonly counters: DnsCounters;
  readonly log: Log;
}

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #rebindAllow: readonly WireName[];
  readonly #cache: AnswerCache;
  readonly #warnings: BoundedLog;
  /** Equal questions wait for one answer. */
  readonly #flights = new Map<string, Promise<StoredAnswer>>();
  readonly #failures = new BoundedCache<string, true>({ max: MAX_REMEMBERED_FAILURES });

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#rebindAllow = options.rebindAllow.flatMap((zone) => wireNameOf(zone) ?? []);
    this.#cache = new AnswerCache(options.cacheSize);
    this.#warnings = new BoundedLog(options.log);
  }

  /** The answer for one asker. Never rejects: what cannot be answered is SERVFAIL. */
  async ask(asker: Asker): Promise<Buffer> {
    const answer = await this.#find(asker);
    return answer.copyFor(asker, performance.now());
  }

  close(): void {
    this.#options.upstreams.close();
  }

  async #find(asker: Asker): Promise<StoredAnswer> {
    const { counters } = this.#options;
    const key = keyOf(asker);
    const kept = this.#cache.get(key);
    const leftSeconds = kept?.leftSeconds(performance.now()) ?? 0;
    if (kept !== undefined && leftSeconds > 0) {
      counters.cacheHits += 1;
      return kept;
    }
    if (this.#failures.has(key)) return this.#staleOr(kept, asker.question);
    const flight = this.#flights.get(key) ?? this.#start(key, asker);
    if (flight === undefined) return this.#staleOr(kept, asker.question);
    const fresh = await (kept === undefined ? flight : firstOf(flight, STALE_PATIENCE_MS));
    if (fresh === undefined || isFailure(fresh)) return this.#staleOr(kept, asker.question, fresh);
    return fresh;
  }

  #staleOr(kept: StoredAnswer | undefined, question: Question, failure?: StoredAnswer): StoredAnswer {
    if (kept === undefined) return failure ?? emptyAnswer(question, RCODE.SERVFAIL, 0);
    this.#options.counters.stale += 1;
    return kept;
  }

  /** Sends the question on, or undefined when too many are under way. The promise never rejects. */
  #start(key: string, asker: Asker): Promise<StoredAnswer> | undefined {
    if (this.#flights.size >= MAX_FLIGHTS) return undefined;
    this.#options.counters.forwarded += 1;
    const flight = this.#fetch(asker)
      .catch((error: unknown) => {
        this.#options.log.debug(
          { name: nameText(asker.question.name), error: messageOf(error) },
          'no upstream answered',
        );
        return emptyAnswer(asker.question, RCODE.SERVFAIL, 0);
      })
      .then((answer) => {
        this.#flights.delete(key);
        if (isFailure(answer))
          this.#failures.set(key, true, this.#cache.get(key) === undefined ? FAILURE_RECHECK_MS : STALE_RECHECK_MS);
        else this.#cache.keep(key, answer);
        return answer;
      });
    this.#flights.set(key, flight);
    return flight;
  }

  async #fetch({ question, edns }: Asker): Promise<StoredAnswer> {
    const { upstreams, randomCase } = this.#options;
    const query = buildQuery({
      name: question.name,
      type: question.type,
      checkingDisabled: (question.message[3]! & CD) !== 0,
      edns: { dnssecOk: edns !== 'none' && edns.dnssecOk },
      randomCase,
    });
    const { message, records, privateAddress } = await upstreams.ask(query);
    if (privateAddress !== undefined && !this.#mayBePrivate(question.name))
      return this.#withhold(question, privateAddress);
    return new StoredAnswer(message, records);
  }

  #mayBePrivate(name: WireName): boolean {
    return this.#rebindAllow.some((zone) => isWithin(name, zone));
  }

  #withhold(question: Question, address: string): StoredAnswer {
    this.#options.counters.withheldAsRebinding += 1;
    const hint = 'if this name may lead inside, add its zone to dns.rebind_allow';
    const fields = { name: nameText(question.name), address, hint };
    this.#warnings.warn(fields, 'upstream answer with a private address withheld');
    return emptyAnswer(question, RCODE.NOERROR, WITHHELD_SECONDS);
  }
}

/** Askers with other wishes about DNSSEC get other answers. */
function keyOf({ question, edns }: Asker): string {
  const dnssecOk = edns !== 'none' && edns.dnssecOk;
  const checkingDisabled = (question.message[3]! & CD) !== 0;
  return `${question.type} ${dnssecOk ? 'D' : ''}${checkingDisabled ? 'C' : ''} ${question.name}`;
}

function isFailure(answer: StoredAnswer): boolean {
  return answer.rcode !== RCODE.NOERROR && answer.rcode !== RCODE.NXDOMAIN;
}

function emptyAnswer(question: Question, rcode: number, lifetimeSeconds: number): StoredAnswer {
  const message = Buffer.alloc(question.end);
  writeHead(message, question.message, question.end, { rcode, isAuthoritative: false, recursionAvailable: true });
  return new StoredAnswer(message, [], lifetimeSeconds);
}

/** What `promise` resolves with, or undefined when that takes longer than `timeoutMs`. */
async function firstOf<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  const patience = new AbortController();
  try {
    return await Promise.race([promise, wait(timeoutMs, undefined, { signal: patience.signal })]);
  } finally {
    patience.abort();
  }
}
