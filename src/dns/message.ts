/** Records and EDNS through dns2's codec. The one place that knows dns2, and only its `Packet`; nothing gets here that the guard refused. */
import { Packet } from 'dns2';
import { addressFamily } from '../net/address.ts';
import { CLASS_IN, TYPE } from './wire.ts';

/** How long anything of the own zones may be remembered: addresses move. */
export const OWN_TTL_SECONDS = 60;

/** What an asker says about itself in its OPT record (RFC 6891). */
export interface Edns {
  readonly version: number;
  readonly payloadBytes: number;
  readonly dnssecOk: boolean;
}

/** The OPT record of a guarded question. `malformed`: the additional section cannot be read, has two, or one that is not the root's. */
export function readEdns(message: Buffer): Edns | 'none' | 'malformed' {
  const packet = Packet.parse(message);
  if (packet.errors.length > 0) return 'malformed';
  const found = packet.additionals.filter((record) => record.type === TYPE.OPT);
  const [opt] = found;
  if (opt === undefined) return 'none';
  if (found.length > 1 || opt.name !== '') return 'malformed';
  return { version: opt.version ?? 0, payloadBytes: opt.class, dnssecOk: opt.doFlag ?? false };
}

/** A record without its owner: type, class, TTL, length and data, ready to stand behind a name. */
export type RecordBody = Buffer;

type RecordData = Partial<Packet['answers'][number]> & { readonly type: number };

function recordBody(data: RecordData): RecordBody {
  const record = new Packet.Resource({ name: '', class: CLASS_IN, ttl: OWN_TTL_SECONDS, ...data });
  const encoded = Packet.Resource.encode(record);
  return encoded.subarray(1);
}

/** An A or AAAA record for a canonical address. */
export function addressBody(address: string): RecordBody {
  return recordBody({ type: addressFamily(address) === 4 ? TYPE.A : TYPE.AAAA, address });
}

/** The SOA of a zone that nobody transfers: only its minimum matters, the TTL of what is not there (RFC 2308 section 4). */
export function soaBody(primary: string): RecordBody {
  const timers = { serial: 1, refresh: 3600, retry: 600, expiration: 86_400, minimum: OWN_TTL_SECONDS };
  return recordBody({ type: TYPE.SOA, primary, admin: 'nobody.invalid', ...timers });
}

export function nsBody(nameServer: string): RecordBody {
  return recordBody({ type: TYPE.NS, ns: nameServer });
}

/** What an answer says, as `doctor` needs it. */
export interface ReadAnswer {
  readonly rcode: number;
  readonly isTruncated: boolean;
  /** Addresses of all A and AAAA records of the answer section. */
  readonly addresses: readonly string[];
  readonly texts: readonly string[];
}

/** Reads an answer, or undefined when its header or a record cannot be read. */
export function readAnswer(message: Buffer): ReadAnswer | undefined {
  const packet = parseOrUndefined(message);
  if (packet === undefined || packet.errors.length > 0) return undefined;
  return {
    rcode: packet.header.rcode,
    isTruncated: packet.header.tc === 1,
    addresses: packet.answers.flatMap((record) => (record.address === undefined ? [] : [record.address])),
    texts: packet.answers.flatMap((record) => (record.type === TYPE.TXT ? [String(record.data)] : [])),
  };
}

function parseOrUndefined(message: Buffer): Packet | undefined {
  try {
    return Packet.parse(message);
  } catch {
    return undefined;
  }
}
