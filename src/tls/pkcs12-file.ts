/** A PKCS#12 file that is looked at often and changes rarely: opened again only when its bytes or the passphrases did. */
import type { KeyedChain } from './chain.ts';
import { digestOf } from './kept-certificate.ts';
import { openPkcs12 } from './pkcs12.ts';

export class Pkcs12File {
  #opened: { readonly input: string; readonly result: Promise<KeyedChain> } | undefined;

  /** As `openPkcs12`; deriving keys takes a good part of a second on a router, so the last result, good or bad, is remembered. */
  open(subject: string, bytes: Uint8Array, passphrases: readonly string[]): Promise<KeyedChain> {
    const input = [digestOf(bytes), ...passphrases].join('\n');
    if (this.#opened?.input !== input) this.#opened = { input, result: openPkcs12(subject, bytes, passphrases) };
    return this.#opened.result;
  }
}
