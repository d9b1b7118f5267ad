/** Certificates for tests, made by the openssl command line: an independent hand, and quick enough to make them per file. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCertificate {
  /** The certificate alone. */
  readonly certificatePem: string;
  /** PKCS#8, not encrypted. */
  readonly keyPem: string;
  /** Certificates behind the leaf that a server sends. */
  readonly chainPem: string;
  /** What a client must trust. */
  readonly rootPem: string;
}

export type TestKeyKind = 'ec' | 'rsa' | 'weak-rsa';

const KEY_FLAGS: Readonly<Record<TestKeyKind, readonly string[]>> = {
  ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['rsa:2048'],
  'weak-rsa': ['rsa:1024'],
};

export interface TestCertificateOptions {
  readonly names?: readonly string[];
  readonly addresses?: readonly string[];
  /** `weak-rsa`: 1024 bits, which nobody takes any more. */
  readonly key?: TestKeyKind;
  readonly days?: number;
  /** Absent: the certificate signs itself. */
  readonly issuer?: TestCertificate;
  /** The certificate may sign others. */
  readonly isAuthority?: boolean;
  readonly subject?: string;
}

/** The identity of the make-believe media server. */
export const PLEX_MACHINE_IDENTIFIER = '3f1b2c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d';
/** As `/identity` shows it. */
export const PLEX_PROCESSED_IDENTIFIER = createHash('sha1')
  .update(`${PLEX_MACHINE_IDENTIFIER}- Plex Media Server`)
  .digest('hex');
export const PLEX_CERTIFICATE_UUID = '0123456789abcdef0123456789abcdef';
export const PLEX_ZONE = `${PLEX_CERTIFICATE_UUID}.plex.direct`;
export const PLEX_PASSPHRASE = createHash('sha512').update(`plex${PLEX_PROCESSED_IDENTIFIER}`).digest('hex');

