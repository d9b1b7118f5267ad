/** Writes X.509 certificates (RFC 5280) and requests for them (RFC 2986): node-forge builds the ASN.1, node:crypto signs it with ECDSA, which forge does not have. */
import { createHash, createPublicKey, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { addressFamily, labelFromAddress } from '../net/address.ts';
import { type Asn1, type Asn1Type, type Forge, loadForge } from './forge.ts';

type Node = Asn1;

/** Networks and domains that an authority may vouch for (RFC 5280 section 4.2.1.10). */
export interface NameConstraints {
  /** Domains, each with everything below it. */
  readonly domains: readonly string[];
  /** CIDR. */
  readonly networks: readonly string[];
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Who signs, with an elliptic curve key. `certificate` undefined: it signs itself. */
  readonly signer: { readonly key: KeyObject; readonly certificate?: X509Certificate };
  /** A root that signs leaves and nothing else, a leaf for servers with these names and addresses, or the proof of a name (RFC 8737 section 3). */
  readonly use:
    | { readonly kind: 'root'; readonly constraints: NameConstraints }
    | { readonly kind: 'server'; readonly names: readonly string[]; readonly addresses: readonly string[] }
    | { readonly kind: 'challenge'; readonly name: string; readonly digest: Buffer };
}

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  acmeIdentifier: '1.3.6.1.5.5.7.1.31',
  extensionRequest: '1.2.840.113549.1.9.14',
} as const;

const SERIAL_BYTES = 16;
/** An uncompressed point: the mark 4 and two coordinates. */
const P256_POINT_BYTES = 65;
/** Context tags of GeneralName. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;
/** The bits of KeyUsage, behind the count of unused ones. */
const KEY_USAGE = { root: [1, 0b0000_0110], server: [7, 0b1000_0000], challenge: [7, 0b1000_0000] } as const;

/** Writes and signs the certificate. */
export async function writeCertificate(request: CertificateRequest): Promise<X509Certificate> {
  return new X509Certificate(new Writer(await loadForge()).certificate(request));
}

/** A request for a server certificate with these names (RFC 2986), DER, signed with the elliptic curve key that it is for. */
export async function writeSigningRequest(request: {
  readonly key: KeyObject;
  readonly names: readonly string[];
}): Promise<Buffer> {
  return new Writer(await loadForge()).signingRequest(request);
}

/** The ASN.1 of one certificate, bottom up. */
class Writer {
  readonly #asn1: Forge['asn1'];

  constructor(forge: Forge) {
    this.#asn1 = forge.asn1;
  }

  certificate(request: CertificateRequest): Buffer {
    return this.#signed(this.#toBeSigned(request), request.signer.key);
  }

  signingRequest({ key, names }: { readonly key: KeyObject; readonly names: readonly string[] }): Buffer {
    const publicKeyInfo = this.#decode(createPublicKey(key).export({ type: 'spki', format: 'der' }));
    const alternativeNames = this.#extension(OID.subjectAltName, {}, this.#alternativeNames({ names, addresses: [] }));
    const extensions = this.#constructed('SET', this.#sequence(alternativeNames));
    const attributes = this.#explicit(0, this.#sequence(this.#oid(OID.extensionRequest), extensions));
    return this.#signed(this.#sequence(this.#integer(Buffer.of(0)), this.#sequence(), publicKeyInfo, attributes), key);
  }

  #signed(toBeSigned: Node, key: KeyObject): Buffer {
    const signature = sign('sha256', this.#encode(toBeSigned), key);
    const algorithm = this.#sequence(this.#oid(OID.ecdsaWithSha256));
    return this.#encode(this.#sequence(toBeSigned, algorithm, this.#bitString(0, signature)));
  }

