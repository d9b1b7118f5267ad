/** The certificate store of the moment, to those who want one that never changes: a reload may bring another. */
import type { SecureContext, SecureContextOptions } from 'node:tls';
import type { ContextChooser } from '../tls/terminator.ts';
import type { Parts } from './parts.ts';

export class CurrentCertificates implements ContextChooser {
  readonly #parts: () => Pick<Parts, 'certificates'>;
  readonly #listeners: (() => void)[] = [];

  constructor(parts: () => Pick<Parts, 'certificates'>) {
    this.#parts = parts;
  }

  get defaultContextOptions(): SecureContextOptions {
    return this.#parts().certificates.defaultContextOptions;
  }

  contextFor(serverName: string): SecureContext | undefined {
    return this.#parts().certificates.contextFor(serverName);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The store is another one: its certificates count from now on. */
  follow(): void {
    const { certificates } = this.#parts();
    const tell = () => {
      if (this.#parts().certificates !== certificates) return;
      for (const listener of this.#listeners) listener();
    };
    certificates.onChange(tell);
    tell();
  }
}
