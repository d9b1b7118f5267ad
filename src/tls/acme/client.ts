/** The protocol between the gateway and one certificate authority: its directory, its nonces, signed requests (RFC 8555 sections 6 and 7.1). */
import type { KeyObject } from 'node:crypto';
import { type Jwk, signedBody } from './jws.ts';
import { type AcmeProblem, isRecord, nonsense, problemFrom, URN } from './problem.ts';
import type { Answer, Transport } from './transport.ts';

/** An authority may refuse a nonce as too old (section 6.5); one that refuses so many plays games. */
const MAX_NONCE_TRIES = 6;
const NONCE = /^[\w-]{1,512}$/;
const PEM_CHAIN = 'application/pem-certificate-chain';
/** Other ways up than the first; authorities have one or two. */
const MAX_ALTERNATES = 4;
const ALTERNATE_LINK = /<([^<>]{1,2048})>[^<>,]*;\s*rel="?alternate"?(?=[\s;,]|$)/gi;

/** What the authority offers (section 7.1.1). */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** Undefined: it gives no advice on renewal (RFC 9773). */
  readonly renewalInfo: string | undefined;
  readonly needsExternalAccount: boolean;
  /** The names of its certificate profiles; empty: it has none. */
  readonly profiles: readonly string[];
}

/** Who signs: a key that the authority has not met, or the account that it knows. */
export type Signer = { readonly key: KeyObject } & ({ readonly jwk: Jwk } | { readonly kid: string });

export interface Reply extends Answer {
  /** The body as a JSON object; empty when it is none. */
  readonly document: Readonly<Record<string, unknown>>;
}

export class AcmeClient {
  readonly #transport: Transport;
  readonly #url: string;
  #directory: Directory | undefined;
  #nonce: string | undefined;

  constructor(directoryUrl: string, transport: Transport) {
    this.#url = directoryUrl;
    this.#transport = transport;
  }

  /** Asked for once. Rejects `AcmeProblem`, like everything here. */
  async directory(): Promise<Directory> {
    this.#directory ??= readDirectory(await this.get(this.#url));
    return this.#directory;
  }

  /** An unsigned question. */
  async get(url: string): Promise<Reply> {
    const answer = await this.#transport.ask({ url, method: 'GET' });
    return replyOf('the authority refuses', answer);
  }

  /** A signed request. `payload` undefined: POST-as-GET. `subject` begins the sentence when it is refused. */
  async post(subject: string, url: string, signer: Signer, payload?: object): Promise<Reply> {
    return replyOf(subject, await this.#post(subject, url, signer, payload));
  }

  /** The certificate chain at `url`, PEM; behind it those to other roots that the authority has (section 7.4.2) and gives. */
  async chains(url: string, signer: Signer): Promise<readonly [string, ...string[]]> {
    const { body, headers } = await this.#chain(url, signer);
    const others: string[] = [];
    for (const other of alternatesIn(headers.link, url)) {
      const answer = await this.#chain(other, signer).catch(() => undefined);
      if (answer !== undefined) others.push(answer.body);
    }
    return [body, ...others];
  }

  async #chain(url: string, signer: Signer): Promise<Answer> {
    const answer = await this.#post('the certificate', url, signer, undefined, PEM_CHAIN);
    if (answer.status !== 200) throw refusalOf('the certificate', answer);
    if (mediaType(answer) !== PEM_CHAIN) throw nonsense('sends something else than a certificate');
    return answer;
  }

  async #post(subject: string, url: string, signer: Signer, payload?: object, accept?: string): Promise<Answer> {
    const { key, ...who } = signer;
    for (let tries = 1; ; tries += 1) {
      const nonce = await this.#takeNonce();
      const body = signedBody(key, { nonce, url, ...who }, payload);
      const answer = await this.#transport.ask({ url, method: 'POST', body, ...(accept && { accept }) });
      this.#keepNonce(answer);
      if (answer.status !== 400) return answer;
      const problem = refusalOf(subject, answer);
      if (problem.type !== 'badNonce' || tries === MAX_NONCE_TRIES) throw problem;
    }
  }

  async #takeNonce(): Promise<string> {
    if (this.#nonce === undefined) {
      const { newNonce } = await this.directory();
      this.#keepNonce(await this.#transport.ask({ url: newNonce, method: 'HEAD' }));
    }
    const nonce = this.#nonce;
    this.#nonce = undefined;
    if (nonce === undefined) throw nonsense('gives no nonce');
    return nonce;
  }

  #keepNonce({ headers }: Answer): void {
    const nonce = headers['replay-nonce'];
    this.#nonce = typeof nonce === 'string' && NONCE.test(nonce) ? nonce : undefined;
  }
}

/** The targets of `rel="alternate"` in a Link header (RFC 8288). */
function alternatesIn(link: string | string[] | undefined, base: string): string[] {
  const targets = [...String(link ?? '').matchAll(ALTERNATE_LINK)].map(([, target = '']) => target);
  return targets
    .filter((target) => URL.canParse(target, base))
    .map((target) => new URL(target, base).href)
    .slice(0, MAX_ALTERNATES);
}

function replyOf(subject: string, answer: Answer): Reply {
  const { status } = answer;
  if (status >= 300 && status < 400)
    throw nonsense(`sends elsewhere: ${String(answer.headers.location).slice(0, 200)}`);
  if (status < 200 || status >= 300) throw refusalOf(subject, answer);
  return { ...answer, document: documentOf(answer) };
}

function refusalOf(subject: string, answer: Answer): AcmeProblem {
  const document = documentOf(answer);
  const said = 'detail' in document || 'type' in document ? document : withoutProblem(answer);
  return problemFrom(subject, said, answer.retryAfterMs);
}

/** An error that says no more than its status: what stands before the authority fails, or it does. */
function withoutProblem({ status }: Answer): object {
  const type = status === 429 ? 'rateLimited' : status >= 500 ? 'serverInternal' : 'unknown';
  return { type: `${URN}${type}`, detail: `HTTP status ${status}` };
}

function documentOf(answer: Answer): Reply['document'] {
  if (!/^application\/(?:problem\+)?json$/.test(mediaType(answer))) return {};
  try {
    const parsed: unknown = JSON.parse(answer.body);
    return isRecord(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

function mediaType({ headers }: Answer): string {
  return (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
}

function readDirectory({ document }: Reply): Directory {
  const { newNonce, newAccount, newOrder, renewalInfo, meta } = document;
  if (typeof newNonce !== 'string' || typeof newAccount !== 'string' || typeof newOrder !== 'string') {
    throw nonsense('shows no ACME directory');
  }
  const facts = isRecord(meta) ? meta : {};
  return {
    newNonce,
    newAccount,
    newOrder,
    renewalInfo: typeof renewalInfo === 'string' ? renewalInfo : undefined,
    needsExternalAccount: facts['externalAccountRequired'] === true,
    profiles: isRecord(facts['profiles']) ? Object.keys(facts['profiles']) : [],
  };
}
