/** Facts as plain objects, for tests of the pure policy. */
import type { Facts, ServerFacts } from '../../src/access/facts.ts';

export type FactChanges = Partial<Omit<Facts, 'server'>> & { readonly server?: Partial<ServerFacts> };

const CLAIMED_PLEX: ServerFacts = {
  state: 'claimed',
  unknownBecause: undefined,
  hasIdentity: true,
  hasLastIdentity: true,
  isOutdated: false,
  isPlex: true,
  webClientPath: '/web/index.html',
};

/** Somebody on the LAN asks for a library over TLS, with nothing brought along: the last rule's case. */
const ORDINARY: Facts = {
  method: 'GET',
  path: '/library/sections',
  isPlainRead: true,
  isPreflight: false,
  wantsHtml: false,
  gatewayPath: 'elsewhere',
  isTls: true,
  secureLocation: 'https://192-168-1-10.hash.plex.direct:32400/library/sections',
  host: '192.168.1.10:32400',
  hostIsForeign: false,
  pageIsForeign: false,
  originIsOwn: false,
  corsOrigin: undefined,
  address: '192.168.1.20',
  place: 'lan',
  isInAllowedNetworks: false,
  listIsInForce: true,
  isInSignInNetworks: false,
  mayReadMetrics: false,
  isKnownAddress: false,
  hasValidSession: false,
  hasSessionCookie: false,
  throttledForSeconds: 0,
  credentials: 'none',
  invalidStatus: 401,
  server: CLAIMED_PLEX,
  isViewerRequest: true,
  isIdentityPath: false,
  isWebClientPath: false,
  isSignInCall: false,
  isTokenlessMedia: false,
  requireTls: false,
  requireClaimed: true,
  isSetupUnderWay: false,
  hasPin: true,
  serverToken: 'operators-token',
};

/** The ordinary case with changes, those of `server` on top of a claimed Plex server. */
export function factsWith(...changes: readonly FactChanges[]): Facts {
  const server = Object.assign({}, CLAIMED_PLEX, ...changes.map((change) => change.server ?? {})) as ServerFacts;
  return { ...(Object.assign({}, ORDINARY, ...changes) as Facts), server };
}

export const WRITE: FactChanges = { method: 'POST', isPlainRead: false };
export const PLAIN: FactChanges = { isTls: false, requireTls: true };
export const IDENTITY: FactChanges = { isIdentityPath: true };
export const PREFLIGHT: FactChanges = { method: 'OPTIONS', isPlainRead: false, isPreflight: true };
export const LISTED: FactChanges = { isInAllowedNetworks: true };
export const SESSION: FactChanges = { hasValidSession: true, hasSessionCookie: true };
export const OUTSIDE: FactChanges = { place: 'outside', address: '203.0.113.7' };
export const MASKED: FactChanges = { place: 'masked', address: '172.17.0.1' };
export const UNCLAIMED: FactChanges = { server: { state: 'unclaimed' } };
export const SIGNED_OUT: FactChanges = { server: { state: 'signed-out' } };
export const UNKNOWN: FactChanges = { server: { state: 'unknown', unknownBecause: 'starting' } };
export const OUTDATED: FactChanges = { server: { isOutdated: true } };
export const JELLYFIN: FactChanges = { server: { isPlex: false } };
export const GENERIC: FactChanges = {
  server: { isPlex: false, hasIdentity: false, hasLastIdentity: false, webClientPath: undefined },
};
