/** Notices that files in some folders change: events where the file system sends them, a regular look everywhere. */
import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Network mounts send no events, and a folder that was replaced sends none for its successor. */
const POLL_INTERVAL_MS = 60_000;
/** Writers need a moment between the first event and the complete file. */
const SETTLE_MS = 500;

export interface FolderWatchOptions {
  /** The folders to watch now; asked again with every regular look. They need not exist. */
  readonly folders: () => readonly string[];
  /** Called some time after a change, and with every regular look whether or not anything changed. Must not reject. */
  readonly onChange: () => Promise<void>;
  readonly pollIntervalMs?: number;
  readonly settleMs?: number;
}

interface WatchedFolder {
  readonly watcher: FSWatcher;
  readonly inode: number;
}

export class FolderWatch {
  readonly #options: FolderWatchOptions;
  readonly #watched = new Map<string, WatchedFolder>();
  #pollTimer: NodeJS.Timeout | undefined;
  #settleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
  }

  /** Resolves once the folders that exist are watched. */
  async start(): Promise<void> {
    await this.#watchFolders();
    if (this.#isClosed) return;
    this.#pollTimer = setInterval(() => void this.#look(), this.#options.pollIntervalMs ?? POLL_INTERVAL_MS).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#pollTimer);
    clearTimeout(this.#settleTimer);
    for (const folder of [...this.#watched.keys()]) this.#unwatch(folder);
  }

  async #look(): Promise<void> {
    await this.#watchFolders();
    if (!this.#isClosed) await this.#options.onChange();
  }

  async #watchFolders(): Promise<void> {
    const folders = new Set(this.#options.folders());
    for (const folder of this.#watched.keys()) {
      if (!folders.has(folder)) this.#unwatch(folder);
    }
    for (const folder of folders) await this.#watchFolder(folder);
  }

  async #watchFolder(folder: string): Promise<void> {
    const inode = await stat(folder).then(
      (facts) => facts.ino,
      () => undefined,
    );
    if (this.#watched.get(folder)?.inode === inode && inode !== undefined) return;
    this.#unwatch(folder);
    if (inode === undefined || this.#isClosed) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#settle());
      watcher.on('error', () => this.#unwatch(folder));
      this.#watched.set(folder, { watcher, inode });
    } catch {
      // No permission, or no more watches to be had: the regular look remains.
    }
  }

  #unwatch(folder: string): void {
    this.#watched.get(folder)?.watcher.close();
    this.#watched.delete(folder);
  }

  /** The first event starts the clock, so that a busy folder cannot put the look off forever. */
  #settle(): void {
    if (this.#isClosed || this.#settleTimer !== undefined) return;
    this.#settleTimer = setTimeout(() => {
      this.#settleTimer = undefined;
      void this.#options.onChange();
    }, this.#options.settleMs ?? SETTLE_MS).unref();
  }
}
