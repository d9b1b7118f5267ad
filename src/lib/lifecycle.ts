/** Things that were started, closed in reverse order. */

export type Closer = () => void | Promise<void>;

/** Collects what must be undone; `close` runs it last-in first-out, once, and reports the first failure after trying all. */
export class Lifecycle {
  readonly #closers: Closer[] = [];
  #closing: Promise<void> | undefined;

  add(closer: Closer): void {
    if (this.#closing !== undefined) throw new Error('lifecycle is closed');
    this.#closers.push(closer);
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const closer of this.#closers.reverse()) {
      try {
        await closer();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
