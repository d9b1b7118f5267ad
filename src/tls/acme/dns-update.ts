/** Publishes TXT records by dynamic updates (RFC 2136) over TCP, signed when there is a key. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { messageOf } from '../../lib/errors.ts';
import type { Publisher, TxtRecord } from './dns-record.ts';
import { CLASS_IN, encodeName, encodeQuestion, HEADER_BYTES, skipRecord, startOfRecords, TYPE } from './dns-wire.ts';
import { AcmeProblem } from './problem.ts';
import { signMessage, type TsigKey, tsigFault } from './tsig.ts';

const TIMEOUT_MS = 15_000;
const TTL_SECONDS = 60;
/** Second byte pair of the header. */
const QUERY = 0x0000;
const UPDATE = 5 << 11;
/** Instead of the zone's class: this very record goes (RFC 2136 section 2.5.4). */
const CLASS_NONE = 254;
const RCODES: Readonly<Record<number, string>> = {
  1: 'it could not read the message',
  2: 'it failed',
  4: 'it takes no updates',
  5: 'it refuses: its update policy does not allow this key, or this host, to change the name',
  6: 'a name exists that should not',
  8: 'a record set is missing',
  9: 'it is not authoritative for the zone, or the key is not valid there',
  10: 'the name is outside the zone',
};

export interface NameServer {
  readonly host: string;
  readonly port: number;
  /** Undefined: it knows this host by its address. */
  readonly key: TsigKey | undefined;
}

/** Rejects `AcmeProblem` when the name server cannot be asked, refuses, or answers with a wrong signature. */
export function updatePublisher(server: NameServer): Publisher {
  return {
    publish: (record) => readable(server, update(server, record, CLASS_IN, TTL_SECONDS)),
    withdraw: (record) => readable(server, update(server, record, CLASS_NONE, 0)),
  };
}

/** Messages that are cut short are read beyond their end. */
async function readable(server: NameServer, exchange: Promise<void>): Promise<void> {
  await exchange.catch((error: unknown) => {
    throw error instanceof RangeError ? refusal(server, 'its answer is cut short') : error;
  });
}

async function update(server: NameServer, record: TxtRecord, dnsClass: number, ttlSeconds: number): Promise<void> {
  const zone = await zoneOf(server, record.place);
  const value = Buffer.from(record.value, 'ascii');
  const head = Buffer.alloc(10);
  head.writeUInt16BE(TYPE.TXT, 0);
  head.writeUInt16BE(dnsClass, 2);
  head.writeUInt32BE(ttlSeconds, 4);
  head.writeUInt16BE(value.length + 1, 8);
  const change = Buffer.concat([encodeName(record.place), head, Buffer.of(value.length), value]);
  const answer = await exchange(server, Buffer.concat([header(UPDATE, 1), encodeQuestion(zone, TYPE.SOA), change]));
  const rcode = rcodeOf(answer);
  if (rcode !== 0) throw refusal(server, RCODES[rcode] ?? `it answers with code ${rcode}`);
}

/** The zone that holds `name`: the first name upwards with an SOA record. */
async function zoneOf(server: NameServer, name: string): Promise<string> {
  for (let zone = name; zone !== ''; zone = zone.split('.').slice(1).join('.')) {
    const answer = await exchange(server, Buffer.concat([header(QUERY, 0), encodeQuestion(zone, TYPE.SOA)]));
    const hasAnswer = rcodeOf(answer) === 0 && answer.readUInt16BE(6) > 0;
    if (hasAnswer && skipRecord(answer, startOfRecords(answer)).type === TYPE.SOA) return zone;
  }
  throw refusal(server, `it holds no zone for ${name}`);
}

/** A header with a random id, one question or zone, and `changes` records in the update section. */
function header(flags: number, changes: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  randomBytes(2).copy(bytes);
  bytes.writeUInt16BE(flags, 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt16BE(changes, 8);
  return bytes;
}

function rcodeOf(answer: Buffer): number {
  return answer.readUInt8(3) & 0x0f;
}

/** One message and its answer, whose signature is checked. */
async function exchange(server: NameServer, message: Buffer): Promise<Buffer> {
  const { key } = server;
  const signed = key === undefined ? undefined : signMessage(message, key, Date.now());
  const answer = await askOverTcp(server, signed?.bytes ?? message).catch((cause: unknown) => {
    throw refusal(server, `it cannot be asked: ${messageOf(cause)}`);
  });
  if (key === undefined || signed === undefined) return answer;
  const fault = tsigFault(answer, key, signed.mac);
  if (fault !== undefined) throw refusal(server, `${fault} (key ${key.name}, ${key.algorithm})`);
  return answer;
}

/** RFC 1035 section 4.2.2: two bytes of length in front. */
function askOverTcp({ host, port }: NameServer, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const deadline = setTimeout(() => socket.destroy(new Error('no answer in time')), TIMEOUT_MS);
    let read = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(deadline);
      reject(new Error('it closed the connection'));
    });
    socket.on('data', (chunk) => {
      read = Buffer.concat([read, chunk]);
      if (read.length < 2 || read.length < read.readUInt16BE(0) + 2) return;
      const answer = read.subarray(2, read.readUInt16BE(0) + 2);
      const isAnswer = answer.length >= HEADER_BYTES && answer.readUInt16BE(0) === message.readUInt16BE(0);
      if (isAnswer) resolve(answer);
      socket.destroy(isAnswer ? undefined : new Error('it answers nonsense'));
    });
    socket.write(Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]));
  });
}

function refusal({ host, port }: NameServer, reason: string): AcmeProblem {
  return new AcmeProblem({
    type: 'dnsUpdate',
    detail: `[acme] rfc2136_server: ${host} port ${port}: ${reason}`,
    hint: 'compare the key with that of the name server, and see that its update policy lets it change TXT records',
  });
}
