/** One order from beginning to end (RFC 8555 section 7.4): names proven, request signed, certificate fetched. Can be taken up again at every step. */
import { generateKeyPairSync, type KeyObject, type X509Certificate } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../lib/errors.ts';
import { alternativeNames } from '../certificate-facts.ts';
import { writeSigningRequest } from '../certificate-writer.ts';
import { assembleChain, type KeyedChain, readCertificates } from '../chain.ts';
import type { Account } from './account.ts';
import type { ChallengeType, Proof, Solver } from './challenge.ts';
import type { AcmeClient, Reply } from './client.ts';
import { AcmeProblem, isRecord, nonsense, problemFrom } from './problem.ts';
import { renewalId } from './renewal-info.ts';
import { type AcmeStore, isSameWish, type SavedOrder, type Wish } from './store.ts';

const STEP_TIMEOUT_MS = 5 * 60_000;
const FIRST_POLL_MS = 500;
const LONGEST_POLL_MS = 15_000;
const MAX_AUTHORIZATIONS = 100;
/** Becomes part of a path: nothing but base64url (RFC 8555 section 8.3). */
const TOKEN = /^[\w-]{1,256}$/;
/** Failures of a proof that what the solver needs from the user explains better than the authority can. */
const UNSEEN = new Set(['connection', 'incorrectResponse', 'tls', 'unauthorized', 'unknown']);

export interface OrderOptions {
  readonly client: AcmeClient;
  readonly account: Account;
  readonly store: AcmeStore;
  readonly wish: Wish;
  /** The certificate that is renewed; undefined: none. */
  readonly present: X509Certificate | undefined;
  /** In the order of preference. */
  readonly solvers: readonly Solver[];
  readonly signal: AbortSignal;
  /** How long the authority may take for one step. Default: five minutes. */
  readonly stepTimeoutMs?: number | undefined;
}

export interface ObtainedCertificate {
  readonly chain: KeyedChain;
  /** What proved the names; undefined: the authority remembered an earlier proof. */
  readonly challenge: ChallengeType | undefined;
}

/** A name that the authority wants to see proven. */
interface PendingProof {
  /** Of the authorization. */
  readonly url: string;
  readonly solver: Solver;
  readonly challenge: Readonly<Record<string, unknown>>;
  readonly proof: Proof;
}

/** Rejects `AcmeProblem`; the order is kept while it can still come to a good end. */
export async function obtainCertificate(options: OrderOptions): Promise<ObtainedCertificate> {
  return new Order(options).run();
}

class Order {
  readonly #options: OrderOptions;
  #challenge: ChallengeType | undefined;

  constructor(options: OrderOptions) {
    this.#options = options;
  }

  async run(): Promise<ObtainedCertificate> {
    const { store, signal } = this.#options;
    const saved = (await this.#resume()) ?? (await this.#begin());
    try {
      const chain = await this.#complete(saved);
      return { chain, challenge: this.#challenge };
    } catch (error) {
      if (isFinal(error) && !signal.aborted) await store.removeOrder();
      throw error;
    }
  }

  /** The kept order, when it is for the same and the authority still knows it. */
  async #resume(): Promise<SavedOrder | undefined> {
    const { store, wish, account, present } = this.#options;
    const saved = await store.readOrder();
    if (saved === undefined) return undefined;
    const isDone = present?.checkPrivateKey(saved.key) === true;
    const isOurs = !isDone && isSameWish(saved.wish, wish) && saved.account === account.signer.kid;
    const state = isOurs ? await this.#post('the order', saved.url).catch(undefinedIfRefused) : undefined;
    if (state !== undefined && state.document['status'] !== 'invalid') return saved;
    await store.removeOrder();
    return undefined;
  }

  /** The key is made and kept with the order: whatever happens, the certificate will have its key. */
  async #begin(): Promise<SavedOrder> {
    const { client, account, store, wish, present } = this.#options;
    const { newOrder, profiles, renewalInfo } = await client.directory();
    if (wish.profile !== '' && !profiles.includes(wish.profile)) throw unknownProfile(wish.profile, profiles);
    const order = {
      identifiers: wish.names.map((value) => ({ type: 'dns', value })),
      ...(wish.profile === '' ? {} : { profile: wish.profile }),
    };
    const replaces = present === undefined || renewalInfo === undefined ? undefined : renewalId(present);
    const ask = (more: object) => this.#post('the order', newOrder, { ...order, ...more });
    const { headers } = await ask(replaces === undefined ? {} : { replaces }).catch((error: unknown) => {
      // Renewed by somebody already, or not known here: an order like any other (RFC 9773 section 5).
      if (replaces === undefined || isRateLimit(error)) throw error;
      return ask({});
    });
    if (headers.location === undefined) throw nonsense('does not say where the order is');
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const saved = { wish, account: account.signer.kid, url: headers.location, key };
    await store.writeOrder(saved);
    return saved;
  }

