/** What goes wrong between the gateway and a certificate authority: its problem documents (RFC 7807, RFC 8555 section 6.7) as errors for people. */
import { GatewayError } from '../../lib/errors.ts';
import { terminalText } from '../../lib/terminal-text.ts';
import type { ChallengeType } from './challenge.ts';

/** In front of every type of problem that ACME knows. */
export const URN = 'urn:ietf:params:acme:error:';
const MAX_DETAIL_LENGTH = 300;

/** What the user can do, by the type of the problem (RFC 8555 section 6.7). */
const REMEDIES: Readonly<Record<string, string>> = {
  accountDoesNotExist: 'a new account is made with the next attempt',
  alreadyRevoked: 'a new certificate is asked for with the next attempt',
  caa: "let the name's CAA records allow this authority, or remove them",
  connection: 'see that the name leads to your public address, and that its outside port leads here',
  dns: 'see that the name exists in public DNS, and that its name servers answer',
  externalAccountRequired: 'ask the authority for a key, and set [acme] eab_id and eab_key_file',
  incorrectResponse: 'another program answered: see that the outside port leads to this gateway',
  invalidContact: 'write another address into [acme] email, or none',
  invalidProfile: 'write one of the profiles of the authority into [acme] profile, or none',
  rateLimited: 'nothing to do: it is tried again when the authority allows it',
  rejectedIdentifier: 'the authority gives no certificate for it: write another name into [certificate] names',
  tls: 'another program answered with TLS: see that outside port 443 leads to this gateway itself',
  unauthorized: 'another program answered, or the record is not there: see that the outside port leads to this gateway',
  unsupportedContact: 'write another address into [acme] email, or none',
  userActionRequired: 'the terms of the authority changed: read what the link says',
};
const ANOTHER_TIME = 'it is tried again by itself';

export interface ProblemOptions {
  /** Without the URN in front; `unreachable` and `nonsense` are of the gateway's own making. */
  readonly type: string;
  readonly detail: string;
  /** Not to be tried before, in milliseconds from now. */
  readonly retryAfterMs?: number | undefined;
  /** The challenge with which the authority did not find the proof. */
  readonly challenge?: ChallengeType | undefined;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The authority refused something, could not be asked, or talks nonsense. */
export class AcmeProblem extends GatewayError {
  readonly type: string;
  readonly retryAfterMs: number | undefined;
  readonly challenge: ChallengeType | undefined;

  constructor({ type, detail, retryAfterMs, challenge, hint, cause }: ProblemOptions) {
    super('certificate', shorten(detail), { hint: hint ?? REMEDIES[type] ?? ANOTHER_TIME, cause });
    this.type = type;
    this.retryAfterMs = retryAfterMs;
    this.challenge = challenge;
  }
}

/** The problem in a document of the authority, whatever it holds. `subject` begins the sentence. */
export function problemFrom(subject: string, document: unknown, retryAfterMs?: number): AcmeProblem {
  const { type, detail, subproblems } = isRecord(document) ? document : {};
  const name = typeof type === 'string' && type.startsWith(URN) ? type.slice(URN.length) : 'unknown';
  const first: unknown = Array.isArray(subproblems) ? subproblems[0] : undefined;
  const more = isRecord(first) && typeof first['detail'] === 'string' ? `: ${first['detail']}` : '';
  const said = typeof detail === 'string' && detail !== '' ? detail + more : name;
  return new AcmeProblem({ type: name, detail: `${subject}: ${said}`, retryAfterMs });
}

/** The authority does not keep to the protocol. */
export function nonsense(detail: string): AcmeProblem {
  const hint = 'see that [acme] directory is the address of an ACME directory';
  return new AcmeProblem({ type: 'nonsense', detail: `the authority ${detail}`, hint });
}

/** Words of the authority, bounded, on one line. */
export function shorten(text: string): string {
  const line = terminalText(text).replace(/\s+/g, ' ').trim();
  return line.length > MAX_DETAIL_LENGTH ? `${line.slice(0, MAX_DETAIL_LENGTH)}…` : line;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
