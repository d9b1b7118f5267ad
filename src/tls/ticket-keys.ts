/** The keys under which TLS sessions are handed to clients as tickets (RFC 5077): random, renewed, never written down. */
import { randomBytes } from 'node:crypto';

/** 16 bytes of name, 16 of AES, 16 of HMAC. */
const TICKET_KEY_BYTES = 48;
/** A stolen key opens the sessions of one day; after a change, every client does one full handshake. */
const LIFETIME_MS = 24 * 60 * 60_000;

export class TicketKeys {
  readonly #listeners: (() => void)[] = [];
  #current: Buffer = randomBytes(TICKET_KEY_BYTES);
  #renewal: NodeJS.Timeout | undefined;

  /** Keys of one's own, renewed every `lifetimeMs`. */
  static renewed(lifetimeMs = LIFETIME_MS): TicketKeys {
    const keys = new TicketKeys();
    keys.#renewal = setInterval(() => keys.follow(randomBytes(TICKET_KEY_BYTES)), lifetimeMs).unref();
    return keys;
  }

  get current(): Buffer {
    return this.#current;
  }

  /** Takes over the keys of another process; `keys`: 48 bytes. */
  follow(keys: Buffer): void {
    if (keys.equals(this.#current)) return;
    this.#current = keys;
    for (const listener of this.#listeners) listener();
  }

  /** Called after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    clearInterval(this.#renewal);
  }
}