  async #complete({ url, key, wish }: SavedOrder): Promise<KeyedChain> {
    let order = (await this.#post('the order', url)).document;
    if (order['status'] === 'pending') {
      await this.#prove(authorizationsOf(order));
      order = await this.#poll('the order', url, ({ status }) => status !== 'pending');
    }
    if (order['status'] === 'ready') {
      const csr = (await writeSigningRequest({ key, names: wish.names })).toString('base64url');
      await this.#post('the certificate request', addressIn(order, 'finalize'), { csr });
    }
    order = await this.#poll('the certificate', url, ({ status }) => status !== 'processing' && status !== 'ready');
    if (order['status'] !== 'valid') throw invalidOrder(order);
    const { client, account } = this.#options;
    return checkedChain(await client.chains(addressIn(order, 'certificate'), account.signer), key, wish);
  }

  /** All are shown before the authority looks at the first: name servers remember for a while what was at a name, and a wildcard has the same. */
  async #prove(authorizations: readonly string[]): Promise<void> {
    const proofs: PendingProof[] = [];
    try {
      for (const url of authorizations) {
        const pending = await this.#open(url);
        if (pending === undefined) continue;
        proofs.push(pending);
        await pending.solver.show(pending.proof, this.#options.signal);
      }
      for (const { proof, challenge } of proofs) {
        // Told before a power cut already, it needs no word any more.
        if (challenge['status'] === 'pending') await this.#post(proof.name, addressIn(challenge, 'url'), {});
      }
      for (const { proof, solver, url } of proofs) {
        const result = await this.#poll(proof.name, url, ({ status }) => status !== 'pending');
        if (result['status'] !== 'valid') throw failedProof(result, solver);
      }
    } finally {
      for (const { solver, proof } of proofs) await solver.remove(proof);
    }
  }

  /** Undefined: the authority remembers the proof. */
  async #open(url: string): Promise<PendingProof | undefined> {
    const { document } = await this.#post('the authorization', url);
    if (document['status'] === 'valid') return undefined;
    if (document['status'] !== 'pending') throw failedProof(document, undefined);
    const name = this.#nameIn(document);
    const { solver, challenge } = this.#choose(document, name);
    this.#challenge = solver.type;
    return { url, solver, challenge, proof: { name, ...this.#keyAuthorization(challenge) } };
  }

  /** An authority that asks for the proof of anything else wants to use it elsewhere. */
  #nameIn({ identifier }: Reply['document']): string {
    const name = isRecord(identifier) ? identifier['value'] : undefined;
    const isAsked = this.#options.wish.names.some((asked) => asked === name || asked === `*.${name}`);
    if (typeof name !== 'string' || !isAsked) throw nonsense('wants proof of a name that it was not asked for');
    return name;
  }

  #choose({ challenges }: Reply['document'], name: string) {
    const offered = (Array.isArray(challenges) ? challenges : []).filter(isRecord);
    for (const solver of this.#options.solvers) {
      const challenge = offered.find(({ type }) => type === solver.type);
      if (challenge !== undefined) return { solver, challenge };
    }
    const types = offered.map(({ type }) => String(type)).join(', ');
    const detail = `${name}: the authority offers ${types || 'no challenge'}`;
    const hint = 'set [acme] challenge to one of them; dns-01 needs hook or rfc2136_server';
    throw new AcmeProblem({ type: 'noChallenge', detail, hint });
  }

  #keyAuthorization({ token }: Readonly<Record<string, unknown>>): Pick<Proof, 'token' | 'keyAuthorization'> {
    if (typeof token !== 'string' || !TOKEN.test(token)) throw nonsense('gives a token that is none');
    return { token, keyAuthorization: `${token}.${this.#options.account.thumbprint}` };
  }

  #post(subject: string, url: string, payload?: object): Promise<Reply> {
    const { client, account } = this.#options;
    return client.post(subject, url, account.signer, payload);
  }

  /** Asks again until `isDone`, as often as the authority likes. */
  async #poll(
    subject: string,
    url: string,
    isDone: (document: Reply['document']) => boolean,
  ): Promise<Reply['document']> {
    const { stepTimeoutMs = STEP_TIMEOUT_MS, signal } = this.#options;
    const endsAt = performance.now() + stepTimeoutMs;
    for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_POLL_MS)) {
      const { document, retryAfterMs } = await this.#post(subject, url);
      if (isDone(document)) return document;
      if (performance.now() > endsAt) throw stillPending(subject, stepTimeoutMs);
      const wantedMs = Math.min(Math.max(retryAfterMs ?? waitMs, FIRST_POLL_MS), LONGEST_POLL_MS);
      await pause(wantedMs, undefined, { signal });
    }
  }
}

