/** The copy of the media server's certificate that the gateway keeps in its state folder: imported, or the last good one of the server's own. */
import { createHash } from 'node:crypto';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { day } from '../lib/words.ts';
import { alternativeNames } from './certificate-facts.ts';
import { assembleChain, type KeyedChain, readCertificates, readKeys } from './chain.ts';

const FOLDER = 'certificates';
const FILE = 'server.pem';
/** The line in front of the PEM: which file this was converted from, so that an unchanged one need not be opened again. */
const ORIGIN_LINE = /^made from the file with sha256 ([0-9a-f]{64})$/m;

/** A further line: which zone the copy before it was for, and until when. */
const FORMER_LINE = /^formerly for (\S+) until (\d{4}-\d\d-\d\d)$/m;

/** The server had other names before. */
export interface FormerZone {
  readonly zone: string;
  /** The day on which the present names came, `2026-11-22`. */
  readonly until: string;
}

export interface KeptCopy {
  readonly chain: KeyedChain;
  /** Undefined: the copy was always for this zone. */
  readonly former: FormerZone | undefined;
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
    const [, zone, until] = FORMER_LINE.exec(text) ?? [];
    const parts = { certificates: readCertificates(subject, text), keys: readKeys(subject, text) };
    return {
      chain: assembleChain(subject, parts),
      former: zone === undefined || until === undefined ? undefined : { zone, until },
      originDigest: ORIGIN_LINE.exec(text)?.[1],
    };
  }

  /** Replaces the copy, mode 0600, and remembers when its zone is another than before. What is kept now; throws `state` when the folder cannot be written. */
  async write(chain: KeyedChain, originDigest: string): Promise<KeptCopy> {
    await this.#folder.prepare();
    const former = formerZone(chain, await this.read().catch(() => undefined));
    const origin = `made from the file with sha256 ${originDigest}\n`;
    const history = former === undefined ? '' : `formerly for ${former.zone} until ${former.until}\n`;
    try {
      await this.#folder.write(FILE, origin + history + chain.certificatePem + chain.sparePem + chain.keyPem);
    } catch (cause) {
      throw new GatewayError('state', `${JSON.stringify(this.path)} cannot be written: ${messageOf(cause)}`, { cause });
    }
    return { chain, former, originDigest };
  }
}

/** A renewal keeps what is remembered. */
function formerZone(chain: KeyedChain, present: KeptCopy | undefined): FormerZone | undefined {
  const [zone] = zonesOf(chain);
  const [presentZone] = present === undefined ? [] : zonesOf(present.chain);
  if (presentZone === undefined || presentZone === zone) return present?.former;
  return { zone: presentZone, until: day(Date.now()) };
}

function zonesOf({ leaf }: KeyedChain): readonly string[] {
  return alternativeNames(leaf.subjectAltName).zones;
}

/** What identifies a file in a kept copy. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
