/** The last client that came in from the Internet: the one proof that the way in is open. Kept over restarts. */
import type { StateFolder } from '../lib/state-folder.ts';
import { addressScope } from '../net/address.ts';

const REACHED_FILE = 'reached.json';
/** The state folder is flash memory on a router. */
const WRITE_INTERVAL_MS = 60 * 60_000;
const SAME_CLIENT_MS = 1000;

export interface Arrival {
  readonly address: string;
  /** Wall clock, milliseconds. */
  readonly at: number;
}

export interface OutsideProofOptions {
  readonly state: StateFolder;
  /** An address of this site: on-link, listed, or the public address under which the site itself comes back in. */
  readonly isOfThisSite: (address: string) => boolean;
  readonly now?: () => number;
}

export class OutsideProof {
  readonly #options: OutsideProofOptions;
  readonly #now: () => number;
  #last: Arrival | undefined;
  /** Proved nothing: mostly it comes again at once. */
  #formerNear = '';
  #writtenAt = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: OutsideProofOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Reads what is remembered; a damaged memory is no memory. */
  async load(): Promise<void> {
    const found = await this.#options.state.readJson(REACHED_FILE).catch(() => undefined);
    if (typeof found !== 'object' || found === null) return;
    const { address, at } = found as Record<string, unknown>;
    if (typeof address === 'string' && typeof at === 'number' && at <= this.#now()) this.#last = { address, at };
  }

  get last(): Arrival | undefined {
    return this.#last;
  }

  /** A client of this address was served, well or not: its connection came through. */
  note(address: string | undefined): void {
    if (address === undefined || address === this.#formerNear) return;
    const at = this.#now();
    // A film is hundreds of requests.
    if (address === this.#last?.address && at - this.#last.at < SAME_CLIENT_MS) return;
    if (addressScope(address) !== 'public') {
      this.#formerNear = address;
      return;
    }
    if (this.#options.isOfThisSite(address)) return;
    this.#last = { address, at };
    if (at - this.#writtenAt >= WRITE_INTERVAL_MS) this.#write(this.#last);
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    if (this.#last !== undefined && this.#last.at > this.#writtenAt) this.#write(this.#last);
    await this.#writing;
  }

  #write(arrival: Arrival): void {
    this.#writtenAt = this.#now();
    const { state } = this.#options;
    // Not to remember it is no harm.
    this.#writing = this.#writing.then(() => state.write(REACHED_FILE, JSON.stringify(arrival))).catch(() => {});
  }
}
