/** Signed DNS messages (TSIG, RFC 8945): keys as `tsig-keygen` writes them, HMAC with SHA-2. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Cursor, encodeName, skipRecord, startOfRecords } from './dns-wire.ts';

const TYPE_TSIG = 250;
const CLASS_ANY = 255;
/** How far apart the clocks may be. */
const FUDGE_SECONDS = 300;
const ADDITIONAL_COUNT_AT = 10;

const DIGESTS: Readonly<Record<string, string>> = {
  'hmac-sha224': 'sha224',
  'hmac-sha256': 'sha256',
  'hmac-sha384': 'sha384',
  'hmac-sha512': 'sha512',
};
const ERRORS: Readonly<Record<number, string>> = {
  16: 'it has another secret for this key',
  17: 'it does not know this key',
  18: 'its clock differs from ours by more than five minutes',
};

export interface TsigKey {
  readonly name: string;
  /** As the name server calls it: `hmac-sha256`. */
  readonly algorithm: string;
  readonly secret: Buffer;
}

/** The first key in a file of BIND's form; undefined: there is none, or of an algorithm that is not safe. */
export function readTsigKey(text: string): TsigKey | undefined {
  const [, name = '', body = ''] = /\bkey\s+"?([^\s"{]+)"?\s*\{([^}]*)\}/.exec(text) ?? [];
  const algorithm = /\balgorithm\s+"?([\w-]+)"?\s*;/.exec(body)?.[1]?.toLowerCase() ?? '';
  const secret = Buffer.from(/\bsecret\s+"([^"]+)"\s*;/.exec(body)?.[1] ?? '', 'base64');
  if (name === '' || DIGESTS[algorithm] === undefined || secret.length === 0) return undefined;
  return { name: name.replace(/\.$/, '').toLowerCase(), algorithm, secret };
}

export interface SignedMessage {
  readonly bytes: Buffer;
  readonly mac: Buffer;
}

/** `message` with the signature behind it (section 5.2). */
export function signMessage(message: Buffer, key: TsigKey, nowMs: number): SignedMessage {
  const times = timesOf(Math.floor(nowMs / 1000), FUDGE_SECONDS);
  const mac = digest(key, message, variables(key, times, Buffer.alloc(4)));
  const data = Buffer.concat([
    encodeName(key.algorithm),
    times,
    lengthOf(mac),
    mac,
    message.subarray(0, 2),
    Buffer.alloc(4), // no error, nothing else
  ]);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(TYPE_TSIG, 0);
  head.writeUInt16BE(CLASS_ANY, 2);
  head.writeUInt16BE(data.length, 8);
  const bytes = Buffer.concat([message, encodeName(key.name), head, data]);
  bytes.writeUInt16BE(message.readUInt16BE(ADDITIONAL_COUNT_AT) + 1, ADDITIONAL_COUNT_AT);
  return { bytes, mac };
}

/** What is wrong with the signature of `answer` to a request with `requestMac`; undefined: it is good. Throws `RangeError` for a message cut short. */
export function tsigFault(answer: Buffer, key: TsigKey, requestMac: Buffer): string | undefined {
  const found = findTsig(answer);
  if (found === undefined) return 'it answers without a signature';
  const { at, times, mac, error, other } = found;
  const reason = ERRORS[error];
  // Who does not know the secret cannot sign; the answer is a refusal all the same.
  if (reason !== undefined && mac.length === 0) return reason;
  const unsigned = Buffer.from(answer.subarray(0, at));
  unsigned.writeUInt16BE(answer.readUInt16BE(ADDITIONAL_COUNT_AT) - 1, ADDITIONAL_COUNT_AT);
  const expected = digest(
    key,
    Buffer.concat([lengthOf(requestMac), requestMac, unsigned]),
    variables(key, times, answer.subarray(other - 4)),
  );
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) return 'its answer bears a wrong signature';
  return reason;
}

/** The signature is the last record (section 5.1). */
function findTsig(answer: Buffer) {
  const cursor: Cursor = startOfRecords(answer);
  const additional = answer.readUInt16BE(ADDITIONAL_COUNT_AT);
  const before = answer.readUInt16BE(6) + answer.readUInt16BE(8) + additional - 1;
  for (let index = 0; index < before; index += 1) skipRecord(answer, cursor);
  const { at } = cursor;
  const record = additional === 0 ? undefined : skipRecord(answer, cursor);
  if (record?.type !== TYPE_TSIG) return undefined;
  const timesAt = record.dataAt + encodedNameLength(answer, record.dataAt);
  const macAt = timesAt + 10;
  const macEnd = macAt + answer.readUInt16BE(timesAt + 8);
  return {
    at,
    times: answer.subarray(timesAt, timesAt + 8),
    mac: answer.subarray(macAt, macEnd),
    error: answer.readUInt16BE(macEnd + 2),
    /** Behind the error and the length of the other data, which ends the message. */
    other: macEnd + 6,
  };
}

function encodedNameLength(message: Buffer, start: number): number {
  let at = start;
  while (message.readUInt8(at) !== 0) at += message.readUInt8(at) + 1;
  return at + 1 - start;
}

/** Section 4.3.3. `errorAndOther`: error code, length, other data. */
function variables({ name, algorithm }: TsigKey, times: Buffer, errorAndOther: Buffer): Buffer {
  const classAndTtl = Buffer.from([0, CLASS_ANY, 0, 0, 0, 0]);
  return Buffer.concat([encodeName(name), classAndTtl, encodeName(algorithm), times, errorAndOther]);
}

/** 48 bits of seconds, 16 of fudge. */
function timesOf(seconds: number, fudgeSeconds: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUIntBE(seconds, 0, 6);
  bytes.writeUInt16BE(fudgeSeconds, 6);
  return bytes;
}

function lengthOf(bytes: Buffer): Buffer {
  return Buffer.of(bytes.length >> 8, bytes.length & 0xff);
}

function digest({ algorithm, secret }: TsigKey, ...parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(DIGESTS[algorithm] ?? 'sha256', secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}