  #toBeSigned(request: CertificateRequest): Node {
    const { signer } = request;
    const subject = this.#name(request.commonName);
    const publicKeyInfo = this.#decode(request.publicKey.export({ type: 'spki', format: 'der' }));
    return this.#sequence(
      this.#explicit(0, this.#integer(Buffer.of(2))),
      this.#integer(randomSerial()),
      this.#sequence(this.#oid(OID.ecdsaWithSha256)),
      signer.certificate === undefined ? subject : this.#subjectOf(signer.certificate),
      this.#sequence(this.#time(request.notBefore), this.#time(request.notAfter)),
      subject,
      publicKeyInfo,
      this.#explicit(3, this.#sequence(...this.#extensions(request))),
    );
  }

  #extensions({ publicKey, signer, use }: CertificateRequest): Node[] {
    const signerKey = signer.certificate?.publicKey ?? publicKey;
    const isRoot = use.kind === 'root';
    const constraints = isRoot ? [this.#boolean(true), this.#integer(Buffer.of(0))] : [];
    return [
      this.#extension(OID.basicConstraints, { critical: true }, this.#sequence(...constraints)),
      this.#extension(OID.keyUsage, { critical: true }, this.#bits(KEY_USAGE[use.kind])),
      this.#extension(OID.subjectKeyIdentifier, {}, this.#octets(keyIdentifier(publicKey))),
      this.#extension(OID.authorityKeyIdentifier, {}, this.#sequence(this.#implicit(0, keyIdentifier(signerKey)))),
      ...this.#extensionsFor(use),
    ];
  }

  #extensionsFor(use: CertificateRequest['use']): Node[] {
    if (use.kind === 'root') {
      return [this.#extension(OID.nameConstraints, { critical: true }, this.#constraints(use.constraints))];
    }
    if (use.kind === 'challenge') {
      return [
        this.#extension(OID.acmeIdentifier, { critical: true }, this.#octets(use.digest)),
        this.#extension(OID.subjectAltName, {}, this.#alternativeNames({ names: [use.name], addresses: [] })),
      ];
    }
    return [
      this.#extension(OID.extendedKeyUsage, {}, this.#sequence(this.#oid(OID.serverAuth))),
      this.#extension(OID.subjectAltName, {}, this.#alternativeNames(use)),
    ];
  }

  #alternativeNames(use: { names: readonly string[]; addresses: readonly string[] }): Node {
    return this.#sequence(
      ...use.names.map((name) => this.#implicit(DNS_NAME, Buffer.from(name, 'ascii'))),
      ...use.addresses.map((address) => this.#implicit(IP_ADDRESS, addressBytes(address))),
    );
  }

  #constraints({ domains, networks }: NameConstraints): Node {
    const permitted = [
      ...domains.map((domain) => this.#implicit(DNS_NAME, Buffer.from(domain, 'ascii'))),
      ...networks.map((network) => this.#implicit(IP_ADDRESS, networkBytes(network))),
    ];
    return this.#sequence(this.#explicit(0, ...permitted.map((name) => this.#sequence(name))));
  }

  #extension(oid: string, { critical = false }: { critical?: boolean }, value: Node): Node {
    const flag = critical ? [this.#boolean(true)] : [];
    return this.#sequence(this.#oid(oid), ...flag, this.#octets(this.#encode(value)));
  }

  #name(commonName: string): Node {
    const attribute = this.#sequence(
      this.#oid(OID.commonName),
      this.#primitive('UTF8', Buffer.from(commonName, 'utf8')),
    );
    return this.#sequence(this.#constructed('SET', attribute));
  }

  /** The signer's name, byte for byte as in its certificate: the sixth field, or the fifth without a version (section 4.1). */
  #subjectOf(certificate: X509Certificate): Node {
    const fields = childrenOf(childrenOf(this.#decode(certificate.raw))[0]);
    const [subject] = fields.slice(fields[0]?.tagClass === this.#asn1.Class.CONTEXT_SPECIFIC ? 5 : 4);
    if (subject === undefined) throw new Error('a certificate without a subject');
    return subject;
  }

  /** UTCTime up to 2049, GeneralizedTime from then on (section 4.1.2.5). */
  #time(date: Date): Node {
    const digits = date.toISOString().replace(/\.\d+|[-:T]/g, '');
    if (date.getUTCFullYear() < 2050) return this.#primitive('UTCTIME', Buffer.from(digits.slice(2)));
    return this.#primitive('GENERALIZEDTIME', Buffer.from(digits));
  }

  #sequence(...content: Node[]): Node {
    return this.#constructed('SEQUENCE', ...content);
  }

  #boolean(value: boolean): Node {
    return this.#primitive('BOOLEAN', Buffer.of(value ? 0xff : 0));
  }

  #integer(bytes: Buffer): Node {
    return this.#primitive('INTEGER', bytes);
  }

  #octets(bytes: Buffer): Node {
    return this.#primitive('OCTETSTRING', bytes);
  }

  #bitString(unusedBits: number, bytes: Buffer): Node {
    return this.#primitive('BITSTRING', Buffer.concat([Buffer.of(unusedBits), bytes]));
  }

  #bits([unusedBits, byte]: readonly [number, number]): Node {
    return this.#bitString(unusedBits, Buffer.of(byte));
  }

  #oid(oid: string): Node {
    return this.#primitive('OID', Buffer.from(this.#asn1.oidToDer(oid).getBytes(), 'latin1'));
  }

  #constructed(type: 'SEQUENCE' | 'SET', ...content: Node[]): Node {
    return this.#asn1.create(this.#asn1.Class.UNIVERSAL, this.#asn1.Type[type], true, content);
  }

  #primitive(type: keyof Forge['asn1']['Type'], bytes: Buffer): Node {
    return this.#asn1.create(this.#asn1.Class.UNIVERSAL, this.#asn1.Type[type], false, bytes.toString('latin1'));
  }

  #explicit(tag: number, ...content: Node[]): Node {
    return this.#asn1.create(this.#asn1.Class.CONTEXT_SPECIFIC, tag as Asn1Type, true, content);
  }

  #implicit(tag: number, bytes: Buffer): Node {
    return this.#asn1.create(this.#asn1.Class.CONTEXT_SPECIFIC, tag as Asn1Type, false, bytes.toString('latin1'));
  }

  #encode(node: Node): Buffer {
    return Buffer.from(this.#asn1.toDer(node).getBytes(), 'latin1');
  }

  #decode(der: Buffer): Node {
    return this.#asn1.fromDer(der.toString('latin1'));
  }
}

