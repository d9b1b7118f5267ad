/** Cuts a stream into DNS messages, each behind two bytes of length (RFC 1035 section 4.2.2). */
import { HEADER_BYTES } from './wire.ts';

const LENGTH_BYTES = 2;

export class MessageReader {
  readonly #maxBytes: number;
  #rest: Buffer = Buffer.alloc(0);

  /** A message announced with more than `maxBytes`, or with less than a header, is not read. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** True while a message has begun and not ended. */
  get isInside(): boolean {
    return this.#rest.length > 0;
  }

  /** The messages that are complete with `chunk`; undefined when one cannot be one, and the stream is of no use any more. */
  push(chunk: Buffer): readonly Buffer[] | undefined {
    const messages: Buffer[] = [];
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (rest.length >= LENGTH_BYTES) {
      const length = rest.readUInt16BE(0);
      if (length < HEADER_BYTES || length > this.#maxBytes) return undefined;
      if (rest.length < LENGTH_BYTES + length) break;
      messages.push(rest.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
      rest = rest.subarray(LENGTH_BYTES + length);
    }
    this.#rest = rest;
    return messages;
  }
}

/** `message` behind its length. */
export function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + message.length);
  frame.writeUInt16BE(message.length, 0);
  message.copy(frame, LENGTH_BYTES);
  return frame;
}
