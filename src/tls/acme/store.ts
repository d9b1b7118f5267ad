/** What ACME keeps in the state folder, each file replaced as a whole: accounts, the order that is under way, the certificate, how things stand. */
import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import type { StateFolder } from '../../lib/state-folder.ts';
import { assembleChain, type KeyedChain, keyPemOf, readCertificates, readKeys } from '../chain.ts';
import { isRecord } from './problem.ts';
import { readStanding, type Standing } from './standing.ts';

const FOLDER = 'acme';
const ORDER_FILE = 'order.json';
const CERTIFICATE_FILE = 'certificate.pem';
const STANDING_FILE = 'standing.json';
/** The line in front of the PEM: what the certificate was asked for. */
const WISH_LINE = /^asked for with (\{.*\})$/m;

/** What a certificate is asked for: when this differs from the kept one's, another is needed. */
export interface Wish {
  readonly directory: string;
  readonly names: readonly string[];
  readonly profile: string;
}

export interface SavedAccount {
  readonly key: KeyObject;
  /** Undefined: the key has not been registered, as far as is known. */
  readonly url: string | undefined;
  readonly email: string;
}

/** An order that has not come to its end, with the key that its certificate is for. */
export interface SavedOrder {
  readonly wish: Wish;
  readonly account: string;
  readonly url: string;
  readonly key: KeyObject;
}

export interface KeptAcmeCertificate {
  readonly chain: KeyedChain;
  /** Undefined: not known, the line is not there. */
  readonly wish: Wish | undefined;
}

export class AcmeStore {
  readonly #folder: StateFolder;

  constructor(state: StateFolder) {
    this.#folder = state.folder(FOLDER);
  }

  get folder(): string {
    return this.#folder.path;
  }

  get certificatePath(): string {
    return this.#folder.pathOf(CERTIFICATE_FILE);
  }

  /** Creates the folder. Throws `state`. */
  prepare(): Promise<void> {
    return this.#folder.prepare();
  }

  /** The account at `directory`: every authority gets a key of its own, so that none can use what another asks for. */
  async readAccount(directory: string): Promise<SavedAccount | undefined> {
    const { key, url, email } = await this.#readRecord(accountFile(directory));
    const readable = readKey(key);
    if (readable === undefined) return undefined;
    return { key: readable, url: textOr(url, undefined), email: textOr(email, '') };
  }

  writeAccount(directory: string, { key, url, email }: SavedAccount): Promise<void> {
    return this.#writeRecord(accountFile(directory), { directory, url, email, key: keyPemOf(key) });
  }

  removeAccount(directory: string): Promise<void> {
    return this.#folder.remove(accountFile(directory));
  }

  async readOrder(): Promise<SavedOrder | undefined> {
    const { wish, account, url, key } = await this.#readRecord(ORDER_FILE);
    const [readableWish, readableKey] = [readWish(wish), readKey(key)];
    if (readableWish === undefined || readableKey === undefined) return undefined;
    if (typeof account !== 'string' || typeof url !== 'string') return undefined;
    return { wish: readableWish, account, url, key: readableKey };
  }

  writeOrder({ wish, account, url, key }: SavedOrder): Promise<void> {
    return this.#writeRecord(ORDER_FILE, { wish, account, url, key: keyPemOf(key) });
  }

  removeOrder(): Promise<void> {
    return this.#folder.remove(ORDER_FILE);
  }

  /** Undefined: there is none. Throws `certificate` when it is damaged, `state` when it cannot be read. */
  async readCertificate(): Promise<KeptAcmeCertificate | undefined> {
    const text = (await this.#folder.read(CERTIFICATE_FILE))?.toString('latin1');
    if (text === undefined) return undefined;
    const subject = JSON.stringify(this.certificatePath);
    const parts = { certificates: readCertificates(subject, text), keys: readKeys(subject, text) };
    const wish = readWish(parseJson(WISH_LINE.exec(text)?.[1] ?? ''));
    return { chain: assembleChain(subject, parts), wish };
  }

  /** Certificate, other ways up and key in one file: neither is ever there without the other. */
  writeCertificate(chain: KeyedChain, wish: Wish): Promise<void> {
    const line = `asked for with ${JSON.stringify(wish)}\n`;
    return this.#folder.write(CERTIFICATE_FILE, line + chain.certificatePem + chain.sparePem + chain.keyPem);
  }

  async readStanding(): Promise<Standing> {
    return readStanding(await this.#readRecord(STANDING_FILE));
  }

  writeStanding(standing: Standing): Promise<void> {
    return this.#writeRecord(STANDING_FILE, standing);
  }

  /** Empty when there is none, or none that can be read: it is made anew. */
  async #readRecord(name: string): Promise<Readonly<Record<string, unknown>>> {
    const content = await this.#folder.readJson(name);
    return isRecord(content) ? content : {};
  }

  #writeRecord(name: string, content: object): Promise<void> {
    return this.#folder.write(name, `${JSON.stringify(content)}\n`);
  }
}

/** Whether both ask for the same certificate. */
export function isSameWish(one: Wish, other: Wish): boolean {
  return (
    one.directory === other.directory &&
    one.profile === other.profile &&
    one.names.toSorted().join() === other.names.toSorted().join()
  );
}

function accountFile(directory: string): string {
  return `account-${createHash('sha256').update(directory).digest('hex').slice(0, 16)}.json`;
}

function readWish(value: unknown): Wish | undefined {
  if (!isRecord(value)) return undefined;
  const { directory, names, profile } = value;
  if (typeof directory !== 'string' || typeof profile !== 'string' || !Array.isArray(names)) return undefined;
  return { directory, profile, names: names.map(String) };
}

function readKey(pem: unknown): KeyObject | undefined {
  try {
    return typeof pem === 'string' ? createPrivateKey(pem) : undefined;
  } catch {
    return undefined;
  }
}

function textOr<T>(value: unknown, otherwise: T): string | T {
  return typeof value === 'string' ? value : otherwise;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
