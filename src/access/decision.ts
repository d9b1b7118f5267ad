/** What the policy answers. Types only: the proxy lanes, WebSocket upgrades, `explain` and the access log share them. */

/** The rules of the policy, in their order; the name is what `explain`, `status` and the access log show. */
export type RuleName =
  | 'malformed'
  | 'host'
  | 'plain-http'
  | 'gateway-page'
  | 'preflight'
  | 'identity'
  | 'claim-guard'
  | 'outdated'
  | 'throttled'
  | 'valid'
  | 'unverifiable'
  | 'invalid'
  | 'home'
  | 'web-app'
  | 'origin'
  | 'viewer-only'
  | 'admitted'
  | 'session'
  | 'sign-in'
  | 'known-address'
  | 'default';

/** The values of X-Lockgate-Reason. `not-found` goes with 404: the gateway has no such page, or not now. */
export type RefusalReason =
  | 'malformed'
  | 'plain-http'
  | 'unclaimed'
  | 'outdated-server'
  | 'no-credentials'
  | 'bad-credentials'
  | 'not-permitted'
  | 'not-found'
  | 'host'
  | 'origin'
  | 'throttled'
  | 'too-large'
  | 'server-down'
  | 'starting'
  | 'server-timeout';

/** `events`: the stream that the status page follows. */
export type GatewayPage = 'status' | 'events' | 'health' | 'metrics' | 'signin' | 'setup' | 'trust';

/** How much of the status page the asker may see. */
export type PageScope = 'none' | 'lights' | 'everything';

interface Ruled {
  readonly rule: RuleName;
}

/** Pass the request to the media server. */
export interface Forward extends Ruled {
  readonly action: 'forward';
  /** `keep`: bytes as they came (but see `dropSessionCookie`). `replace`: the client's credentials, the gateway's cookie and empty tokens are removed, and `token` (when given) is added. `remove`: as replace, without a token. */
  readonly credentials: 'keep' | 'replace' | 'remove';
  readonly token?: string;
  /** With `keep`: the request carries the gateway's session cookie, which is taken out all the same. */
  readonly dropSessionCookie?: true;
}

/** Answer with an error of the gateway's own. */
export interface Refuse extends Ruled {
  readonly action: 'refuse';
  readonly status: 400 | 401 | 403 | 404 | 405 | 421 | 429 | 431 | 498 | 502 | 503 | 504;
  readonly reason: RefusalReason;
  /** One sentence for a person: what was refused and what to do. */
  readonly detail: string;
  readonly retryAfterSeconds?: number;
  /** The Origin that may read the answer (CORS); absent: none. */
  readonly corsOrigin?: string;
  /** A browser's navigation from the LAN: the page links to the sign-in form. */
  readonly offerSignIn?: boolean;
}

/** Send the client elsewhere. */
export interface Redirect extends Ruled {
  readonly action: 'redirect';
  readonly status: 302 | 308;
  readonly location: string;
  readonly reason?: RefusalReason;
  readonly corsOrigin?: string;
}

/** Answer with a page of the gateway. */
export interface Page extends Ruled {
  readonly action: 'page';
  /** `acme-challenge` is no decision of the policy: a certificate authority gets its answer before. */
  readonly page: GatewayPage | 'acme-challenge';
  readonly scope: PageScope;
}

/** Answer a CORS preflight with 204. */
export interface Preflight extends Ruled {
  readonly action: 'preflight';
  readonly corsOrigin?: string;
}

/** Answer the public identity endpoint from the last probe. */
export interface AnswerIdentity extends Ruled {
  readonly action: 'identity';
  readonly corsOrigin?: string;
}

export type Decision = Forward | Refuse | Redirect | Page | Preflight | AnswerIdentity;

/** No decision yet: ask whether the request's credentials are good, then decide again with the answer. */
export interface NeedsCredentials {
  readonly needs: 'credentials';
}
