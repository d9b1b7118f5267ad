/** The body of an answer on its way: which of the server's bytes the client gets, and where the body ends (RFC 9112 section 6.3). */
import type { BodyFraming } from './answer-head.ts';
import { ChunkedFraming } from './chunked-framing.ts';

const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const NOTHING = Buffer.alloc(0);

export interface AnswerBody {
  /** The next bytes from the server; returns those for the client, which may be a part of `bytes` itself. */
  take(bytes: Buffer): Buffer;
  /** The server has ended the connection in order; returns what the client gets for that. */
  end(): Buffer;
  readonly isComplete: boolean;
  /** Where the body ends cannot be told. */
  readonly isBroken: boolean;
  /** The server has sent more than the body. */
  readonly hasSurplus: boolean;
}

/** `maxTrailerBytes`: of the section behind a chunked body. */
export function bodyFramedBy(framing: BodyFraming, maxTrailerBytes: number): AnswerBody {
  if (framing === 'chunked') return new ChunkedBody(maxTrailerBytes);
  return framing === 'close' ? new ClosingBody() : new SizedBody(framing);
}

class SizedBody implements AnswerBody {
  readonly isBroken = false;
  hasSurplus = false;
  #left: number;

  constructor(byteLength: number) {
    this.#left = byteLength;
  }

  get isComplete(): boolean {
    return this.#left === 0;
  }

  take(bytes: Buffer): Buffer {
    this.hasSurplus = bytes.length > this.#left;
    const taken = this.hasSurplus ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= taken.length;
    return taken;
  }

  end(): Buffer {
    return NOTHING;
  }
}

/** Goes on as it came, chunk sizes included; only trailer fields that do not belong there are left out. */
class ChunkedBody implements AnswerBody {
  hasSurplus = false;
  readonly #framing: ChunkedFraming;

  constructor(maxTrailerBytes: number) {
    this.#framing = new ChunkedFraming(maxTrailerBytes);
  }

  get isComplete(): boolean {
    return this.#framing.isComplete;
  }

  get isBroken(): boolean {
    return this.#framing.isBroken;
  }

  take(bytes: Buffer): Buffer {
    const { bodyEnd, messageEnd } = this.#framing.read(bytes);
    if (!this.#framing.isComplete) return bytes.subarray(0, bodyEnd);
    this.hasSurplus = messageEnd < bytes.length;
    const { trailerSection } = this.#framing;
    if (trailerSection === '\r\n' && messageEnd - bodyEnd === trailerSection.length)
      return bytes.subarray(0, messageEnd);
    return Buffer.concat([bytes.subarray(0, bodyEnd), Buffer.from(trailerSection, 'latin1')]);
  }

  end(): Buffer {
    return NOTHING;
  }
}

/** Ends with the server's connection; the client gets it in chunks, so that it can tell an end from a break. */
class ClosingBody implements AnswerBody {
  isComplete = false;
  readonly isBroken = false;
  readonly hasSurplus = false;

  take(bytes: Buffer): Buffer {
    if (bytes.length === 0) return bytes;
    return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
  }

  end(): Buffer {
    this.isComplete = true;
    return LAST_CHUNK;
  }
}
