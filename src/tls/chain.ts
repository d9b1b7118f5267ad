/** A certificate chain with the private key of its leaf: the one form in which the gateway keeps certificates. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { GatewayError, messageOf } from '../lib/errors.ts';

/** No chain in use is longer; what is behind is left out. */
const MAX_CHAIN_LENGTH = 8;
/** Cross-signed authorities have one or two further certificates. */
const MAX_SPARE = 4;
/** Authorities that vouch for each other in every direction make more ways than anybody wants. */
const MAX_WAYS = 50;

export interface KeyedChain {
  readonly leaf: X509Certificate;
  /** PEM, leaf first, each certificate followed by the one that issued it; a self-signed root is left out. */
  readonly certificatePem: string;
  /** PKCS#8 PEM, not encrypted. */
  readonly keyPem: string;
  /** The leaf's issuer is missing: only clients that know it already can trust the leaf. */
  readonly isIncomplete: boolean;
  /** PEM, certificates that came along and are not in the chain: the way to another root (cross-signing). */
  readonly sparePem: string;
}

/** What was found in a file or store, in any order. */
export interface ChainParts {
  readonly certificates: readonly X509Certificate[];
  readonly keys: readonly KeyObject[];
}

/**
 * Finds the leaf (the certificate that a key belongs to) and orders the rest behind it.
 * `subject` names the origin in messages. Throws `certificate` when there is no certificate, no key, or none fits the other.
 */
export function assembleChain(subject: string, { certificates, keys }: ChainParts): KeyedChain {
  if (certificates.length === 0) {
    throw new GatewayError('certificate', `${subject} holds no certificate`, {
      hint: 'it must hold the certificate, its chain and the private key',
    });
  }
  if (keys.length === 0) {
    throw new GatewayError('certificate', `${subject} holds no private key`, {
      hint: 'it must hold the certificate, its chain and the private key',
    });
  }
  for (const leaf of certificates) {
    const key = keys.find((candidate) => leaf.checkPrivateKey(candidate));
    if (key !== undefined) return chainBehind(leaf, key, certificates);
  }
  throw new GatewayError('certificate', `${subject} holds a private key that does not belong to its certificate`, {
    hint: 'certificate and key must come from the same renewal',
  });
}

function chainBehind(leaf: X509Certificate, key: KeyObject, certificates: readonly X509Certificate[]): KeyedChain {
  const chain = [leaf];
  for (let issuer = issuerOf(leaf, certificates); issuer !== undefined; issuer = issuerOf(issuer, certificates)) {
    if (isSelfSigned(issuer) || chain.includes(issuer) || chain.length === MAX_CHAIN_LENGTH) break;
    chain.push(issuer);
  }
  const spare = certificates.filter((certificate) => !chain.includes(certificate) && !isSelfSigned(certificate));
  return {
    leaf,
    certificatePem: pemOf(chain),
    keyPem: keyPemOf(key),
    isIncomplete: !isSelfSigned(leaf) && issuerOf(leaf, certificates) === undefined,
    sparePem: pemOf(spare.slice(0, MAX_SPARE)),
  };
}

/**
 * The chain that ends below the authority whose common name is `root`, of what came with the leaf: a shorter one, or one over a
 * cross-signed certificate, for devices that know few roots. Undefined: there is none.
 */
export function chainTowards(chain: KeyedChain, root: string): KeyedChain | undefined {
  const certificates = certificatesOf(chain);
  const way = waysUp(certificates).find((candidate) => endOf(candidate) === root);
  if (way === undefined) return undefined;
  const rest = certificates.filter((certificate) => !way.includes(certificate));
  return { ...chain, certificatePem: pemOf(way), sparePem: pemOf(rest) };
}

/** The common names of the authorities below which a chain can end. */
export function chainEnds(chain: KeyedChain): string[] {
  return [...new Set(waysUp(certificatesOf(chain)).map(endOf))];
}

