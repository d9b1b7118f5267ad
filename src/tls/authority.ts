/**
 * The private certificate authority: a root for this one gateway, and the server certificate that it signs.
 * The root may vouch for private addresses and home names only (name constraints), so that a stolen root key is of no use elsewhere.
 */
import { generateKeyPairSync, type KeyObject, type X509Certificate } from 'node:crypto';
import { GatewayError } from '../lib/errors.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { parseNetworkList } from '../net/address.ts';
import { alternativeNames } from './certificate-facts.ts';
import { keyIdentifier, writeCertificate } from './certificate-writer.ts';
import { assembleChain, type KeyedChain, keyPemOf, readCertificates, readKeys } from './chain.ts';
import { renderMobileconfig } from './mobileconfig.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const ROOT_DAYS = 3652;
/** Browsers refuse more than 398 days. */
const LEAF_DAYS = 397;
const RENEW_LEAF_DAYS_BEFORE = 30;
const BACKDATED_MS = DAY_MS;
/** Routers start in 1970 until they have asked for the time: nothing is dated before this. */
const EARLIEST_NOW = new Date('2026-01-01T00:00:00Z');

/** Private, shared, link-local and loopback addresses. */
const PERMITTED_NETWORKS: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1/128',
];
const permittedNetworks = parseNetworkList(PERMITTED_NETWORKS).list;

/** Names that no public authority gives out: RFC 8375, RFC 6761, RFC 6762, the `internal` reserved by ICANN, and `lan` as routers use it. */
const PERMITTED_DOMAINS: readonly string[] = ['home.arpa', 'internal', 'lan', 'local', 'localhost'];

/**
 * Where the authority's address-in-name zone hangs. `home.arpa` is not signed (RFC 8375), so that validating resolvers accept the gateway's
 * answers; 16 hex digits of the root's key set two gateways in one home apart.
 */
const ZONE_PARENT = 'lockgate.home.arpa';
const ZONE_ID_LENGTH = 16;

const FOLDER = 'ca';
const ROOT_FILE = 'root.pem';
const LEAF_FILE = 'leaf.pem';
/** The line in front of the root's PEM: the domains in its name constraints. */
const DOMAINS_LINE = /^may vouch for (.+)$/m;

export interface AuthorityOptions {
  readonly state: StateFolder;
  /** What a new root may vouch for besides home names: `certificate.names`, and this machine's own name. */
  readonly names: readonly string[];
  readonly now?: () => Date;
}

export interface IssuedLeaf {
  readonly chain: KeyedChain;
  /** Names that were left out because the root may not vouch for them: they were added after it was made. */
  readonly refusedNames: readonly string[];
}

interface Root {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  readonly domains: readonly string[];
}

export class Authority {
  /** The address-in-name zone, covered by a wildcard in every leaf. */
  readonly zone: string;
  readonly #folder: StateFolder;
  readonly #root: Root;
  readonly #now: () => Date;

  private constructor(folder: StateFolder, root: Root, now: () => Date) {
    this.#folder = folder;
    this.#root = root;
    this.#now = now;
    const id = keyIdentifier(root.certificate.publicKey).toString('hex').slice(0, ZONE_ID_LENGTH);
    this.zone = `${id}.${ZONE_PARENT}`;
  }

  /** The authority in the state folder; it is made when there is none, or its root has expired. Throws `certificate` when its file is damaged, `state` when the folder cannot be used. */
  static async open(options: AuthorityOptions): Promise<Authority> {
    const existing = await Authority.existing(options.state, options.now);
    if (existing !== undefined) return existing;
    const folder = folderIn(options.state);
    const now = clockOf(options.now);
    const root = await makeRoot(permittedDomains(options.names), now());
    await folder.prepare();
    await folder.write(ROOT_FILE, `may vouch for ${root.domains.join(' ')}\n${root.certificate}${keyPemOf(root.key)}`);
    return new Authority(folder, root, now);
  }

  /** The authority in the state folder; undefined when there is none, or its root has expired. Throws like `open`. */
  static async existing(state: StateFolder, now?: () => Date): Promise<Authority | undefined> {
    const folder = folderIn(state);
    const clock = clockOf(now);
    const root = await readRoot(folder);
    if (root === undefined || root.certificate.validToDate <= clock()) return undefined;
    return new Authority(folder, root, clock);
  }

  /** What devices install to trust the gateway: the root certificate. */
  get certificate(): X509Certificate {
    return this.#root.certificate;
  }

  /** The same as PEM. */
  get certificatePem(): string {
    return this.#root.certificate.toString();
  }

  /** The domains that the root may vouch for, and everything below them. */
  get domains(): readonly string[] {
    return this.#root.domains;
  }

  /** The same as a configuration profile for Apple devices, XML. */
  get mobileconfig(): string {
    return renderMobileconfig(this.certificatePem);
  }

