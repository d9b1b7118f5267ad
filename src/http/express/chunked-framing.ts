/** Follows a chunked body to its end without touching a byte of it (RFC 9112 section 7.1). */
import { isTrailerField } from '../headers.ts';

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const MAX_SIZE_DIGITS = 12;
const MAX_EXTENSION_BYTES = 256;
const TRAILER_LINES = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n$/;

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'complete' | 'broken';

export class ChunkedFraming {
  readonly #maxTrailerBytes: number;
  #state: State = 'size';
  #digits = 0;
  #extensionBytes = 0;
  /** Bytes of the present chunk that are still to come. */
  #left = 0;
  #trailer = '';

  constructor(maxTrailerBytes: number) {
    this.#maxTrailerBytes = maxTrailerBytes;
  }

  get isComplete(): boolean {
    return this.#state === 'complete';
  }

  /** The framing cannot be read: where the body ends is not known. */
  get isBroken(): boolean {
    return this.#state === 'broken';
  }

  /** The trailer section for the client with its empty line, once the body is complete. */
  get trailerSection(): string {
    return this.#trailer;
  }

  /**
   * Reads on. `bodyEnd`: so many of `bytes` belong to the body, up to the line of its last chunk; the trailer section behind it is kept
   * back. `messageEnd`: so many belong to the message.
   */
  read(bytes: Uint8Array): { bodyEnd: number; messageEnd: number } {
    let at = 0;
    while (at < bytes.length && this.#state !== 'trailer' && !this.#isOver()) {
      if (this.#state === 'data') {
        const step = Math.min(this.#left, bytes.length - at);
        this.#left -= step;
        at += step;
        if (this.#left === 0) this.#state = 'data-cr';
      } else {
        this.#readFraming(bytes[at] ?? 0);
        at += 1;
      }
    }
    const bodyEnd = at;
    while (at < bytes.length && this.#state === 'trailer') {
      this.#readTrailer(bytes[at] ?? 0);
      at += 1;
    }
    return { bodyEnd, messageEnd: at };
  }

  #isOver(): boolean {
    return this.#state === 'complete' || this.#state === 'broken';
  }

  #readFraming(byte: number): void {
    switch (this.#state) {
      case 'size':
        this.#readSize(byte);
        return;
      case 'extension':
        this.#extensionBytes += 1;
        if (byte === CR) this.#state = 'size-lf';
        else if (!isExtensionByte(byte) || this.#extensionBytes > MAX_EXTENSION_BYTES) this.#state = 'broken';
        return;
      case 'size-lf':
        if (byte !== LF) this.#state = 'broken';
        else this.#state = this.#left === 0 ? 'trailer' : 'data';
        return;
      case 'data-cr':
        this.#state = byte === CR ? 'data-lf' : 'broken';
        return;
      case 'data-lf':
        this.#digits = 0;
        this.#state = byte === LF ? 'size' : 'broken';
        return;
    }
  }

  #readSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      this.#digits += 1;
      if (this.#digits > MAX_SIZE_DIGITS) this.#state = 'broken';
    } else if (this.#digits === 0) {
      this.#state = 'broken';
    } else if (byte === CR) {
      this.#state = 'size-lf';
    } else if (byte === SEMICOLON) {
      this.#extensionBytes = 0;
      this.#state = 'extension';
    } else {
      this.#state = 'broken';
    }
  }

  #readTrailer(byte: number): void {
    this.#trailer += String.fromCharCode(byte);
    const isEnd = this.#trailer === '\r\n' || this.#trailer.endsWith('\r\n\r\n');
    if (isEnd && TRAILER_LINES.test(this.#trailer)) this.#finish();
    else if (isEnd || this.#trailer.length > this.#maxTrailerBytes) this.#state = 'broken';
  }

  /** Fields that would change the framing, or that belong into a head, are left out. */
  #finish(): void {
    const lines = this.#trailer.slice(0, -2).split(/(?<=\r\n)/);
    const kept = lines.filter((line) => isTrailerField(line.slice(0, line.indexOf(':')).toLowerCase()));
    this.#trailer = `${kept.join('')}\r\n`;
    this.#state = 'complete';
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function isExtensionByte(byte: number): boolean {
  return byte === 0x09 || (byte >= 0x20 && byte < 0x7f);
}