/** The chains that can be made, the shortest first. */
function waysUp([leaf, ...authorities]: readonly X509Certificate[]): X509Certificate[][] {
  const ways = leaf === undefined ? [] : [[leaf]];
  // The list grows while it is walked.
  for (const way of ways) {
    if (ways.length > MAX_WAYS) break;
    const last = way.at(-1) as X509Certificate;
    const next = authorities.filter((certificate) => !way.includes(certificate) && isIssuedBy(last, certificate));
    ways.push(...next.map((certificate) => [...way, certificate]));
  }
  return ways;
}

function certificatesOf({ certificatePem, sparePem }: KeyedChain): X509Certificate[] {
  return readCertificates('the chain', certificatePem + sparePem);
}

function endOf(certificates: readonly X509Certificate[]): string {
  return commonName(certificates.at(-1)?.issuer ?? '');
}

function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}

/** A private key as it is kept and served: PKCS#8, PEM, not encrypted. */
export function keyPemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Among several with the same name (cross-signing, renewals) the one whose key made the signature. */
function issuerOf(certificate: X509Certificate, candidates: readonly X509Certificate[]): X509Certificate | undefined {
  if (isSelfSigned(certificate)) return undefined;
  return candidates.find((candidate) => isIssuedBy(certificate, candidate));
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

/** The CN of a name in node:crypto's form (one attribute a line), else the whole name on one line. */
export function commonName(name: string): string {
  const lines = name.split('\n');
  return lines.find((line) => line.startsWith('CN='))?.slice('CN='.length) ?? lines.join(', ');
}

/** Whether both are the same certificate with the same key. */
export function isSameChain(one: KeyedChain, other: KeyedChain): boolean {
  return one.certificatePem === other.certificatePem && one.keyPem === other.keyPem;
}

/** One PEM block (RFC 7468): the word between `BEGIN` and the dashes, and all of its text. */
interface PemBlock {
  readonly label: string;
  readonly text: string;
}

/** The PEM blocks of `text` in order; text around them is explanatory and skipped. */
export function pemBlocks(text: string): PemBlock[] {
  return text.split('-----BEGIN ').flatMap((part) => {
    const label = part.slice(0, part.indexOf('-----'));
    const end = `-----END ${label}-----`;
    const length = part.indexOf(end);
    return length < 0 ? [] : [{ label, text: `-----BEGIN ${part.slice(0, length)}${end}\n` }];
  });
}

/** The certificates among the PEM blocks of `text`. `subject` names it in messages. Throws `certificate` when one cannot be read. */
export function readCertificates(subject: string, text: string): X509Certificate[] {
  return pemBlocks(text)
    .filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE')
    .map((block) => readCertificate(subject, block.text));
}

/** The private keys among the PEM blocks of `text`. Throws `certificate` when one cannot be read, or its passphrase is missing or wrong. */
export function readKeys(subject: string, text: string, passphrase?: string): KeyObject[] {
  return pemBlocks(text)
    .filter(({ label }) => label.endsWith('PRIVATE KEY'))
    .map((block) => readKey(subject, block.text, passphrase));
}

/** One certificate, DER or PEM. Throws `certificate`. */
export function readCertificate(subject: string, bytes: Buffer | string): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch (cause) {
    throw new GatewayError('certificate', `${subject} holds a certificate that cannot be read: ${messageOf(cause)}`, {
      hint: 'the file is damaged, or was being written: copy it again',
      cause,
    });
  }
}

function readKey(subject: string, pem: string, passphrase: string | undefined): KeyObject {
  const isEncrypted = pem.includes('ENCRYPTED');
  if (isEncrypted && passphrase === undefined) {
    throw new GatewayError('certificate', `${subject} holds an encrypted private key`, {
      hint: 'put its passphrase into a file and name that in certificate.key_passphrase_file',
    });
  }
  try {
    return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
  } catch (cause) {
    if (isEncrypted) {
      throw new GatewayError('certificate', `${subject} holds a private key that its passphrase does not open`, {
        hint: 'certificate.key_passphrase_file must hold the passphrase and nothing else',
        cause,
      });
    }
    throw new GatewayError('certificate', `${subject} holds a private key that cannot be read: ${messageOf(cause)}`, {
      hint: 'the file is damaged, or was being written: copy it again',
      cause,
    });
  }
}