/** Runs `work` in a folder that is removed afterwards. */
function inScratchFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-certificates-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function openssl(folder: string, ...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** A certificate with its key; without `issuer` it signs itself. */
export function makeCertificate(options: TestCertificateOptions = {}): TestCertificate {
  return inScratchFolder((folder) => {
    const key = KEY_FLAGS[options.key ?? 'ec'];
    writeFileSync(join(folder, 'request.cnf'), requestConfig(options));
    const common = ['-config', 'request.cnf', '-newkey', ...key, '-nodes', '-keyout', 'key.pem', '-batch'];
    const days = String(options.days ?? 90);
    if (options.issuer === undefined) {
      openssl(folder, 'req', '-x509', ...common, '-days', days, '-out', 'certificate.pem');
    } else {
      writeFileSync(join(folder, 'issuer.pem'), options.issuer.certificatePem);
      writeFileSync(join(folder, 'issuer.key'), options.issuer.keyPem);
      openssl(folder, 'req', '-new', ...common, '-out', 'request.pem');
      openssl(
        folder,
        ...['x509', '-req', '-in', 'request.pem', '-CA', 'issuer.pem', '-CAkey', 'issuer.key', '-CAcreateserial'],
        ...['-days', days, '-extfile', 'request.cnf', '-extensions', 'extensions', '-out', 'certificate.pem'],
      );
    }
    const certificatePem = readFileSync(join(folder, 'certificate.pem'), 'utf8');
    return {
      certificatePem,
      keyPem: readFileSync(join(folder, 'key.pem'), 'utf8'),
      chainPem: chainBehind(options.issuer),
      rootPem: options.issuer?.rootPem ?? certificatePem,
    };
  });
}

function chainBehind(issuer: TestCertificate | undefined): string {
  if (issuer === undefined || issuer.certificatePem === issuer.rootPem) return '';
  return issuer.certificatePem + issuer.chainPem;
}

function requestConfig(options: TestCertificateOptions): string {
  const names = options.names ?? [];
  const addresses = options.addresses ?? [];
  const alternatives = [...names.map((name) => `DNS:${name}`), ...addresses.map((address) => `IP:${address}`)];
  return [
    '[req]',
    'distinguished_name = subject',
    'x509_extensions = extensions',
    'prompt = no',
    '[subject]',
    `CN = ${options.subject ?? names[0] ?? 'test'}`,
    '[extensions]',
    options.isAuthority ? 'basicConstraints = critical, CA:true' : 'basicConstraints = critical, CA:false',
    options.isAuthority ? 'keyUsage = critical, keyCertSign, cRLSign' : 'extendedKeyUsage = serverAuth',
    ...(alternatives.length === 0 ? [] : [`subjectAltName = ${alternatives.join(', ')}`]),
    '',
  ].join('\n');
}

let root: TestCertificate | undefined;
let intermediate: TestCertificate | undefined;

/** A public-like authority: a root that clients trust and the intermediate that signs. Made once per process. */
export function testAuthority(): TestCertificate {
  root ??= makeCertificate({ subject: 'Test Root', isAuthority: true, days: 3650 });
  intermediate ??= makeCertificate({ subject: 'Test Intermediate', isAuthority: true, days: 1825, issuer: root });
  return intermediate;
}

/** A wildcard certificate as the media server gets it; `key` RSA unless told, `uuid` the label of its zone. */
export function makePlexCertificate(
  options: { key?: 'ec' | 'rsa'; uuid?: string; days?: number } = {},
): TestCertificate {
  return makeCertificate({
    names: [`*.${options.uuid ?? PLEX_CERTIFICATE_UUID}.plex.direct`],
    key: options.key ?? 'rsa',
    issuer: testAuthority(),
    ...(options.days === undefined ? {} : { days: options.days }),
  });
}

/** How the container is encrypted: AES-256 as today's tools do, `legacy` RC2-40 and 3DES as old ones did, `bare` not at all. */
export type Pkcs12Encryption = 'modern' | 'legacy' | 'plain' | 'des3' | 'sha512' | 'without-mac' | 'bare' | 'slow';

const PKCS12_FLAGS: Readonly<Record<Pkcs12Encryption, readonly string[]>> = {
  modern: [],
  legacy: ['-legacy'],
  plain: ['-keypbe', 'NONE', '-certpbe', 'NONE'],
  des3: ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
  sha512: ['-macalg', 'sha512'],
  'without-mac': ['-nomac'],
  bare: ['-keypbe', 'NONE', '-certpbe', 'NONE', '-nomac'],
  slow: ['-iter', '300000'],
};

/** The certificate, its chain and its key as PKCS#12. `parts` leaves the key out. */
export function makePkcs12(
  certificate: TestCertificate,
  options: { passphrase?: string; encryption?: Pkcs12Encryption; withoutKey?: boolean } = {},
): Buffer {
  return inScratchFolder((folder) => {
    writeFileSync(join(folder, 'key.pem'), certificate.keyPem);
    writeFileSync(join(folder, 'chain.pem'), certificate.certificatePem + certificate.chainPem);
    const passphrase = options.passphrase ?? PLEX_PASSPHRASE;
    const key = options.withoutKey ? ['-nokeys'] : ['-inkey', 'key.pem'];
    const flags = PKCS12_FLAGS[options.encryption ?? 'modern'];
    openssl(
      folder,
      ...[
        'pkcs12',
        '-export',
        '-in',
        'chain.pem',
        ...key,
        '-passout',
        `pass:${passphrase}`,
        '-out',
        'out.p12',
        ...flags,
      ],
    );
    return readFileSync(join(folder, 'out.p12'));
  });
}

/** The same key, encrypted with a passphrase (PKCS#8, or OpenSSL's older form). */
export function encryptKey(keyPem: string, passphrase: string, form: 'pkcs8' | 'traditional' = 'pkcs8'): string {
  return inScratchFolder((folder) => {
    writeFileSync(join(folder, 'key.pem'), keyPem);
    const traditional = form === 'traditional' ? ['-traditional'] : [];
    openssl(
      folder,
      ...[
        'pkey',
        '-in',
        'key.pem',
        '-aes-256-cbc',
        '-passout',
        `pass:${passphrase}`,
        ...traditional,
        '-out',
        'out.pem',
      ],
    );
    return readFileSync(join(folder, 'out.pem'), 'utf8');
  });
}

/** The server's settings file with the identity above. */
export function plexPreferencesXml(attributes: Readonly<Record<string, string>> = {}): string {
  const all = {
    MachineIdentifier: PLEX_MACHINE_IDENTIFIER,
    ProcessedMachineIdentifier: PLEX_PROCESSED_IDENTIFIER,
    CertificateUUID: PLEX_CERTIFICATE_UUID,
    FriendlyName: 'Films &amp; Series',
    ...attributes,
  };
  const text = Object.entries(all).map(([name, value]) => `${name}="${value}"`);
  return `<?xml version="1.0" encoding="utf-8"?>\n<Preferences ${text.join(' ')}/>\n`;
}
