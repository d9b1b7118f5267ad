/** The inspection that every upstream answer passes before anybody relies on it. */
import { findPrivateAddress } from './rebinding.ts';
import { type RecordPlace, readRecords } from './records.ts';
import { UpstreamError } from './upstream.ts';
import { RCODE_MASK, TC, TYPE } from './wire.ts';

export interface UpstreamAnswer {
  readonly message: Buffer;
  readonly records: readonly RecordPlace[];
  readonly rcode: number;
  /** An address in it that leads into a private network. */
  readonly privateAddress: string | undefined;
}

/** Throws `garbage` for an answer that is cut off, cannot be read to its last byte, or carries an extended error code. */
export function inspectAnswer(message: Buffer): UpstreamAnswer {
  const records = readRecords(message);
  if (records === undefined) throw new UpstreamError('garbage', 'the answer cannot be read');
  if ((message[2]! & TC) !== 0)
    throw new UpstreamError('garbage', 'the answer is cut off although it came over a stream');
  const hasExtendedError = records.some(({ type, ttlAt }) => type === TYPE.OPT && message[ttlAt] !== 0);
  if (hasExtendedError) throw new UpstreamError('garbage', 'the upstream does not take our EDNS');
  const inside = findPrivateAddress(message, records);
  if (inside.found === 'unreadable') throw new UpstreamError('garbage', 'an address in the answer cannot be read');
  const privateAddress = inside.found === 'private' ? inside.address : undefined;
  return { message, records, rcode: message[3]! & RCODE_MASK, privateAddress };
}
