/** A place that certificates come from. Types only: one file per source, all of them used alike by the store. */
import type { GatewayError } from '../lib/errors.ts';
import type { CertificateSourceName } from './certificate-facts.ts';
import type { KeyedChain } from './chain.ts';

export interface LoadedCertificate {
  readonly chain: KeyedChain;
  /** The file it was read from, for people. */
  readonly origin: string;
  /** Something went wrong although a certificate was had: an older copy stands in for it. */
  readonly fault?: GatewayError;
}

export interface CertificateSource {
  readonly name: CertificateSourceName;
  /** What is there now; undefined: nothing. Rejects with a `GatewayError` whose sentence says what is wrong. Cheap when nothing changed. */
  load(): Promise<LoadedCertificate | undefined>;
  /** Folders in which a change may mean another certificate; known after the first `load`. */
  folders(): readonly string[];
}
