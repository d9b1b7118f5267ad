/** Whether the main process is there: it asks every two seconds how things stand, and what a silent one has told may not be so any more. */

/** What was told longer ago is not relied on. */
const FRESH_MS = 6_000;
const LOOK_INTERVAL_MS = 2_000;
/** So many looks without a word in between, 14 s at most, and it is lost. A host that slept has looked once. */
const MAX_SILENT_LOOKS = 7;

export class Pulse {
  #heardAtMs = performance.now();
  #silentLooks = 0;

  /** `onLost`: called when it has been silent for too long, again and again. */
  constructor(onLost: () => void) {
    const look = () => {
      this.#silentLooks += 1;
      if (this.#silentLooks >= MAX_SILENT_LOOKS) onLost();
    };
    setInterval(look, LOOK_INTERVAL_MS).unref();
  }

  /** The main process has said something. */
  beat(): void {
    this.#heardAtMs = performance.now();
    this.#silentLooks = 0;
  }

  /** False also when this process itself stood still: what it was told meanwhile has not been heard yet. */
  get isFresh(): boolean {
    return performance.now() - this.#heardAtMs < FRESH_MS;
  }
}
