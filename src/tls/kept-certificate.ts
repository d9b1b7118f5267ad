/** The copy of the media server's certificate that the gateway keeps in its state folder: imported, or the last good one of the server's own. */
import { createHash } from 'node:crypto';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { assembleChain, type KeyedChain, readCertificates, readKeys } from './chain.ts';

const FOLDER = 'certificates';
const FILE = 'server.pem';
/** The line in front of the PEM: which file this was converted from, so that an unchanged one need not be opened again. */
const ORIGIN_LINE = /^made from the file with sha256 ([0-9a-f]{64})$/m;

export interface KeptCopy {
  readonly chain: KeyedChain;
  /** SHA-256 of the PKCS#12 file that it was made from, hex. */
  readonly originDigest: string | undefined;
}

export class KeptCertificate {
  readonly #folder: StateFolder;

  constructor(state: StateFolder) {
    this.#folder = state.folder(FOLDER);
  }

  /** The folder to watch: an import by another process appears here. */
  get folder(): string {
    return this.#folder.path;
  }

  get path(): string {
    return this.#folder.pathOf(FILE);
  }

  /** Undefined: nothing is kept. Throws `state` when it must not be read, `certificate` when it is damaged. */
  async read(): Promise<KeptCopy | undefined> {
    const text = (await this.#folder.read(FILE))?.toString('latin1');
    if (text === undefined) return undefined;
    const subject = JSON.stringify(this.path);
    const parts = { certificates: readCertificates(subject, text), keys: readKeys(subject, text) };
    return {
      chain: assembleChain(subject, parts),
      originDigest: ORIGIN_LINE.exec(text)?.[1],
    };
  }

  /** Replaces the copy, mode 0600. Throws `state` when the folder cannot be written. */
  async write(chain: KeyedChain, originDigest: string): Promise<void> {
    await this.#folder.prepare();
    const origin = `made from the file with sha256 ${originDigest}\n`;
    try {
      await this.#folder.write(FILE, origin + chain.certificatePem + chain.keyPem);
    } catch (cause) {
      throw new GatewayError('state', `${JSON.stringify(this.path)} cannot be written: ${messageOf(cause)}`, { cause });
    }
  }
}

/** What identifies a file in a kept copy. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
