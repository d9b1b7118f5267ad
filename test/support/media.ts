/** Deterministic media of any size without memory: the byte at an offset is a pure function of the offset. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';

/** A prime, so that no chunk size lines up with the pattern: a displaced, lost or repeated chunk changes the hash. */
const PERIOD = 1_048_573;
const CHUNK_BYTES = 64 * 1024;

/** One period of pseudo-random bytes (xorshift32), followed by its own beginning so that every chunk is one slice. */
const PATTERN = makePattern();

function makePattern(): Buffer {
  const pattern = Buffer.alloc(PERIOD + CHUNK_BYTES);
  let state = 0x9e3779b9;
  for (let index = 0; index < PERIOD; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    pattern[index] = state & 0xff;
  }
  pattern.copyWithin(PERIOD, 0, CHUNK_BYTES);
  return pattern;
}

/** At most 64 KiB of the media from `offset` on; a view of shared memory, not to be written to. */
export function mediaChunk(offset: number, length: number): Buffer {
  const start = offset % PERIOD;
  return PATTERN.subarray(start, start + Math.min(length, CHUNK_BYTES));
}

export function* mediaChunks(offset: number, length: number): Generator<Buffer> {
  for (let sent = 0; sent < length; ) {
    const chunk = mediaChunk(offset + sent, length - sent);
    sent += chunk.length;
    yield chunk;
  }
}

/** A stream of the bytes `offset` to `offset + length - 1`, read only as fast as it is consumed. */
export function mediaStream(offset: number, length: number): Readable {
  return Readable.from(mediaChunks(offset, length), { objectMode: false, highWaterMark: CHUNK_BYTES });
}

/** The SHA-256 (hex) that a faultless transfer of these bytes has. */
export function mediaSha256(offset: number, length: number): string {
  const hash = createHash('sha256');
  for (const chunk of mediaChunks(offset, length)) hash.update(chunk);
  return hash.digest('hex');
}
