/** The access policy: one pure function, one table of rules in order; the first that applies decides. */
import type { UnknownBecause } from '../server/server-state.ts';
import type { Decision, Forward, NeedsCredentials, Refuse, RuleName } from './decision.ts';
import type { Facts } from './facts.ts';
import { gatewayPage } from './gateway-page.ts';
import { refuse, refuseForeignHost, refuseInvalid, refuseThrottled, refuseWithoutCredentials } from './refuse.ts';
import {
  credentialsOf,
  isClosed,
  isLetIn,
  isLetInByNetwork,
  isLetInBySession,
  isServedUnclaimed,
  isSignInAttempt,
  isTooOld,
} from './standing.ts';

/** One rule: its decision, or undefined when it does not apply. */
type Rule = (facts: Facts, name: RuleName) => Decision | NeedsCredentials | undefined;

const RETRY_SECONDS = 5;

/** Rules 0 to 19, first match wins. `admitted` and `session` are the two halves of rule 16. */
export const RULES: readonly (readonly [RuleName, Rule])[] = [
  ['malformed', malformed],
  ['host', foreignHost],
  ['plain-http', plainHttp],
  ['gateway-page', gatewayPage],
  ['preflight', preflight],
  ['identity', identity],
  ['claim-guard', claimGuard],
  ['outdated', outdated],
  ['throttled', throttled],
  ['valid', valid],
  ['unverifiable', unverifiable],
  ['invalid', invalid],
  ['home', home],
  ['web-app', webApp],
  ['origin', foreignPage],
  ['viewer-only', viewerOnly],
  ['admitted', admitted],
  ['session', session],
  ['sign-in', signIn],
  ['known-address', knownAddress],
  ['default', otherwise],
];

/** The decision for a request. `needs: 'credentials'`: decide again once they are valid, invalid or unverifiable. */
export function decide(facts: Facts): Decision | NeedsCredentials {
  for (const entry of RULES) {
    const decision = entry[1](facts, entry[0]);
    if (decision !== undefined) return decision;
  }
  return otherwise(facts, 'default');
}

function forward(facts: Facts, rule: RuleName): Forward {
  if (!facts.hasSessionCookie) return { rule, action: 'forward', credentials: 'keep' };
  return { rule, action: 'forward', credentials: 'keep', dropSessionCookie: true };
}

function malformed(facts: Facts, rule: RuleName): Decision | undefined {
  if (facts.credentials !== 'conflict') return undefined;
  const detail = 'The request carries two different credentials; send one.';
  return refuse(facts, { rule, status: 400, reason: 'malformed', detail });
}

function foreignHost(facts: Facts, rule: RuleName): Decision | undefined {
  if (credentialsOf(facts) !== 'none' || facts.gatewayPath === 'health' || !facts.hostIsForeign) return undefined;
  return refuseForeignHost(facts, rule);
}

function plainHttp(facts: Facts, rule: RuleName): Decision | undefined {
  if (facts.isTls || !facts.requireTls || facts.place === 'loopback' || isPageOverPlainHttp(facts)) return undefined;
  const location = facts.isPlainRead ? facts.secureLocation : undefined;
  if (location === undefined) {
    const detail = 'This gateway is reached over HTTPS only; use https:// with a name that its certificate covers.';
    return refuse(facts, { rule, status: 403, reason: 'plain-http', detail });
  }
  const redirect = { rule, action: 'redirect', status: 308, location, reason: 'plain-http' } as const;
  return facts.corsOrigin === undefined ? redirect : { ...redirect, corsOrigin: facts.corsOrigin };
}

/** Health checks know no TLS, nobody trusts a root before having it, and before the server is claimed there is no certificate to speak of. */
function isPageOverPlainHttp({ gatewayPath, server, isSetupUnderWay }: Facts): boolean {
  if (gatewayPath !== 'setup') return gatewayPath === 'health' || gatewayPath === 'trust';
  return server.state === 'unclaimed' || server.state === 'signed-out' || isSetupUnderWay;
}

/** A preflight carries no credentials by design (Fetch, CORS-preflight fetch); what it asks for is judged when it comes. */
function preflight(facts: Facts, rule: RuleName): Decision | undefined {
  if (!facts.isPreflight || facts.hostIsForeign) return undefined;
  if (facts.server.hasIdentity && !isClosed(facts) && !isTooOld(facts)) {
    return { rule, action: 'forward', credentials: 'remove' };
  }
  const { corsOrigin } = facts;
  return corsOrigin === undefined ? { rule, action: 'preflight' } : { rule, action: 'preflight', corsOrigin };
}

function identity(facts: Facts, rule: RuleName): Decision | undefined {
  if (!facts.isPlainRead || !facts.isIdentityPath) return undefined;
  if (!isClosed(facts) && !isTooOld(facts)) return forward(facts, rule);
  if (!facts.server.hasLastIdentity) return undefined;
  const { corsOrigin } = facts;
  return corsOrigin === undefined ? { rule, action: 'identity' } : { rule, action: 'identity', corsOrigin };
}

function claimGuard(facts: Facts, rule: RuleName): Decision | undefined {
  if (!isClosed(facts)) return undefined;
  return facts.server.state === 'unknown' ? refuseUnknown(facts, rule) : refuseUnclaimed(facts, rule);
}

