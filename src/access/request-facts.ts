/** Builds the facts about one request: each is found out when a rule first asks for it, and kept. */
import type { Peer, RequestHead } from '../http/request.ts';
import { isNormalPath } from '../lib/path.ts';
import type { NetworkList } from '../net/address.ts';
import type { FoundCredentials, ServerKind, Verdict } from '../server/kind.ts';
import type { CredentialState, Facts, GatewayPath, Place, ServerFacts } from './facts.ts';
import { gatewayPathOf } from './gateway-page.ts';
import { type HostNames, isForeignHost } from './host.ts';
import { hasOwnOrigin, isForeignPage, type KnownOrigins, namesPage, ownOrigin, readableOrigin } from './origin.ts';
import { type SecureNames, secureLocation } from './secure-location.ts';
import { hasSessionCookie, type Sessions } from './session.ts';

/** Who asks, as far as the connection and its forwarding headers say. */
export interface ClientView {
  /** Canonical; undefined: a trusted proxy did not say. */
  readonly address: string | undefined;
  readonly place: Place;
  /** TLS up to the gateway, or up to the trusted proxy in front of it. */
  readonly isTls: boolean;
  /** Masked: the line of the configuration that would make the address tell who it is. */
  readonly mend?: string | undefined;
}

/** What the configuration says, read into the form in which it is compared. */
export interface FactSettings {
  readonly requireTls: boolean;
  readonly requireClaimed: boolean;
  readonly allowedNetworks: NetworkList;
  readonly signInNetworks: NetworkList;
  /** `sign_in_networks = "any"`: even clients that cannot be told apart. */
  readonly signInFromAnywhere: boolean;
  readonly metricsClients: NetworkList;
  /** Serialized, see `serializeOrigin`. */
  readonly allowedOrigins: ReadonlySet<string>;
  readonly serverToken: string | undefined;
  readonly hasPin: boolean;
}

/** Everything that outlives a request and that facts are taken from. */
export interface FactSources {
  readonly settings: FactSettings;
  readonly hostNames: HostNames;
  readonly secureNames: SecureNames;
  readonly sessions: Sessions;
  readonly listIsInForce: () => boolean;
  readonly isKnownAddress: (address: string) => boolean;
  readonly isSetupUnderWay: () => boolean;
  /** The remembered verdict on a credential. */
  readonly recall: (credential: string) => Verdict | undefined;
  /** Seconds until another verification; 0 for a credential that was valid lately. */
  readonly throttledForSeconds: (client: string, credential: string | undefined) => number;
}

export interface RequestParts {
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly client: ClientView;
  readonly kind: ServerKind;
  readonly server: ServerFacts;
  /** What a verification has just found; absent: only what is remembered counts. */
  readonly verdict?: Verdict | undefined;
}

export class RequestFacts implements Facts {
  readonly #sources: FactSources;
  readonly #parts: RequestParts;
  readonly #found: FoundCredentials;
  readonly #verdict: Verdict | undefined;
  readonly method: string;
  readonly path: string;
  readonly isPlainRead: boolean;
  readonly host: string | undefined;
  readonly isTls: boolean;
  readonly address: string | undefined;
  readonly place: Place;
  readonly server: ServerFacts;
  #gatewayPath: GatewayPath | undefined;
  #hostIsForeign: boolean | undefined;
  #isInAllowedNetworks: boolean | undefined;
  #hasValidSession: boolean | undefined;
  #isNormalPath: boolean | undefined;
  #knownOrigins: KnownOrigins | undefined;

  constructor(sources: FactSources, parts: RequestParts) {
    const { head, client, kind, server } = parts;
    this.#sources = sources;
    this.#parts = parts;
    this.#found = kind.findCredentials(head);
    this.#verdict = parts.verdict ?? (this.#found.found === 'one' ? sources.recall(this.#found.value) : undefined);
    this.method = head.method;
    this.path = head.path;
    this.isPlainRead = (head.method === 'GET' || head.method === 'HEAD') && !head.hasBody && !head.upgrade;
    this.host = head.header('host');
    this.isTls = client.isTls;
    this.address = client.address;
    this.place = client.place;
    this.server = server;
  }

  /** The one credential in the request. */
  get credential(): string | undefined {
    return this.#found.found === 'one' ? this.#found.value : undefined;
  }

  /** Whose failures count: the client, or the peer when a trusted proxy did not say. */
  get throttleKey(): string {
    return this.address ?? this.#parts.peer.address;
  }

