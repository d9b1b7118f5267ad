/**
 * Opens PKCS#12 files (RFC 7292): the certificates and keys inside, whatever their kind, as they are.
 * node-forge reads the container, since OpenSSL 3 refuses the RC2-40 files of older media servers and node:crypto gives no access to what a
 * container holds; node:crypto checks the MAC and reads the keys and certificates (forge has no elliptic curves).
 */
import { createHmac, createPrivateKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { assembleChain, type KeyedChain, readCertificate } from './chain.ts';
import { type Asn1, type Forge, loadForge } from './forge.ts';

type Node = Asn1;

/** Deriving keys blocks the process; tools write 1 to 100,000 rounds. */
const MAX_ITERATIONS = 200_000;

const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  nestedBag: '1.2.840.113549.1.12.10.1.6',
} as const;

/** Digests of the MAC; the purpose byte 3 derives its key (RFC 7292 appendix B.3). */
const MAC_DIGESTS: Readonly<Record<string, 'sha1' | 'sha256' | 'sha384' | 'sha512'>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const MAC_KEY_PURPOSE = 3;

/** A fault that the container itself shows; `openPkcs12` makes sentences of them. */
class ContainerFault extends Error {}
class WrongPassphrase extends Error {}

/**
 * The chain and key in `bytes`, opened with the first of `passphrases` that fits. `subject` names the file in messages.
 * Throws `certificate`, each with its own sentence: not PKCS#12 or cut short, wrong passphrase, unsupported encryption, no certificate,
 * no key, a key that belongs to no certificate.
 */
export async function openPkcs12(
  subject: string,
  bytes: Uint8Array,
  passphrases: readonly string[],
): Promise<KeyedChain> {
  const forge = await loadForge();
  for (const passphrase of passphrases) {
    try {
      const found = new Container(forge, bytes, passphrase).read();
      const certificates = found.certificates.map((der) => readCertificate(subject, der));
      return assembleChain(subject, { certificates, keys: found.keys.map((der) => readKey(subject, der)) });
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      if (!(cause instanceof WrongPassphrase)) throw damaged(subject, bytes, cause);
    }
  }
  throw new GatewayError(
    'certificate',
    `${subject} is not opened by the passphrase${passphrases.length > 1 ? 's' : ''} known for it`,
    {
      hint: 'the derived one needs the id of the server that wrote the file; a file of your own needs certificate.pfx_passphrase_file',
    },
  );
}

function damaged(subject: string, bytes: Uint8Array, cause: unknown): GatewayError {
  if (cause instanceof ContainerFault) {
    return new GatewayError('certificate', `${subject} ${cause.message}`, {
      hint: 'write it again with AES-256: openssl pkcs12 -export',
      cause,
    });
  }
  if (Buffer.from(bytes.subarray(0, 1024)).includes('-----BEGIN ')) {
    return new GatewayError('certificate', `${subject} is PEM, not PKCS#12`, {
      hint: 'name it in certificate.cert_file instead',
      cause,
    });
  }
  return new GatewayError('certificate', `${subject} is not a complete PKCS#12 file (${bytes.length} bytes)`, {
    hint: 'it is damaged, or was being written: it is read again when it changes',
    cause,
  });
}

function readKey(subject: string, der: Buffer): KeyObject {
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw new GatewayError('certificate', `${subject} holds a private key that cannot be read: ${messageOf(cause)}`, {
      hint: 'RSA and elliptic curve keys are known',
      cause,
    });
  }
}

/** One pass through a container with one passphrase. */
class Container {
  readonly #forge: Forge;
  readonly #bytes: Uint8Array;
  readonly #passphrase: string;
  readonly #certificates: Buffer[] = [];
  readonly #keys: Buffer[] = [];

  constructor(forge: Forge, bytes: Uint8Array, passphrase: string) {
    this.#forge = forge;
    this.#bytes = bytes;
    this.#passphrase = passphrase;
  }