  /**
   * A server certificate for the zone, `names` and those of `addresses` that are not public. The one in the state folder while it says
   * exactly this and is good for another month, else a new one.
   */
  async leafFor(wanted: { names: readonly string[]; addresses: readonly string[] }): Promise<IssuedLeaf> {
    const asked = [...new Set(wanted.names.map((name) => name.toLowerCase()))].sort();
    const names = [`*.${this.zone}`, ...asked.filter((name) => this.#mayVouchFor(name))];
    const addresses = [...new Set(wanted.addresses)].filter((address) => permittedNetworks.contains(address)).sort();
    const refusedNames = asked.filter((name) => !this.#mayVouchFor(name));
    const chain = (await this.#keptLeaf(names, addresses)) ?? (await this.#issue(names, addresses));
    return { chain, refusedNames };
  }

  #mayVouchFor(name: string): boolean {
    return this.#root.domains.some((domain) => domainOf(name) === domain || name.endsWith(`.${domain}`));
  }

  async #keptLeaf(names: readonly string[], addresses: readonly string[]): Promise<KeyedChain | undefined> {
    const chain = await readChain(this.#folder, LEAF_FILE).catch(() => undefined);
    if (chain === undefined) return undefined;
    const { leaf } = chain;
    const { certificate } = this.#root;
    const says = alternativeNames(leaf.subjectAltName);
    const isOurs = leaf.checkIssued(certificate) && leaf.verify(certificate.publicKey);
    const isFresh = leaf.validToDate.getTime() - this.#now().getTime() > RENEW_LEAF_DAYS_BEFORE * DAY_MS;
    const isSame = says.names.join() === names.join() && says.addresses.join() === addresses.join();
    return isOurs && isFresh && isSame ? chain : undefined;
  }

  async #issue(names: readonly string[], addresses: readonly string[]): Promise<KeyedChain> {
    const { certificate, key } = this.#root;
    const pair = newKeyPair();
    const { notBefore, notAfter } = validity(this.#now(), LEAF_DAYS);
    const leaf = await writeCertificate({
      commonName: 'lockgate',
      publicKey: pair.publicKey,
      notBefore,
      notAfter: new Date(Math.min(notAfter.getTime(), certificate.validToDate.getTime())),
      signer: { certificate, key },
      use: { kind: 'server', names, addresses },
    });
    const chain = assembleChain('the new leaf', { certificates: [leaf], keys: [pair.privateKey] });
    await this.#folder.write(LEAF_FILE, chain.certificatePem + chain.keyPem);
    return chain;
  }
}

function folderIn(state: StateFolder): StateFolder {
  return state.folder(FOLDER);
}

function clockOf(now: (() => Date) | undefined): () => Date {
  return () => {
    const time = now?.() ?? new Date();
    return time < EARLIEST_NOW ? EARLIEST_NOW : time;
  };
}

/** The common name carries a part of the key, so that devices which hold the roots of several gateways can tell them apart. */
async function makeRoot(domains: readonly string[], now: Date): Promise<Root> {
  const { publicKey, privateKey: key } = newKeyPair();
  const certificate = await writeCertificate({
    commonName: `lockgate private CA ${keyIdentifier(publicKey).toString('hex').slice(0, 8)}`,
    publicKey,
    ...validity(now, ROOT_DAYS),
    signer: { key },
    use: { kind: 'root', constraints: { domains, networks: PERMITTED_NETWORKS } },
  });
  return { certificate, key, domains };
}

async function readRoot(folder: StateFolder): Promise<Root | undefined> {
  const text = (await folder.read(ROOT_FILE))?.toString('latin1');
  if (text === undefined) return undefined;
  const subject = JSON.stringify(folder.pathOf(ROOT_FILE));
  const [certificate] = readCertificates(subject, text);
  const [key] = readKeys(subject, text);
  const domains = DOMAINS_LINE.exec(text)?.[1]?.split(' ');
  if (certificate === undefined || key === undefined || domains === undefined || !certificate.checkPrivateKey(key)) {
    throw new GatewayError('certificate', `${subject} is damaged`, {
      hint: 'restore it from a backup; or remove it: a new private CA is made, to be installed on the devices again',
    });
  }
  return { certificate, key, domains };
}

async function readChain(folder: StateFolder, name: string): Promise<KeyedChain | undefined> {
  const text = (await folder.read(name))?.toString('latin1');
  if (text === undefined) return undefined;
  const subject = JSON.stringify(folder.pathOf(name));
  return assembleChain(subject, { certificates: readCertificates(subject, text), keys: readKeys(subject, text) });
}

function permittedDomains(names: readonly string[]): string[] {
  return [...new Set([...PERMITTED_DOMAINS, ...names.map((name) => domainOf(name.toLowerCase()))])];
}

/** A wildcard's domain, else the name itself. */
function domainOf(name: string): string {
  return name.startsWith('*.') ? name.slice(2) : name;
}

function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  const notBefore = new Date(now.getTime() - BACKDATED_MS);
  return { notBefore, notAfter: new Date(notBefore.getTime() + days * DAY_MS) };
}

function newKeyPair(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}