  get isPreflight(): boolean {
    const { head } = this.#parts;
    if (head.method !== 'OPTIONS' || head.hasBody || head.upgrade || !this.#hasNormalPath) return false;
    return head.header('origin') !== undefined && head.header('access-control-request-method') !== undefined;
  }

  get wantsHtml(): boolean {
    return this.#parts.head.values('accept').some((accept) => accept.toLowerCase().includes('text/html'));
  }

  get gatewayPath(): GatewayPath {
    this.#gatewayPath ??= gatewayPathOf(this.path, this.#hasNormalPath);
    return this.#gatewayPath;
  }

  get secureLocation(): string | undefined {
    const { head, peer } = this.#parts;
    const { localAddress, localPort } = peer;
    return secureLocation({ host: this.host, target: head.target, localAddress, localPort }, this.#sources.secureNames);
  }

  get hostIsForeign(): boolean {
    this.#hostIsForeign ??= isForeignHost(this.host, this.#sources.hostNames, this.#parts.peer.localAddress);
    return this.#hostIsForeign;
  }

  get pageIsForeign(): boolean {
    const { head } = this.#parts;
    return namesPage(head) && isForeignPage(head, this.#origins);
  }

  get originIsOwn(): boolean {
    return hasOwnOrigin(this.#parts.head, this.#origins.own);
  }

  get corsOrigin(): string | undefined {
    const { head } = this.#parts;
    if (head.header('origin') === undefined) return undefined;
    return readableOrigin(head, this.#origins, this.#found.found !== 'none');
  }

  get isInAllowedNetworks(): boolean {
    this.#isInAllowedNetworks ??= this.#isListed(this.#sources.settings.allowedNetworks);
    return this.#isInAllowedNetworks;
  }

  get listIsInForce(): boolean {
    return this.#sources.listIsInForce();
  }

  get isInSignInNetworks(): boolean {
    const { signInFromAnywhere, signInNetworks } = this.#sources.settings;
    return signInFromAnywhere || this.#isListed(signInNetworks);
  }

  get mayReadMetrics(): boolean {
    return this.#isListed(this.#sources.settings.metricsClients);
  }

  get isKnownAddress(): boolean {
    return this.place !== 'masked' && this.address !== undefined && this.#sources.isKnownAddress(this.address);
  }

  get hasValidSession(): boolean {
    this.#hasValidSession ??= this.#sources.sessions.isValid(this.#parts.head.values('cookie'), this.isTls);
    return this.#hasValidSession;
  }

  get hasSessionCookie(): boolean {
    return hasSessionCookie(this.#parts.head.values('cookie'));
  }

  get throttledForSeconds(): number {
    return this.#sources.throttledForSeconds(this.throttleKey, this.credential);
  }

  get credentials(): CredentialState {
    if (this.#found.found !== 'one') return this.#found.found;
    return this.#verdict?.verdict ?? 'unverified';
  }

  get invalidStatus(): 401 | 498 {
    return this.#verdict?.verdict === 'invalid' ? this.#verdict.status : 401;
  }

  get isIdentityPath(): boolean {
    return this.#hasNormalPath && this.#parts.kind.isIdentity(this.path);
  }

  get isWebClientPath(): boolean {
    return this.#hasNormalPath && this.#parts.kind.isWebClient(this.path);
  }

  get isViewerRequest(): boolean {
    const { kind, head } = this.#parts;
    return kind.isViewerRequest(head.method, head.path, head.query);
  }

  get isSignInCall(): boolean {
    return this.#hasNormalPath && this.#parts.kind.isSignIn(this.method, this.path);
  }

  get isTokenlessMedia(): boolean {
    return this.#hasNormalPath && this.#parts.kind.isTokenlessMedia(this.path);
  }

  get requireTls(): boolean {
    return this.#sources.settings.requireTls;
  }

  get requireClaimed(): boolean {
    return this.#sources.settings.requireClaimed;
  }

  get isSetupUnderWay(): boolean {
    return this.#sources.isSetupUnderWay();
  }

  get hasPin(): boolean {
    return this.#sources.settings.hasPin;
  }

  get serverToken(): string | undefined {
    return this.#sources.settings.serverToken;
  }

  get #hasNormalPath(): boolean {
    this.#isNormalPath ??= isNormalPath(this.path);
    return this.#isNormalPath;
  }

  get #origins(): KnownOrigins {
    const { allowedOrigins } = this.#sources.settings;
    const webApps = this.#parts.kind.webOrigins;
    this.#knownOrigins ??= { own: ownOrigin(this.host, this.isTls), allowed: allowedOrigins, webApps };
    return this.#knownOrigins;
  }

  /** A masked address is in no list: it stands for many. */
  #isListed(networks: NetworkList): boolean {
    return this.address !== undefined && this.place !== 'masked' && networks.contains(this.address);
  }
}