/** With nothing that belongs to the order left to wait for. What could not be asked, or takes longer, is taken up again. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof AcmeProblem && !['unreachable', 'pending', 'rateLimited', 'serverInternal'].includes(error.type)
  );
}

function isRateLimit(error: unknown): boolean {
  return !(error instanceof AcmeProblem) || error.type === 'rateLimited' || error.type === 'unreachable';
}

function undefinedIfRefused(error: unknown): undefined {
  if (isRateLimit(error)) throw error;
}

function authorizationsOf({ authorizations }: Reply['document']): string[] {
  const urls = Array.isArray(authorizations) ? authorizations.filter((url) => typeof url === 'string') : [];
  if (urls.length === 0 || urls.length > MAX_AUTHORIZATIONS) throw nonsense('gives an order without authorizations');
  return urls;
}

function addressIn(document: Readonly<Record<string, unknown>>, member: string): string {
  const url = document[member];
  if (typeof url !== 'string') throw nonsense(`does not say where ${member} is`);
  return url;
}

/** The authority looked and did not find the proof, or the authorization ended before. */
function failedProof({ challenges, identifier, status }: Reply['document'], solver: Solver | undefined): AcmeProblem {
  const name = isRecord(identifier) ? String(identifier['value']) : 'the name';
  const failed = (Array.isArray(challenges) ? challenges : [])
    .filter(isRecord)
    .find(({ error }) => error !== undefined);
  const subject = solver === undefined ? name : `${name}: ${solver.type}`;
  const problem = problemFrom(subject, failed?.['error'] ?? { detail: `the authorization is ${status}` });
  if (solver === undefined) return problem;
  const { type, message: detail } = problem;
  const hint = UNSEEN.has(type) ? solver.remedy : problem.hint;
  return new AcmeProblem({ type, detail, hint, challenge: solver.type });
}

function invalidOrder({ status, error }: Reply['document']): AcmeProblem {
  return problemFrom('the order', error ?? { detail: `it is ${status}` });
}

function stillPending(subject: string, timeoutMs: number): AcmeProblem {
  const detail = `${subject}: the authority has not finished after ${timeoutMs / 60_000} minutes`;
  return new AcmeProblem({ type: 'pending', detail });
}

function unknownProfile(profile: string, offered: readonly string[]): AcmeProblem {
  const known = offered.length === 0 ? 'it has none' : `it has ${offered.join(', ')}`;
  const detail = `the authority has no profile ${JSON.stringify(profile)}: ${known}`;
  return new AcmeProblem({ type: 'invalidProfile', detail });
}

/** The chain with its key, when it is what was asked for. */
function checkedChain(pems: readonly [string, ...string[]], key: KeyObject, { names }: Wish): KeyedChain {
  const chain = fittingChain(pems, key);
  const covered = alternativeNames(chain.leaf.subjectAltName).names;
  const missing = names.find((name) => !covered.includes(name));
  if (missing !== undefined) throw nonsense(`sends a certificate without ${missing}`);
  if (chain.leaf.validToDate.getTime() <= Date.now()) throw nonsense('sends a certificate that has expired');
  return chain;
}

function fittingChain([first, ...others]: readonly [string, ...string[]], key: KeyObject): KeyedChain {
  const subject = 'its answer';
  try {
    const certificates = [...readCertificates(subject, first), ...others.flatMap(readableCertificates)];
    return assembleChain(subject, { certificates: withoutRepetitions(certificates), keys: [key] });
  } catch (error) {
    throw nonsense(`sends no certificate for the key: ${messageOf(error)}`);
  }
}

/** Another way up that is damaged is none. */
function readableCertificates(pem: string): X509Certificate[] {
  try {
    return readCertificates('another chain', pem);
  } catch {
    return [];
  }
}

function withoutRepetitions(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate])).values()];
}