  /** DER of each certificate and of each PrivateKeyInfo. Throws `WrongPassphrase`, `ContainerFault`, or whatever an unreadable structure causes. */
  read(): { certificates: readonly Buffer[]; keys: readonly Buffer[] } {
    const [version, content, mac] = children(this.#parse(Buffer.from(this.#bytes).toString('latin1')));
    if (this.#integer(version) !== 3) throw new Error('not version 3');
    const authenticatedSafe = octets(this.#contentOf(content));
    if (mac !== undefined) this.#checkMac(mac, authenticatedSafe);
    for (const contentInfo of children(this.#parse(authenticatedSafe))) this.#readContents(contentInfo);
    return { certificates: this.#certificates, keys: this.#keys };
  }

  /** MacData (RFC 7292 section 4): an HMAC over the safes proves both passphrase and completeness. */
  #checkMac(macData: Node, authenticatedSafe: string): void {
    const [digestInfo, salt, iterations] = children(macData);
    const [algorithm, expected] = children(digestInfo);
    const oid = this.#oid(children(algorithm)[0]);
    const digest = MAC_DIGESTS[oid];
    if (digest === undefined) throw new ContainerFault(`is protected by a digest that is not supported (${oid})`);
    const { pbe, md, util } = this.#forge;
    const key = pbe.generatePkcs12Key(
      this.#passphrase,
      util.createBuffer(octets(salt)),
      MAC_KEY_PURPOSE,
      iterations === undefined ? 1 : this.#iterations(iterations),
      md[digest].create().digestLength,
      md[digest].create(),
    );
    const actual = createHmac(digest, binary(key.getBytes())).update(binary(authenticatedSafe)).digest();
    const wanted = binary(octets(expected));
    if (wanted.length !== actual.length || !timingSafeEqual(wanted, actual)) throw new WrongPassphrase();
  }

  /** One ContentInfo of the AuthenticatedSafe: plain, or encrypted with the passphrase. */
  #readContents(contentInfo: Node): void {
    const oid = this.#oid(children(contentInfo)[0]);
    const content = this.#contentOf(contentInfo);
    if (oid === OID.data) {
      this.#readBags(this.#parse(octets(content)));
      return;
    }
    if (oid !== OID.encryptedData) throw new ContainerFault(`has a part of a kind that is not supported (${oid})`);
    const [, algorithm, encrypted] = children(children(content)[1]);
    this.#readBags(this.#decrypt(algorithm, octets(encrypted)));
  }

  #readBags(safeContents: Node): void {
    for (const bag of children(safeContents)) {
      const [id, wrapped] = children(bag);
      this.#readBag(this.#oid(id), only(wrapped));
    }
  }

  #readBag(oid: string, value: Node): void {
    if (oid === OID.certificateBag) this.#certificates.push(binary(octets(only(children(value)[1]))));
    if (oid === OID.keyBag) this.#keys.push(this.#der(value));
    if (oid === OID.shroudedKeyBag) {
      const [algorithm, encrypted] = children(value);
      this.#keys.push(this.#der(this.#decrypt(algorithm, octets(encrypted))));
    }
    if (oid === OID.nestedBag) this.#readBags(value);
  }

  /** Decrypts to a structure; what the passphrase does not open is no structure. */
  #decrypt(algorithm: Node | undefined, encrypted: string): Node {
    const { asn1, pki, util } = this.#forge;
    const [oid, parameters] = children(algorithm);
    this.#limitIterations(parameters);
    const isPbes2 = this.#oid(oid) === pki.oids.pkcs5PBES2;
    const passphrase = isPbes2 ? util.encodeUtf8(this.#passphrase) : this.#passphrase;
    const octetString = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, encrypted);
    const info = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [algorithm as Node, octetString]);
    let decrypted: Node | null;
    try {
      decrypted = pki.decryptPrivateKeyInfo(info, passphrase);
    } catch (cause) {
      if (cause instanceof Error && 'oid' in cause)
        throw new ContainerFault('is encrypted in a way that is not supported');
      throw new WrongPassphrase();
    }
    if (decrypted === null) throw new WrongPassphrase();
    return decrypted;
  }

  /** Every INTEGER among the parameters of a key derivation is a round count or a key length. */
  #limitIterations(parameters: Node | undefined): void {
    if (parameters === undefined) return;
    if (Array.isArray(parameters.value)) {
      for (const child of parameters.value) this.#limitIterations(child);
      return;
    }
    if (parameters.type === this.#forge.asn1.Type.INTEGER) this.#iterations(parameters);
  }

  #iterations(node: Node): number {
    const count = this.#integer(node);
    if (count < 1 || count > MAX_ITERATIONS) throw new ContainerFault(`asks for ${count} rounds of key derivation`);
    return count;
  }

  /** The content of a ContentInfo, behind its explicit tag. */
  #contentOf(contentInfo: Node | undefined): Node {
    return only(children(contentInfo)[1]);
  }

  #parse(der: string): Node {
    return this.#forge.asn1.fromDer(der);
  }

  #der(node: Node): Buffer {
    return binary(this.#forge.asn1.toDer(node).getBytes());
  }

  #oid(node: Node | undefined): string {
    return this.#forge.asn1.derToOid(this.#forge.util.createBuffer(octets(node)));
  }

  #integer(node: Node | undefined): number {
    return Number(`0x${binary(octets(node)).toString('hex')}`);
  }
}

function children(node: Node | undefined): readonly Node[] {
  if (node === undefined || !Array.isArray(node.value)) throw new Error('a structure is missing');
  return node.value;
}

function only(node: Node | undefined): Node {
  const [child] = children(node);
  if (child === undefined) throw new Error('a value is missing');
  return child;
}

/** The bytes of a primitive value; BER may cut an OCTET STRING into several. */
function octets(node: Node | undefined): string {
  if (node === undefined) throw new Error('a value is missing');
  return Array.isArray(node.value) ? node.value.map(octets).join('') : node.value;
}

function binary(bytes: string): Buffer {
  return Buffer.from(bytes, 'latin1');
}
