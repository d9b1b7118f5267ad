/** Keeps the set-up file good for as long as the media server is not claimed: its key lives for half an hour only. */
import type { ClaimSetup } from '../access/claim.ts';
import type { Log } from '../lib/log.ts';
import { type Parts, serverName } from './parts.ts';

const CHECK_INTERVAL_MS = 60_000;

export interface SetupKeeperOptions {
  readonly setup: ClaimSetup;
  readonly parts: () => Parts;
  readonly log: Log;
}

export class SetupKeeper {
  readonly #options: SetupKeeperOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SetupKeeperOptions) {
    this.#options = options;
  }

  /** Looks whether a file is wanted, and writes one unless its key is still good: a page that is open already must not lose its key. */
  look(): void {
    clearTimeout(this.#timer);
    const { kind, state } = this.#options.parts().link.monitor.snapshot;
    if (kind.name !== 'plex' || (state !== 'unclaimed' && state !== 'signed-out')) return;
    this.#timer = setTimeout(() => this.look(), CHECK_INTERVAL_MS).unref();
    if (!this.#options.setup.isOpen) void this.#offer();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #offer(): Promise<void> {
    const { setup, parts, log } = this.#options;
    try {
      const offer = await setup.offer(serverName(parts()));
      if (offer === undefined) return;
      log.warn({ file: offer.file }, 'the media server is not claimed: open the set-up file from a computer at home');
    } catch (error) {
      log.warn({ error }, 'the set-up file could not be written');
    }
  }
}
