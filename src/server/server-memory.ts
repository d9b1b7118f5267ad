/** What is remembered of the media server over restarts: who it is, where it was, and whether it was ever claimed. */
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { KINDS, type ServerKindName } from './kinds.ts';

export const SERVER_MEMORY_FILE = 'server.json';

export interface ServerMemory {
  readonly kind: ServerKindName;
  readonly url: string;
  readonly id: string;
  /** It was claimed once. From then on, unclaimed means signed out. */
  readonly claimed: boolean;
}

/** The memory on disk; changes are written one after the other. */
export class ServerMemoryFile {
  readonly #folder: StateFolder;
  readonly #log: Log;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: StateFolder, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Undefined when nothing is remembered, or nothing readable. Throws `state` when the file exists but cannot be read. */
  async read(): Promise<ServerMemory | undefined> {
    const value = await this.#folder.readJson(SERVER_MEMORY_FILE);
    if (typeof value !== 'object' || value === null) return undefined;
    const { kind, url, id, claimed } = value as Record<keyof ServerMemory, unknown>;
    if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) return undefined;
    if (typeof url !== 'string' || !URL.canParse(url) || typeof id !== 'string' || id === '') return undefined;
    return { kind: kind as ServerKindName, url, id, claimed: claimed === true };
  }

  /** Never rejects: a full disk is no reason to stop serving. */
  save(memory: ServerMemory): Promise<void> {
    return this.#next(() => this.#folder.write(SERVER_MEMORY_FILE, `${JSON.stringify(memory, undefined, 2)}\n`));
  }

  forget(): Promise<void> {
    return this.#next(() => this.#folder.remove(SERVER_MEMORY_FILE));
  }

  /** Resolves when everything so far is on disk, or was given up. */
  settled(): Promise<void> {
    return this.#writing;
  }

  #next(change: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(change).catch((error: unknown) => {
      this.#log.warn({ error: messageOf(error) }, 'media server could not be remembered');
    });
    return this.#writing;
  }
}
