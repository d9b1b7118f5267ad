/** What connections to the media server read into: little for each, more for those that carry films while there is some left. */

/** One whole answer for a wall of posters; films take more. Over the size from which on the system has it back at once (docker/program/flags.ts). */
const SMALL_BYTES = 69_632;
/** Beyond that a stream costs no less. */
const LARGE_BYTES = 262_144;
/** For all large buffers together. */
const BUDGET_BYTES = 8 * 1024 * 1024;
/** No buffer takes more of what is left of the budget than this part: there are others. */
const SHARES = 16;

export class ReadBuffers {
  #spareBytes = BUDGET_BYTES;

  small(): Buffer {
    return Buffer.allocUnsafeSlow(SMALL_BYTES);
  }

  /** A larger one, to be given back; undefined: too much is lent already. */
  lendLarge(): Buffer | undefined {
    for (let bytes = LARGE_BYTES; bytes > SMALL_BYTES; bytes /= 2) {
      if (bytes * SHARES > this.#spareBytes) continue;
      this.#spareBytes -= bytes;
      return Buffer.allocUnsafeSlow(bytes);
    }
    return undefined;
  }

  giveBack({ length }: Buffer): void {
    this.#spareBytes += length;
  }
}