function refuseUnclaimed(facts: Facts, rule: RuleName): Refuse {
  const detail = facts.server.isPlex
    ? 'The media server is not claimed, so whoever reaches it could take it; run “lockgate setup” on the gateway.'
    : 'The media server is not set up, so whoever reaches it could take it; finish its wizard at its own address on the LAN.';
  return refuse(facts, { rule, status: 403, reason: 'unclaimed', detail });
}

const WHY_UNKNOWN: Readonly<Record<UnknownBecause, string>> = {
  starting: 'The gateway has not heard from the media server yet.',
  down: 'The media server does not answer; start it, or set [server] url.',
  'other-server': 'Another media server answers than before; if that is meant, run “lockgate setup --new-server”.',
};

function refuseUnknown(facts: Facts, rule: RuleName): Refuse {
  const { unknownBecause = 'starting' } = facts.server;
  const reason = unknownBecause === 'starting' ? 'starting' : 'server-down';
  return refuse(facts, {
    rule,
    status: 503,
    reason,
    detail: WHY_UNKNOWN[unknownBecause],
    retryAfterSeconds: RETRY_SECONDS,
  });
}

function outdated(facts: Facts, rule: RuleName): Decision | undefined {
  if (!isTooOld(facts)) return undefined;
  const detail =
    'The media server has a version with known holes and is not reachable from outside the LAN; update it.';
  return refuse(facts, { rule, status: 403, reason: 'outdated-server', detail });
}

/** A sign-in call is a verification too: the server itself makes it. */
function throttled(facts: Facts, rule: RuleName): Decision | undefined {
  const isAttempt = credentialsOf(facts) === 'unverified' || isSignInAttempt(facts);
  return isAttempt && facts.throttledForSeconds > 0 ? refuseThrottled(facts, rule) : undefined;
}

function valid(facts: Facts, rule: RuleName): Decision | NeedsCredentials | undefined {
  const credentials = credentialsOf(facts);
  if (credentials === 'unverified') return { needs: 'credentials' };
  return credentials === 'valid' ? forward(facts, rule) : undefined;
}

function unverifiable(facts: Facts, rule: RuleName): Decision | undefined {
  if (credentialsOf(facts) !== 'unverifiable') return undefined;
  const detail = 'Nobody can be asked at the moment whether these credentials are good; try again.';
  return refuse(facts, { rule, status: 503, reason: 'starting', detail, retryAfterSeconds: RETRY_SECONDS });
}

function invalid(facts: Facts, rule: RuleName): Decision | undefined {
  return credentialsOf(facts) === 'invalid' && !isLetIn(facts) ? refuseInvalid(facts, rule) : undefined;
}

function home(facts: Facts, rule: RuleName): Decision | undefined {
  if (facts.path !== '/' || facts.method !== 'GET' || !facts.isPlainRead || !facts.wantsHtml) return undefined;
  const location = facts.server.webClientPath;
  return location === undefined ? undefined : { rule, action: 'redirect', status: 302, location };
}

function webApp(facts: Facts, rule: RuleName): Decision | undefined {
  return facts.isPlainRead && facts.isWebClientPath ? forward(facts, rule) : undefined;
}

function foreignPage(facts: Facts, rule: RuleName): Decision | undefined {
  if (!isLetIn(facts) || !facts.pageIsForeign) return undefined;
  const detail = 'Another web page sent this request with rights that are not its own; see [access] allowed_origins.';
  return refuse(facts, { rule, status: 403, reason: 'origin', detail });
}

function viewerOnly(facts: Facts, rule: RuleName): Decision | undefined {
  if (!isLetIn(facts) || facts.isViewerRequest) return undefined;
  const detail =
    'A client that is let in by its network or a PIN may watch and no more; sign in to the media server for this.';
  return refuse(facts, { rule, status: 403, reason: 'not-permitted', detail });
}

function admitted(facts: Facts, rule: RuleName): Decision | undefined {
  return isLetInByNetwork(facts) ? forwardLetIn(facts, rule) : undefined;
}

function session(facts: Facts, rule: RuleName): Decision | undefined {
  return isLetInBySession(facts) ? forwardLetIn(facts, rule) : undefined;
}

/** Without the client's credentials; with the operator's token where the kind knows one and the server is claimed. */
function forwardLetIn(facts: Facts, rule: RuleName): Decision {
  if (!facts.server.isPlex || isServedUnclaimed(facts)) return { rule, action: 'forward', credentials: 'remove' };
  if (facts.serverToken !== undefined) {
    return { rule, action: 'forward', credentials: 'replace', token: facts.serverToken };
  }
  const detail = 'This client is let in, but the gateway has no token to give it; “lockgate login” makes one.';
  return refuseWithoutCredentials(facts, rule, detail);
}

function signIn(facts: Facts, rule: RuleName): Decision | undefined {
  return facts.isInSignInNetworks && facts.isSignInCall ? forward(facts, rule) : undefined;
}

function knownAddress(facts: Facts, rule: RuleName): Decision | undefined {
  return facts.isPlainRead && facts.isKnownAddress && facts.isTokenlessMedia ? forward(facts, rule) : undefined;
}

function otherwise(facts: Facts, rule: RuleName): Decision {
  return refuseWithoutCredentials(facts, rule, 'Authentication required; sign in to the media server in the app.');
}
