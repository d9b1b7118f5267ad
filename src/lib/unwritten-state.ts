/** A state folder that is only read: what would be written is kept in mind, and gone at the end. Nothing is copied, nothing is left behind. */
import { StateFolder } from './state-folder.ts';

export class UnwrittenState extends StateFolder {
  /** Undefined: removed. */
  readonly #changes = new Map<string, Buffer | undefined>();
  readonly #folders = new Map<string, UnwrittenState>();

  override async prepare(): Promise<void> {}

  /** What this user may not read is as good as not there. */
  override async read(name: string): Promise<Buffer | undefined> {
    if (this.#changes.has(name)) return this.#changes.get(name);
    return super.read(name).catch(() => undefined);
  }

  override async write(name: string, content: string | Uint8Array): Promise<void> {
    this.#changes.set(name, Buffer.from(content));
  }

  override async remove(name: string): Promise<void> {
    this.#changes.set(name, undefined);
  }

  override folder(name: string): StateFolder {
    const folder = this.#folders.get(name) ?? new UnwrittenState(this.pathOf(name));
    this.#folders.set(name, folder);
    return folder;
  }
}
