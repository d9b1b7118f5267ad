/** What the gateway's own port shows to an authority while an order runs: answers of http-01 and certificates of tls-alpn-01. Empty at all other times. */
import { generateKeyPairSync } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { writeCertificate } from '../certificate-writer.ts';
import { keyPemOf } from '../chain.ts';
import { digestOfProof, type Proof } from './challenge.ts';

/** Where the authority looks (RFC 8555 section 8.3). */
const HTTP_FOLDER = '/.well-known/acme-challenge/';
const DAY_MS = 24 * 60 * 60_000;

/** A certificate of tls-alpn-01, as other processes can be told of it. */
export interface ChallengeCertificate {
  /** Lower case. */
  readonly name: string;
  /** PEM. */
  readonly contextOptions: { readonly cert: string; readonly key: string };
}

export class ChallengeBoard {
  /** By path. */
  readonly #answers = new Map<string, string>();
  /** By server name. */
  readonly #certificates = new Map<string, ChallengeCertificate>();
  readonly #listeners: (() => void)[] = [];

  /** The body of the answer to a GET of `path`; undefined: nobody waits for it. */
  answerTo(path: string): string | undefined {
    return this.#answers.get(path);
  }

  /** The certificate for who speaks `acme-tls/1` and asks for `serverName`, in lower case; undefined: it is not being proven. */
  contextFor(serverName: string): SecureContext | undefined {
    const certificate = this.#certificates.get(serverName);
    return certificate && createSecureContext(certificate.contextOptions);
  }

  get certificates(): readonly ChallengeCertificate[] {
    return [...this.#certificates.values()];
  }

  /** Called after each change of the certificates. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  showAnswer({ token, keyAuthorization }: Proof): void {
    this.#answers.set(HTTP_FOLDER + token, keyAuthorization);
  }

  removeAnswer({ token }: Proof): void {
    this.#answers.delete(HTTP_FOLDER + token);
  }

  async showCertificate(proof: Proof): Promise<void> {
    const { name } = proof;
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certificate = await writeCertificate({
      commonName: 'lockgate challenge',
      publicKey,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + DAY_MS),
      signer: { key: privateKey },
      use: { kind: 'challenge', name, digest: digestOfProof(proof) },
    });
    const key = keyPemOf(privateKey);
    this.#certificates.set(name, { name, contextOptions: { cert: certificate.toString(), key } });
    this.#tell();
  }

  removeCertificate({ name }: Proof): void {
    this.#certificates.delete(name);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
