/** What the policy may look at: facts about one request, without sockets and without a clock. Types only. */
import type { ServerState, UnknownBecause } from '../server/server-state.ts';
import type { GatewayPage } from './decision.ts';

/**
 * Where the client is. `masked`: the address does not say who it is (a masquerading router, an undeclared proxy, an unreadable
 * forwarding header), which counts as outside for every rule.
 */
export type Place = 'loopback' | 'lan' | 'outside' | 'masked';

/** What is known of the credentials in the request. `conflict`: two different ones. `unverified`: somebody has to ask. */
export type CredentialState = 'none' | 'conflict' | 'unverified' | 'valid' | 'invalid' | 'unverifiable';

/** Where the path stands to the prefix `/.lockgate/`. `bare`: the prefix without its last slash. `other`: no page, or a page's name in disguise. */
export type GatewayPath = GatewayPage | 'bare' | 'other' | 'elsewhere';

/**
 * One request as the policy sees it. Plain values, or getters that find out when a rule asks: nothing is computed for a request
 * that an earlier rule ends.
 */
export interface Facts {
  readonly method: string;
  /** Raw path, as sent. */
  readonly path: string;
  /** GET or HEAD without body and without Upgrade. */
  readonly isPlainRead: boolean;
  /** OPTIONS with Origin and Access-Control-Request-Method, without body and Upgrade, path in normal form. */
  readonly isPreflight: boolean;
  /** The client accepts HTML: a person is looking. */
  readonly wantsHtml: boolean;
  readonly gatewayPath: GatewayPath;

  /** The client reached the gateway, or the trusted proxy in front of it, over TLS. */
  readonly isTls: boolean;
  /** Where this very request would be over TLS, under a name that the certificate covers; undefined: no such name. */
  readonly secureLocation: string | undefined;
  /** The Host as sent, for messages; undefined: none came (HTTP/1.0). */
  readonly host: string | undefined;
  readonly hostIsForeign: boolean;

  /** A web page that is neither the gateway's own nor listed sent the request. */
  readonly pageIsForeign: boolean;
  /** The Origin header is scheme and Host of this very request. */
  readonly originIsOwn: boolean;
  /** The Origin that may read a refusal (CORS). */
  readonly corsOrigin: string | undefined;

  /** Canonical address; undefined: a trusted proxy did not say. */
  readonly address: string | undefined;
  readonly place: Place;
  /** In `allowed_networks`, and not masked. */
  readonly isInAllowedNetworks: boolean;
  /** `allowed_networks` counts (not in Plex Home or `everyone` mode). */
  readonly listIsInForce: boolean;
  /** In `sign_in_networks`; masked only when they are "any". */
  readonly isInSignInNetworks: boolean;
  readonly mayReadMetrics: boolean;
  /** Not masked, and had valid credentials lately. */
  readonly isKnownAddress: boolean;
  /** The request carries a PIN session's cookie that is good, wherever it comes from. */
  readonly hasValidSession: boolean;
  /** The request carries a cookie of that name, good or not. */
  readonly hasSessionCookie: boolean;
  /** Until another verification for this client; 0: now. Always 0 for credentials that were valid lately. */
  readonly throttledForSeconds: number;

  readonly credentials: CredentialState;
  /** What the server answered to invalid credentials. */
  readonly invalidStatus: 401 | 498;

  readonly server: ServerFacts;
  /** Method, path and query are on the kind's viewer list, which judges spellings of the path itself. */
  readonly isViewerRequest: boolean;
  /** The kind's other lists; true only for a raw path in its normal form. */
  readonly isIdentityPath: boolean;
  readonly isWebClientPath: boolean;
  readonly isSignInCall: boolean;
  readonly isTokenlessMedia: boolean;

  /** `secure_connections = "required"`. */
  readonly requireTls: boolean;
  readonly requireClaimed: boolean;
  /** A claim through the set-up page is being made, or was just made: its page may say how it went. */
  readonly isSetupUnderWay: boolean;
  /** A `pin_hash` is set. */
  readonly hasPin: boolean;
  /** `server.token`: what a client that is let in gets. */
  readonly serverToken: string | undefined;
}

/** What the policy knows of the media server. */
export interface ServerFacts {
  readonly state: ServerState;
  /** Only while unknown. */
  readonly unknownBecause: UnknownBecause | undefined;
  /** The kind has an identity and a claim state at all (not `generic`). */
  readonly hasIdentity: boolean;
  /** There is an answer of an earlier probe to give. */
  readonly hasLastIdentity: boolean;
  /** Its version is known to be vulnerable. */
  readonly isOutdated: boolean;
  /** The gateway can claim it and knows to give clients a token of its own (plex). */
  readonly isPlex: boolean;
  readonly webClientPath: string | undefined;
}
