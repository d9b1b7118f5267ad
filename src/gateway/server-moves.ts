/** Notices that the media server has another address than before: it was followed there, or is only seen there. */
import type { Log } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { addressScope, canonicalAddress } from '../net/address.ts';
import type { ServerMonitor, ServerSnapshot } from '../server/monitor.ts';
import type { FoundServer } from '../server/server-state.ts';

const SERVER_MOVES_FILE = 'server-moved.json';
const SEARCH_INTERVAL_MS = 20_000;
/** An address that lasts so long may well be reserved. */
const REMEMBERED_MS = 14 * 24 * 60 * 60_000;

export interface ServerMove {
  /** URLs. */
  readonly from: string;
  readonly to: string;
  /** Wall clock, milliseconds. */
  readonly at: number;
  /** The gateway goes there now. False: the configuration names the former address, or nothing proves that it is the same server. */
  readonly isFollowed: boolean;
}

export interface ServerMovesOptions {
  readonly monitor: ServerMonitor;
  /** `server.url`; undefined: wherever it is found. */
  readonly configuredUrl: string | undefined;
  /** Servers on this host and its LAN. */
  readonly discover: () => Promise<readonly FoundServer[]>;
  readonly state: StateFolder;
  readonly log: Log;
}

export class ServerMoves {
  readonly #options: ServerMovesOptions;
  readonly #onChange = (now: ServerSnapshot, before: ServerSnapshot) => this.#follow(now, before);
  #followed: ServerMove | undefined;
  #seen: ServerMove | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ServerMovesOptions) {
    this.#options = options;
    options.monitor.on('change', this.#onChange);
  }

  /** Reads what is remembered; a damaged memory is no memory. A server that is away from the start is looked for a little later. */
  async load(): Promise<void> {
    this.#schedule();
    const found = await this.#options.state.readJson(SERVER_MOVES_FILE).catch(() => undefined);
    if (typeof found !== 'object' || found === null) return;
    const { from, to, at } = found as Partial<ServerMove>;
    if (!isUrl(from) || !isUrl(to) || typeof at !== 'number' || at > Date.now()) return;
    this.#followed ??= { from, to, at, isFollowed: true };
  }

  /** Undefined: it is where it was, for two weeks at least. */
  get last(): ServerMove | undefined {
    const { candidates, url, unknownBecause } = this.#options.monitor.snapshot;
    const [candidate] = candidates;
    if (unknownBecause === 'other-server' && candidate !== undefined && url !== undefined) {
      return { from: url, to: candidate.url, at: Date.now(), isFollowed: false };
    }
    if (this.#seen !== undefined) return this.#seen;
    return this.#followed !== undefined && Date.now() - this.#followed.at < REMEMBERED_MS ? this.#followed : undefined;
  }

  /** Looks whether a server that does not answer at its configured address answers at another one. */
  async search(): Promise<void> {
    clearTimeout(this.#timer);
    const { monitor, configuredUrl, discover } = this.#options;
    const { expectedId } = monitor;
    const isAway = () => monitor.snapshot.state === 'unknown';
    if (configuredUrl === undefined || expectedId === undefined || !isAway()) {
      this.#seen = undefined;
      return;
    }
    const found = await discover().catch(() => []);
    // It may have come back meanwhile.
    if (this.#isClosed || !isAway()) return;
    const server = found.find(({ identity, url }) => identity.id === expectedId && url !== configuredUrl);
    this.#see(server && { from: configuredUrl, to: server.url, at: Date.now(), isFollowed: false });
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#options.monitor.off('change', this.#onChange);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.search(), SEARCH_INTERVAL_MS).unref();
  }

  #see(move: ServerMove | undefined): void {
    if (move !== undefined && move.to !== this.#seen?.to) {
      const { from, to } = move;
      this.#options.log.warn({ from, to }, 'media server seems to answer at another address than the configured one');
    }
    this.#seen = move;
  }

  #follow(now: ServerSnapshot, before: ServerSnapshot): void {
    void this.search();
    const isSameServer = before.identity === undefined || before.identity.id === now.identity?.id;
    if (now.state === 'unknown' || !isSameServer || !isOtherHost(now.url, before.url)) return;
    this.#followed = { from: before.url ?? '', to: now.url ?? '', at: Date.now(), isFollowed: true };
    const { from, to } = this.#followed;
    this.#options.log.warn({ from, to }, 'media server has moved: reserve its address in the router');
    // Not to remember it is no harm.
    void this.#options.state.write(SERVER_MOVES_FILE, JSON.stringify(this.#followed)).catch(() => {});
  }
}

function isUrl(text: unknown): text is string {
  return typeof text === 'string' && URL.canParse(text);
}

/** Two addresses, neither of them this host's own loopback. */
function isOtherHost(now: string | undefined, before: string | undefined): boolean {
  const hosts = [now, before].map((url) => (url === undefined ? undefined : hostOf(url)));
  const [a, b] = hosts;
  return (
    a !== undefined && b !== undefined && a !== b && hosts.every((host) => host !== undefined && !isLoopback(host))
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || addressScope(host) === 'loopback';
}

/** The host of a URL, an address without brackets and in its one spelling. */
export function hostOf(url: string): string {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  return canonicalAddress(host) ?? host;
}
