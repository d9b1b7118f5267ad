/** An upstream's answer kept as bytes: how long it lasts, and the copy of it that an asker gets. */
import type { Edns } from './message.ts';
import { endOfPlainName } from './name.ts';
import type { Question } from './question.ts';
import type { RecordPlace } from './records.ts';
import { OPT_BYTES, writeHead, writeOpt } from './reply.ts';
import { HEADER_BYTES, RCODE, RCODE_MASK, TC, TYPE } from './wire.ts';

/** No answer is believed for longer than a day, and no denial for longer than an hour (RFC 2308 section 5). */
const MAX_TTL_SECONDS = 86_400;
const MAX_NEGATIVE_TTL_SECONDS = 3600;
/** What stale records claim (RFC 8767 section 5.2). */
const STALE_TTL_SECONDS = 30;
const TYPE_ANY = 255;

/** Who gets the copy. */
export interface Asker {
  readonly question: Question;
  readonly edns: Edns | 'none';
  /** The copy is truncated when it is longer. */
  readonly maxBytes: number;
}

export class StoredAnswer {
  readonly bytes: Buffer;
  readonly rcode: number;
  /** How long it may be given out; 0: not at all a second time. */
  readonly lifetimeSeconds: number;
  readonly #ttls: readonly { readonly at: number; readonly seconds: number }[];
  readonly #receivedAtMs = performance.now();

  /** `records` are those of `message`. Its OPT record concerns only the upstream and us: the copy ends before it. */
  constructor(message: Buffer, records: readonly RecordPlace[], lifetimeSeconds?: number) {
    const opt = records.findIndex((record) => record.type === TYPE.OPT);
    const kept = opt < 0 ? records : records.slice(0, opt);
    const additional = kept.filter((record) => record.section === 'additional').length;
    this.bytes = Buffer.from(message.subarray(0, opt < 0 ? message.length : records[opt]!.at));
    this.bytes.writeUInt16BE(additional, 10);
    this.rcode = message[3]! & RCODE_MASK;
    this.#ttls = kept.map(({ ttlAt, ttlSeconds }) => ({ at: ttlAt, seconds: ttlSeconds }));
    this.lifetimeSeconds = lifetimeSeconds ?? lifetimeOf(message, kept);
  }

  /** Seconds of its lifetime that are left at `nowMs`; negative when it is stale. */
  leftSeconds(nowMs: number): number {
    return this.lifetimeSeconds - this.#ageSeconds(nowMs);
  }

  /** The answer for one asker: its id, flags and spelling of the name, TTLs counted down, our OPT where it sent one. */
  copyFor({ question, edns, maxBytes }: Asker, nowMs: number): Buffer {
    const optBytes = edns === 'none' ? 0 : OPT_BYTES;
    const fits = this.bytes.length + optBytes <= maxBytes;
    const length = fits ? this.bytes.length : question.end;
    const copy = Buffer.allocUnsafe(length + optBytes);
    this.bytes.copy(copy, 0, 0, length);
    writeHead(copy, question.message, question.end, {
      rcode: this.rcode,
      isAuthoritative: false,
      recursionAvailable: true,
    });
    if (fits) {
      this.bytes.copy(copy, 6, 6, HEADER_BYTES);
      this.#countDown(copy, nowMs);
    } else {
      copy[2]! |= TC;
    }
    if (edns !== 'none') writeOpt(copy, length, { dnssecOk: edns.dnssecOk, rcode: this.rcode });
    return copy;
  }

  #countDown(copy: Buffer, nowMs: number): void {
    const age = this.#ageSeconds(nowMs);
    const isStale = this.lifetimeSeconds > 0 && age >= this.lifetimeSeconds;
    for (const { at, seconds } of this.#ttls) {
      const left = Math.min(MAX_TTL_SECONDS, Math.max(0, seconds - age));
      copy.writeUInt32BE(isStale ? STALE_TTL_SECONDS : left, at);
    }
  }

  #ageSeconds(nowMs: number): number {
    return Math.floor((nowMs - this.#receivedAtMs) / 1000);
  }
}

/** A yes lasts as long as its shortest record; a no as its SOA says (RFC 2308), not at all without one; an error not at all. */
function lifetimeOf(message: Buffer, records: readonly RecordPlace[]): number {
  const rcode = message[3]! & RCODE_MASK;
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return 0;
  const type = message.readUInt16BE(endOfPlainName(message, HEADER_BYTES));
  const answers = records.filter((record) => record.section === 'answer');
  const shortest = Math.min(MAX_TTL_SECONDS, ...answers.map((record) => record.ttlSeconds));
  if (rcode === RCODE.NOERROR && answers.some((record) => record.type === type || type === TYPE_ANY)) return shortest;

  const soa = records.find((record) => record.section === 'authority' && record.type === TYPE.SOA);
  if (soa === undefined || soa.end - soa.dataAt < 4) return 0;
  return Math.min(MAX_NEGATIVE_TTL_SECONDS, shortest, soa.ttlSeconds, message.readUInt32BE(soa.end - 4));
}