function childrenOf(node: Node | undefined): readonly Node[] {
  return node !== undefined && Array.isArray(node.value) ? node.value : [];
}

/** 127 random bits, positive, without a leading zero byte (section 4.1.2.2). */
function randomSerial(): Buffer {
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = serial[0]! & 0x7f || 1;
  return serial;
}

/** SHA-1 of the public key's point (section 4.2.1.2, method 1): a name, not a proof. P-256 only. */
export function keyIdentifier(publicKey: KeyObject): Buffer {
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-P256_POINT_BYTES);
  return createHash('sha1').update(point).digest();
}

/** Four or sixteen bytes (section 4.2.1.6). */
function addressBytes(address: string): Buffer {
  const parts = labelFromAddress(address).split('-');
  if (addressFamily(address) === 4) return Buffer.from(parts.map(Number));
  return Buffer.from(parts.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** The address and its mask (section 4.2.1.10). */
function networkBytes(network: string): Buffer {
  const [address = '', prefixLength] = network.split('/');
  const bytes = addressBytes(address);
  return Buffer.concat([bytes, maskBytes(Number(prefixLength), bytes.length)]);
}

function maskBytes(prefixLength: number, byteCount: number): Buffer {
  const bits = '1'.repeat(prefixLength).padEnd(byteCount * 8, '0');
  return Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)));
}
