/** Whether Plex Home is on: from the server's own settings when they can be read, else from the account of `server.token`. */
import { randomUUID } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { VERSION } from '../lib/version.ts';
import { createAsk } from '../server/ask.ts';
import type { ServerMonitor } from '../server/monitor.ts';
import { PlexAccount } from '../server/plex-account.ts';
import { findPlexDataFolder } from '../tls/plex-data-folder.ts';
import { type PlexPreferences, readPlexPreferences } from '../tls/plex-preferences.ts';

const SETTINGS_INTERVAL_MS = 30_000;
const ACCOUNT_INTERVAL_MS = 60 * 60_000;
/** After a question that had no answer. */
const ACCOUNT_RETRY_MS = 60_000;
const CLIENT_ID_FILE = 'client-id';

export interface PlexHomeOptions {
  readonly config: Config;
  readonly monitor: ServerMonitor;
  /** `server.token`. */
  readonly token: string | undefined;
  readonly state: StateFolder;
  /** The one before a reload: what it knows of the same server is not forgotten. */
  readonly former?: PlexHome | undefined;
}

export class PlexHome {
  readonly #options: PlexHomeOptions;
  readonly #listeners: (() => void)[] = [];
  #preferences: PlexPreferences | undefined;
  #dataFolder: string | undefined;
  #accountIsHome: boolean | undefined;
  #askAccountAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PlexHomeOptions) {
    this.#options = options;
    const { former } = options;
    if (former === undefined || !isSameServer(options, former.#options)) return;
    this.#preferences = former.#preferences;
    this.#accountIsHome = former.#accountIsHome;
    this.#askAccountAtMs = former.#askAccountAtMs;
  }

  /** Reads the server's settings, then looks again now and then. The account is waited for when a list depends on its answer. */
  async start(): Promise<void> {
    if (!this.#mayBePlex) return;
    await this.#readPreferences();
    if (this.#decidesOnList && this.isOn === undefined) await this.#askAccount();
    void this.#refresh();
    this.#timer = setInterval(() => void this.#refresh(), SETTINGS_INTERVAL_MS).unref();
  }

  /** Undefined: not known. */
  get isOn(): boolean | undefined {
    if (this.#options.monitor.snapshot.kind.name !== 'plex') return undefined;
    return this.#preferences?.isPlexHome ?? this.#accountIsHome;
  }

  /** The server's settings as they were read last; undefined: not readable from here. */
  get preferences(): PlexPreferences | undefined {
    return this.#preferences;
  }

  /** The server's data folder, when one was found. */
  get dataFolder(): string | undefined {
    return this.#dataFolder;
  }

  /** Called when Plex Home was switched on or off, or became known. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  get #mayBePlex(): boolean {
    const { kind } = this.#options.config.server;
    return kind === 'auto' || kind === 'plex';
  }

  /** There is a list that Plex Home puts out of force. */
  get #decidesOnList(): boolean {
    const { require_auth, allowed_networks } = this.#options.config.access;
    return require_auth === 'auto' && allowed_networks.length > 0;
  }

  async #refresh(): Promise<void> {
    const former = this.isOn;
    await this.#readPreferences();
    await this.#askAccount();
    if (this.isOn === former) return;
    for (const listener of this.#listeners) listener();
  }

  /** What cannot be read (half written, or its disk is away) says nothing new. */
  async #readPreferences(): Promise<void> {
    this.#dataFolder = await findPlexDataFolder(this.#options.config.server.data_dir || undefined);
    const folder = this.#dataFolder;
    const read = folder === undefined ? undefined : await readPlexPreferences(folder).catch(() => undefined);
    const known = read ?? this.#preferences;
    this.#preferences = this.#isOfAnotherServer(known) ? undefined : known;
  }

  /** A folder may be a leftover of a server that is not the one behind this gateway. */
  #isOfAnotherServer(preferences: PlexPreferences | undefined): boolean {
    const id = this.#options.monitor.snapshot.identity?.id;
    const folderId = preferences?.processedMachineIdentifier;
    return id !== undefined && folderId !== undefined && folderId !== id;
  }

  async #askAccount(): Promise<void> {
    const { token, config } = this.#options;
    if (token === undefined || this.#preferences?.isPlexHome !== undefined) return;
    if (performance.now() < this.#askAccountAtMs) return;
    this.#askAccountAtMs = performance.now() + ACCOUNT_RETRY_MS;
    const account = await plexAccount(config, this.#options.state);
    const user = await account.userOf(token);
    if (user === undefined) return;
    this.#accountIsHome = user.isHome;
    this.#askAccountAtMs = performance.now() + ACCOUNT_INTERVAL_MS;
  }
}

function isSameServer(a: PlexHomeOptions, b: PlexHomeOptions): boolean {
  return a.token === b.token && JSON.stringify(a.config.server) === JSON.stringify(b.config.server);
}

/** The account service as this gateway, under an identifier of its own that lasts. */
export async function plexAccount(config: Config, state: StateFolder): Promise<PlexAccount> {
  const ask = createAsk({ baseUrl: config.server.account_url, verifyCertificate: true });
  return new PlexAccount({ ask, clientIdentifier: await clientIdentifier(state), version: VERSION });
}

/** The one in the state folder; one for this moment when the folder cannot be used. Never rejects. */
async function clientIdentifier(state: StateFolder): Promise<string> {
  const known = (await state.read(CLIENT_ID_FILE).catch(() => undefined))?.toString('utf8').trim();
  if (known !== undefined && known !== '') return known;
  const made = randomUUID();
  await state.write(CLIENT_ID_FILE, `${made}\n`).catch(() => {});
  return made;
}
