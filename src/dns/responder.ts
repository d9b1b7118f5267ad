/** Decides what each message gets: nothing, an error, an answer of our own, or one from the forwarder. Shared by UDP and TCP. */
import type { Log } from '../lib/log.ts';
import { BoundedLog } from './bounded-log.ts';
import type { Client, ClientTable } from './client.ts';
import type { DnsCounters } from './counters.ts';
import { DirectPath } from './direct.ts';
import type { Forwarder } from './forwarder.ts';
import { answerLocally, answerPrivateReverse, type LocalAnswer } from './local.ts';
import { type Edns, readEdns } from './message.ts';
import { guard } from './question.ts';
import { QUESTION_NAME_AT, SECTION, writeError, writeHead, writeOpt, writeRecord } from './reply.ts';
import type { SiteSource } from './site.ts';
import type { Asker } from './stored-answer.ts';
import { CLASS_IN, CLASSIC_UDP_BYTES, MAX_MESSAGE_BYTES, MAX_UDP_BYTES, RCODE, RD, TC, TYPE } from './wire.ts';
import type { LabelMeaning, Zone } from './zone.ts';

export type Transport = 'udp' | 'tcp';

/** Bytes that an answer of our own may take; callers of `respond` bring a buffer of this size. */
export const LOCAL_ANSWER_BYTES = MAX_UDP_BYTES;

export interface ResponderOptions {
  readonly sites: SiteSource;
  readonly clients: ClientTable;
  /** Absent: names that are not ours are refused. */
  readonly forwarder: Forwarder | undefined;
  readonly counters: DnsCounters;
  readonly log: Log;
}

/** One question that passed the guard, who asks it, and where an answer of our own goes. */
interface Inquiry extends Asker {
  readonly client: Client;
  readonly out: Buffer;
}

export class Responder {
  readonly #options: ResponderOptions;
  readonly #direct: DirectPath;
  readonly #warnings: BoundedLog;

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#warnings = new BoundedLog(options.log);
    this.#direct = new DirectPath({
      recursionAvailable: options.forwarder !== undefined,
      onRefused: (zone, meaning, client) => this.#countRefusal(zone, meaning, client),
    });
  }

  /**
   * The answer to `message` from `asker` (an address as the socket spells it): so many bytes in `out`, 0 for silence, or a promise of
   * another buffer when an upstream has to be asked.
   */
  respond(message: Buffer, asker: string, transport: Transport, out: Buffer): number | Promise<Buffer> {
    const { counters } = this.#options;
    const nowMs = performance.now();
    const site = this.#options.sites.at(nowMs);
    const client = this.#options.clients.admit(asker, site, nowMs);
    if (client === undefined) {
      counters.rateLimited += 1;
      return 0;
    }
    if (client.isAllowed) {
      const length = this.#direct.answer(message, site, client, out);
      if (length > 0) {
        counters.answered += 1;
        return length;
      }
    }
    return this.#respondWithCare(message, client, transport, out);
  }

  #respondWithCare(message: Buffer, client: Client, transport: Transport, out: Buffer): number | Promise<Buffer> {
    const { counters } = this.#options;
    const guarded = guard(message);
    if (guarded.verdict === 'silence') {
      counters.dropped += 1;
      return 0;
    }
    counters.answered += 1;
    if (guarded.verdict === 'error') return this.#reject(message, guarded.rcode, out);
    const { question } = guarded;
    const edns = question.hasAdditional ? readEdns(message) : 'none';
    if (edns === 'malformed' || question.type === TYPE.OPT) return this.#reject(message, RCODE.FORMERR, out);
    if (edns !== 'none' && edns.version > 0) {
      counters.malformed += 1;
      return this.#writeEmpty({ question, edns, out }, RCODE.BADVERS);
    }
    const maxBytes = transport === 'tcp' ? MAX_MESSAGE_BYTES : udpLimit(edns);
    return this.#answer({ question, edns, maxBytes, client, out });
  }

  #answer(inquiry: Inquiry): number | Promise<Buffer> {
    const { forwarder, sites } = this.#options;
    const { question, client } = inquiry;
    if (!client.isAllowed) {
      this.#warnings.warn({ client: client.address }, 'DNS question refused: the asker is not in dns.allow_clients');
      return this.#refuse(inquiry);
    }
    const isTransfer = question.type === TYPE.AXFR || question.type === TYPE.IXFR;
    if (question.class !== CLASS_IN || isTransfer) return this.#refuse(inquiry);
    const own = answerLocally(question, sites.current, client);
    if (own?.refused !== undefined) this.#countRefusal(own.refused.zone, own.refused.meaning, client);
    if (own !== undefined) return this.#writeLocal(inquiry, own);

    const wantsRecursion = (question.message[2]! & RD) !== 0;
    if (forwarder === undefined || !wantsRecursion) return this.#refuse(inquiry);
    const reverse = answerPrivateReverse(question);
    return reverse === undefined ? forwarder.ask(inquiry) : this.#writeLocal(inquiry, reverse);
  }

  #writeLocal(inquiry: Inquiry, answer: LocalAnswer): number {
    const { question, edns, maxBytes, out } = inquiry;
    const head = { rcode: answer.rcode, isAuthoritative: true, recursionAvailable: this.#recursionAvailable };
    let at = writeHead(out, question.message, question.end, head);
    at =
      answer.record === undefined
        ? writeRecord(out, at, { section: SECTION.authority, ...answer.soa })
        : writeRecord(out, at, { section: SECTION.answer, ownerAt: QUESTION_NAME_AT, body: answer.record });
    if (edns !== 'none') at = writeOpt(out, at, { dnssecOk: edns.dnssecOk, rcode: answer.rcode });
    if (at <= maxBytes) return at;

    // Only a name of extreme length comes here: its SOA repeats it.
    at = this.#writeEmpty(inquiry, answer.rcode);
    out[2]! |= TC;
    return at;
  }

  #refuse(inquiry: Inquiry): number {
    this.#options.counters.refused += 1;
    return this.#writeEmpty(inquiry, RCODE.REFUSED);
  }

  #reject(message: Buffer, rcode: number, out: Buffer): number {
    this.#options.counters.malformed += 1;
    return writeError(out, message, rcode);
  }

  #writeEmpty({ question, edns, out }: Pick<Inquiry, 'question' | 'edns' | 'out'>, rcode: number): number {
    const head = { rcode, isAuthoritative: false, recursionAvailable: this.#recursionAvailable };
    const at = writeHead(out, question.message, question.end, head);
    return edns === 'none' ? at : writeOpt(out, at, { dnssecOk: edns.dnssecOk, rcode });
  }

  get #recursionAvailable(): boolean {
    return this.#options.forwarder !== undefined;
  }

  #countRefusal(zone: Zone, meaning: LabelMeaning, client: Client): void {
    this.#options.counters.refusedAsRebinding += 1;
    const fields = { zone: zone.name, address: meaning.address, client: client.address };
    this.#warnings.warn(fields, 'name of the own zone refused: it spells an address that is not of this site');
  }
}

/** What the asker takes over UDP: as its EDNS says, 512 to 1232 bytes. */
function udpLimit(edns: Edns | 'none'): number {
  if (edns === 'none') return CLASSIC_UDP_BYTES;
  return Math.min(MAX_UDP_BYTES, Math.max(CLASSIC_UDP_BYTES, edns.payloadBytes));
}
