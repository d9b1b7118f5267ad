/** What the gateway answers from its own knowledge outside the direct path: the zones' tops, its exact names, private reverse names. */
import type { Client } from './client.ts';
import { answerBody } from './direct.ts';
import type { RecordBody } from './message.ts';
import { bytesLeftOf } from './name.ts';
import { privateReverseZone } from './private-reverse.ts';
import type { Question } from './question.ts';
import { QUESTION_NAME_AT } from './reply.ts';
import type { Site } from './site.ts';
import { RCODE, TYPE } from './wire.ts';
import type { LabelMeaning, Zone } from './zone.ts';

/** An answer of our own: at most one record for the name asked for, else the SOA of what it is in. */
export interface LocalAnswer {
  readonly rcode: number;
  readonly record: RecordBody | undefined;
  readonly soa: { readonly ownerAt: number; readonly body: RecordBody };
  /** Set when the name was refused because of the address that it spells. */
  readonly refused?: { readonly zone: Zone; readonly meaning: LabelMeaning };
}

/** The answer for a name of ours, or undefined when it is not ours. */
export function answerLocally(question: Question, site: Site, client: Client): LocalAnswer | undefined {
  return answerExactName(question, site, client) ?? answerInZone(question, site, client);
}

function answerExactName({ name, type }: Question, site: Site, client: Client): LocalAnswer | undefined {
  const soa = site.exactNames.get(name);
  if (soa === undefined) return undefined;
  const records: Readonly<Record<number, RecordBody | undefined>> = {
    [TYPE.A]: client.gateway.v4?.body,
    [TYPE.AAAA]: client.gateway.v6?.body,
    [TYPE.SOA]: soa,
  };
  return { rcode: RCODE.NOERROR, record: records[type], soa: { ownerAt: QUESTION_NAME_AT, body: soa } };
}

function answerInZone(question: Question, site: Site, client: Client): LocalAnswer | undefined {
  const zone = site.zoneOf(question.name);
  if (zone === undefined) return undefined;
  const left = bytesLeftOf(zone.wireName, question.name);
  const soa = { ownerAt: QUESTION_NAME_AT + left, body: zone.soa };
  if (left === 0) return { rcode: RCODE.NOERROR, record: topRecord(zone, question.type), soa };

  const label = question.name.slice(1, left);
  const isOneLabel = question.name.charCodeAt(0) === label.length;
  const meaning = isOneLabel ? zone.meaningOf(label) : undefined;
  if (meaning === undefined) return { rcode: RCODE.NXDOMAIN, record: undefined, soa };
  const record = answerBody(meaning, question.type, client);
  const answer = { rcode: RCODE.NOERROR, record, soa };
  return meaning.isRefused ? { ...answer, refused: { zone, meaning } } : answer;
}

function topRecord(zone: Zone, type: number): RecordBody | undefined {
  if (type === TYPE.SOA) return zone.soa;
  return type === TYPE.NS ? zone.ns : undefined;
}

/** NXDOMAIN for reverse names of private addresses: no upstream knows them, and they say what the network looks like inside (RFC 6303). */
export function answerPrivateReverse(question: Question): LocalAnswer | undefined {
  const found = privateReverseZone(question.name);
  if (found === undefined) return undefined;
  const left = bytesLeftOf(found.zone, question.name);
  const rcode = left === 0 ? RCODE.NOERROR : RCODE.NXDOMAIN;
  return { rcode, record: undefined, soa: { ownerAt: QUESTION_NAME_AT + left, body: found.soa } };
}
