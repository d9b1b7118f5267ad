/** What the gateway's own port shows to an authority while an order runs: answers of http-01 and certificates of tls-alpn-01. Empty at all other times. */
import { generateKeyPairSync } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { writeCertificate } from '../certificate-writer.ts';
import { digestOfProof, type Proof } from './challenge.ts';

/** Where the authority looks (RFC 8555 section 8.3). */
const HTTP_FOLDER = '/.well-known/acme-challenge/';
const DAY_MS = 24 * 60 * 60_000;

export class ChallengeBoard {
  /** By path. */
  readonly #answers = new Map<string, string>();
  /** By server name, lower case. */
  readonly #contexts = new Map<string, SecureContext>();

  /** The body of the answer to a GET of `path`; undefined: nobody waits for it. */
  answerTo(path: string): string | undefined {
    return this.#answers.get(path);
  }

  /** The certificate for who speaks `acme-tls/1` and asks for `serverName`, in lower case; undefined: it is not being proven. */
  contextFor(serverName: string): SecureContext | undefined {
    return this.#contexts.get(serverName);
  }

  showAnswer({ token, keyAuthorization }: Proof): void {
    this.#answers.set(HTTP_FOLDER + token, keyAuthorization);
  }

  removeAnswer({ token }: Proof): void {
    this.#answers.delete(HTTP_FOLDER + token);
  }

  async showCertificate(proof: Proof): Promise<void> {
    const { publicKey, privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certificate = await writeCertificate({
      commonName: 'lockgate challenge',
      publicKey,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + DAY_MS),
      signer: { key },
      use: { kind: 'challenge', name: proof.name, digest: digestOfProof(proof) },
    });
    const keyPem = key.export({ type: 'pkcs8', format: 'pem' });
    this.#contexts.set(proof.name, createSecureContext({ cert: certificate.toString(), key: keyPem }));
  }

  removeCertificate({ name }: Proof): void {
    this.#contexts.delete(name);
  }
}
