/** The certificates that are served at one moment: immutable, replaced as a whole, asked for each handshake and each Host. */
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { BoundedCache } from '../lib/cache.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { canonicalAddress, labelFromAddress } from '../net/address.ts';
import { alternativeNames, type CertificateNames } from './certificate-facts.ts';
import type { CertificateSource, LoadedCertificate } from './certificate-source.ts';
import type { KeyedChain } from './chain.ts';

/** What it takes to serve a certificate, wherever it came from. */
export interface Servable {
  readonly names: CertificateNames;
  readonly contextOptions: SecureContextOptions;
  readonly context: SecureContext;
}

export interface ServedCertificate extends Servable {
  readonly source: CertificateSource;
  readonly origin: string;
  readonly chain: KeyedChain;
}

/** Builds the TLS side of a certificate once. Throws `certificate` when OpenSSL does not take it: a key too short, a digest too weak. */
export function prepareCertificate(
  source: CertificateSource,
  { chain, origin }: LoadedCertificate,
  base: SecureContextOptions,
): ServedCertificate {
  const contextOptions = { ...base, cert: chain.certificatePem, key: chain.keyPem };
  try {
    const context = createSecureContext(contextOptions);
    return { source, origin, chain, names: alternativeNames(chain.leaf.subjectAltName), contextOptions, context };
  } catch (cause) {
    throw new GatewayError('certificate', `${JSON.stringify(origin)} is not accepted by OpenSSL: ${messageOf(cause)}`, {
      hint: 'renew it with an RSA key of 2048 bits or more, or P-256, and a SHA-256 signature',
      cause,
    });
  }
}

/** Names that clients ask for again and again: a home has a few dozen. Strangers may invent as many as they like. */
const MAX_REMEMBERED_NAMES = 1000;
/** A longer one is no host name (RFC 1035 section 2.3.4), and not worth the memory. */
const MAX_NAME_LENGTH = 255;

export class ServingSet<C extends Servable = ServedCertificate> {
  static readonly empty = new ServingSet<never>([]);

  /** In the order of preference: the first is for clients that name no host, or one that no certificate covers. */
  readonly certificates: readonly C[];
  /** The address-in-name zones whose certificates are held. */
  readonly zones: readonly string[];
  readonly #exact = new Map<string, C>();
  /** By the name behind `*.`. */
  readonly #wildcards = new Map<string, C>();
  readonly #addresses = new Set<string>();
  /** Places among the certificates by the name as it was asked for; -1: none covers it. */
  readonly #places = new BoundedCache<string, number>({ max: MAX_REMEMBERED_NAMES });

  constructor(certificates: readonly C[]) {
    this.certificates = certificates;
    this.zones = [...new Set(certificates.flatMap(({ names }) => names.zones))];
    for (const certificate of certificates) this.#index(certificate);
  }

  /** What `serverName` gets: an exact name, else a wildcard for its first label (RFC 9525 section 6.3); undefined: none covers it. */
  find(serverName: string): C | undefined {
    const place = this.#places.get(serverName);
    if (place !== undefined) return this.certificates[place];
    const found = this.#lookUp(serverName);
    const isHostName = serverName.length <= MAX_NAME_LENGTH;
    if (isHostName) this.#places.set(serverName, found === undefined ? -1 : this.certificates.indexOf(found));
    return found;
  }

  #lookUp(serverName: string): C | undefined {
    const name = normalName(serverName);
    const dot = name.indexOf('.');
    return this.#exact.get(name) ?? (dot < 1 ? undefined : this.#wildcards.get(name.slice(dot + 1)));
  }

  /** Whether a client that connects to `host` (a name or an address literal, without brackets) will find it in a certificate. */
  covers(host: string): boolean {
    if (isIP(host) !== 0) return this.#addresses.has(canonicalAddress(host) ?? host);
    return this.find(host) !== undefined;
  }

  /** A covered name that spells `address`: its label in the first zone. Undefined: no zone. */
  nameForAddress(address: string): string | undefined {
    const zone = this.zones[0];
    return zone === undefined ? undefined : `${labelFromAddress(address)}.${zone}`;
  }

  #index(certificate: C): void {
    for (const name of certificate.names.names) {
      const [map, key] = name.startsWith('*.') ? [this.#wildcards, name.slice(2)] : [this.#exact, name];
      if (!map.has(key)) map.set(key, certificate);
    }
    for (const address of certificate.names.addresses) this.#addresses.add(address);
  }
}

function normalName(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
