/** The certificate that an ACME authority issued, as a source of certificates: what the state folder keeps. */
import type { CertificateSource, LoadedCertificate } from '../certificate-source.ts';
import type { AcmeStore } from './store.ts';

export class AcmeSource implements CertificateSource {
  readonly name = 'acme';
  readonly #store: AcmeStore;

  constructor(store: AcmeStore) {
    this.#store = store;
  }

  /** The one for former names too, until there is another. */
  async load(): Promise<LoadedCertificate | undefined> {
    const kept = await this.#store.readCertificate();
    return kept === undefined ? undefined : { chain: kept.chain, origin: this.#store.certificatePath };
  }

  folders(): readonly string[] {
    return [this.#store.folder];
  }
}
