/** The three ways to prove a name (RFC 8555 section 8, RFC 8737), and what each of them shows to the authority. Types, and their sums. */
import { createHash } from 'node:crypto';

export type ChallengeType = 'tls-alpn-01' | 'http-01' | 'dns-01';

/** What has to be shown for one name. */
export interface Proof {
  /** Without `*.`. */
  readonly name: string;
  /** Base64url. */
  readonly token: string;
  /** Token and account, bound together (RFC 8555 section 8.1). */
  readonly keyAuthorization: string;
}

/** Shows proofs and takes them back. */
export interface Solver {
  readonly type: ChallengeType;
  /** What the user has to see to for the authority to find the proof. */
  readonly remedy: string;
  /** Resolves once the authority can see it. Rejects `AcmeProblem`. */
  show(proof: Proof, signal: AbortSignal): Promise<void>;
  /** Never rejects. */
  remove(proof: Proof): Promise<void>;
}

/** SHA-256 of the key authorization: what tls-alpn-01 and dns-01 show. */
export function digestOfProof({ keyAuthorization }: Proof): Buffer {
  return createHash('sha256').update(keyAuthorization).digest();
}
