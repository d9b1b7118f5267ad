/** Certificates that the user names in the configuration: PEM (chain and key in one file or two), or one PKCS#12. */
import { dirname } from 'node:path';
import { GatewayError, messageOf, systemCodeOf } from '../lib/errors.ts';
import { readBoundedFile } from './bounded-file.ts';
import type { CertificateSource, LoadedCertificate } from './certificate-source.ts';
import { assembleChain, pemBlocks, readCertificates, readKeys } from './chain.ts';
import { Pkcs12File } from './pkcs12-file.ts';
import { plexPassphrase } from './plex-certificate.ts';
import { isForbidden } from './plex-data-folder.ts';

/** X.690 section 8.9: PKCS#12 begins with it, PEM never does. */
const DER_SEQUENCE = 0x30;

/** The keys of `[certificate]`, as paths; empty ones undefined. */
export interface FilesSourceOptions {
  readonly certFile?: string | undefined;
  /** Undefined: the key is in `certFile`, which may then be PKCS#12 too. */
  readonly keyFile?: string | undefined;
  readonly keyPassphraseFile?: string | undefined;
  readonly pfxFile?: string | undefined;
  /** Undefined: the passphrase derived from the media server's id, else an empty one. */
  readonly pfxPassphraseFile?: string | undefined;
  readonly machineId?: () => string | undefined;
}

export class FilesSource implements CertificateSource {
  readonly name = 'files';
  readonly #options: FilesSourceOptions;
  readonly #pfx = new Pkcs12File();

  constructor(options: FilesSourceOptions) {
    this.#options = options;
  }

  async load(): Promise<LoadedCertificate | undefined> {
    const { certFile, pfxFile } = this.#options;
    if (certFile !== undefined) return this.#loadCertFile(certFile);
    if (pfxFile === undefined) return undefined;
    return this.#loadPkcs12('certificate.pfx_file', pfxFile, await readConfigured('certificate.pfx_file', pfxFile));
  }

  folders(): readonly string[] {
    const { certFile, keyFile, pfxFile } = this.#options;
    const paths = [certFile, keyFile, pfxFile].filter((path) => path !== undefined);
    return [...new Set(paths.map((path) => dirname(path)))];
  }

  /** One file with everything may be PEM or PKCS#12. */
  async #loadCertFile(certFile: string): Promise<LoadedCertificate> {
    const bytes = await readConfigured('certificate.cert_file', certFile);
    const isBinary = bytes[0] === DER_SEQUENCE && this.#options.keyFile === undefined;
    if (isBinary) return this.#loadPkcs12('certificate.cert_file', certFile, bytes);
    return this.#loadPem(certFile, bytes.toString('latin1'));
  }

  async #loadPem(certFile: string, chainText: string): Promise<LoadedCertificate> {
    const { keyFile, keyPassphraseFile } = this.#options;
    const passphrase = await readPassphrase('certificate.key_passphrase_file', keyPassphraseFile);
    const keyText = keyFile === undefined ? chainText : await readText('certificate.key_file', keyFile);
    const subject = `certificate.cert_file: ${JSON.stringify(certFile)}`;
    if (pemBlocks(chainText).length === 0) {
      throw new GatewayError('certificate', `${subject} is not PEM`, {
        hint: 'PEM begins with -----BEGIN CERTIFICATE-----; name a .p12 or .pfx file in certificate.pfx_file, without key_file',
      });
    }
    const keySubject = keyFile === undefined ? subject : `certificate.key_file: ${JSON.stringify(keyFile)}`;
    const chain = assembleChain(keyFile === undefined ? subject : `${subject} with ${JSON.stringify(keyFile)}`, {
      certificates: readCertificates(subject, chainText),
      keys: readKeys(keySubject, keyText, passphrase),
    });
    return { chain, origin: certFile };
  }

  async #loadPkcs12(key: string, path: string, bytes: Buffer): Promise<LoadedCertificate> {
    const passphrases = await this.#pfxPassphrases();
    const chain = await this.#pfx.open(`${key}: ${JSON.stringify(path)}`, bytes, passphrases);
    return { chain, origin: path };
  }

  async #pfxPassphrases(): Promise<string[]> {
    const passphrase = await readPassphrase('certificate.pfx_passphrase_file', this.#options.pfxPassphraseFile);
    if (passphrase !== undefined) return [passphrase];
    const machineId = this.#options.machineId?.();
    return machineId === undefined ? [''] : [plexPassphrase(machineId), ''];
  }
}

async function readText(key: string, path: string): Promise<string> {
  return (await readConfigured(key, path)).toString('latin1');
}

async function readPassphrase(key: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return (await readConfigured(key, path)).toString('utf8').replace(/\r?\n$/, '');
}

async function readConfigured(key: string, path: string): Promise<Buffer> {
  try {
    return await readBoundedFile(path);
  } catch (cause) {
    throw unreadable(`${key}: ${JSON.stringify(path)}`, cause);
  }
}

function unreadable(subject: string, cause: unknown): GatewayError {
  if (systemCodeOf(cause) === 'ENOENT') {
    return new GatewayError('certificate', `${subject} does not exist`, {
      hint: 'check the path, from the root on',
      cause,
    });
  }
  if (isForbidden(cause)) {
    return new GatewayError('certificate', `${subject} may not be read by the user that runs lockgate`, {
      hint: 'give that user or its group read permission on the file and all folders above it',
      cause,
    });
  }
  return new GatewayError('certificate', `${subject} cannot be read: ${messageOf(cause)}`, { cause });
}
