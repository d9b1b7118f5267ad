/** The Plex account service: which servers a token may use, whose token it is, and linking the gateway to an account. */
import { isTokenText } from './credential-places.ts';
import type { AskServer, ServerAnswer, Verdict } from './kind.ts';

const TIMEOUT_MS = 5000;
/** An account with many shared servers has many resources. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const PRODUCT = 'lockgate';

/** Whose token it is. `isHome`: the account is in a Plex Home. */
export interface PlexUser {
  readonly name: string;
  readonly isHome: boolean;
}

/** A code to type in at plex.tv/link. */
export interface LinkCode {
  readonly id: number;
  readonly code: string;
  readonly expiresInSeconds: number;
}

/** How linking stands: `waiting` for the person, `linked`, `expired`, or `unknown` when the service cannot be asked. */
export type LinkState =
  | { readonly state: 'waiting' | 'expired' | 'unknown' }
  | { readonly state: 'linked'; readonly token: string };

export interface PlexAccountOptions {
  /** Asks `account_url`, with its certificate verified. */
  readonly ask: AskServer;
  /** This gateway's own identifier, stable over restarts. */
  readonly clientIdentifier: string;
  /** Version of the gateway. */
  readonly version: string;
}

/** Nothing here rejects: what cannot be found out is `unverifiable`, `unknown` or undefined. */
export class PlexAccount {
  readonly #ask: AskServer;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: PlexAccountOptions) {
    this.#ask = options.ask;
    this.#headers = {
      Accept: 'application/json',
      'X-Plex-Client-Identifier': options.clientIdentifier,
      'X-Plex-Product': PRODUCT,
      'X-Plex-Version': options.version,
      'X-Plex-Device-Name': PRODUCT,
    };
  }

  /** Valid when the token's account lists the server; invalid when it does not, or the service refuses the token. */
  async verify(token: string, serverId: string): Promise<Verdict> {
    if (!isTokenText(token)) return { verdict: 'invalid', status: 401 };
    const answer = await this.#get('/api/v2/resources?includeHttps=1', token);
    if (answer?.status === 401) return { verdict: 'invalid', status: 401 };
    const resources = answer?.status === 200 ? parse(answer) : undefined;
    if (!Array.isArray(resources)) return { verdict: 'unverifiable' };
    const isListed = resources.some((resource) => fieldOf(resource, 'clientIdentifier') === serverId);
    return isListed ? { verdict: 'valid' } : { verdict: 'invalid', status: 401 };
  }

  /** Undefined when the service does not know the token, or cannot be asked. */
  async userOf(token: string): Promise<PlexUser | undefined> {
    if (!isTokenText(token)) return undefined;
    const answer = await this.#get('/api/v2/user', token);
    const user = answer?.status === 200 ? parse(answer) : undefined;
    const name = [fieldOf(user, 'title'), fieldOf(user, 'username')].find(
      (text) => typeof text === 'string' && text !== '',
    );
    const isHome = fieldOf(user, 'home');
    return typeof isHome === 'boolean' ? { name: typeof name === 'string' ? name : 'unnamed', isHome } : undefined;
  }

  /** A new code; undefined when the service cannot be asked. */
  async requestLinkCode(): Promise<LinkCode | undefined> {
    const answer = await this.#question({ method: 'POST', path: '/api/v2/pins', body: '' });
    const pin = answer?.status === 201 || answer?.status === 200 ? parse(answer) : undefined;
    const [id, code, expiresIn] = [fieldOf(pin, 'id'), fieldOf(pin, 'code'), fieldOf(pin, 'expiresIn')];
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || typeof code !== 'string') return undefined;
    return { id, code, expiresInSeconds: typeof expiresIn === 'number' ? expiresIn : 900 };
  }

  /** Whether the person has typed the code in. Ask every second or two. */
  async linkState(id: number): Promise<LinkState> {
    const answer = await this.#question({ path: `/api/v2/pins/${id}` });
    if (answer?.status === 404) return { state: 'expired' };
    if (answer?.status !== 200) return { state: 'unknown' };
    const token = fieldOf(parse(answer), 'authToken');
    return typeof token === 'string' && isTokenText(token) ? { state: 'linked', token } : { state: 'waiting' };
  }

  #get(path: string, token: string): Promise<ServerAnswer | undefined> {
    return this.#question({ path, headers: { 'X-Plex-Token': token } });
  }

  async #question(question: Parameters<AskServer>[0]): Promise<ServerAnswer | undefined> {
    const headers = { ...this.#headers, ...question.headers };
    const bounds = { timeoutMs: TIMEOUT_MS, maxBodyBytes: MAX_ANSWER_BYTES };
    return this.#ask({ ...bounds, ...question, headers }).catch(() => undefined);
  }
}

function parse(answer: ServerAnswer): unknown {
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
