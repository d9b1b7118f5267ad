/** The policy rule by rule: what each decides, and what it leaves to the others. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { gist } from './gist.ts';
import {
  type FactChanges,
  GENERIC,
  IDENTITY,
  JELLYFIN,
  LISTED,
  MASKED,
  OUTDATED,
  OUTSIDE,
  PLAIN,
  PREFLIGHT,
  SESSION,
  SIGNED_OUT,
  UNCLAIMED,
  UNKNOWN,
  WRITE,
} from './plain-facts.ts';

/** A rule's cases: what is changed in the ordinary request, and what comes of it. */
type Case = readonly [story: string, changes: readonly FactChanges[], expected: string];

function cases(name: string, list: readonly Case[]): void {
  const rule = suite(`rule ${name}`);
  for (const [story, changes, expected] of list) rule(story, () => assert.is(gist(...changes), expected));
  rule.run();
}

cases('0 malformed', [
  ['refuses two different credentials', [{ credentials: 'conflict' }], 'malformed 400 malformed'],
  [
    'refuses them on gateway pages too',
    [{ credentials: 'conflict', gatewayPath: 'health' }],
    'malformed 400 malformed',
  ],
  [
    'refuses them even where credentials are ignored',
    [UNCLAIMED, LISTED, { credentials: 'conflict', requireClaimed: false }],
    'malformed 400 malformed',
  ],
]);

const FOREIGN: FactChanges = { hostIsForeign: true, host: 'evil.example' };

cases('1 host', [
  ['refuses a foreign Host without credentials', [FOREIGN], 'host 421 host'],
  ['refuses it for a listed client', [FOREIGN, LISTED], 'host 421 host'],
  ['refuses it for a PIN session', [FOREIGN, SESSION], 'host 421 host'],
  [
    'refuses it for the identity and the web client',
    [FOREIGN, { isIdentityPath: true, isWebClientPath: true }],
    'host 421 host',
  ],
  ['refuses it for a preflight', [FOREIGN, PREFLIGHT], 'host 421 host'],
  ['answers health under any Host', [FOREIGN, { gatewayPath: 'health' }], 'gateway-page page health none'],
  ['lets good credentials through under any Host', [FOREIGN, { credentials: 'valid' }], 'valid forward keep'],
  ['has credentials verified under any Host', [FOREIGN, { credentials: 'unverified' }], 'needs credentials'],
  [
    'admits nobody with bad credentials under a foreign Host',
    [FOREIGN, LISTED, SESSION, { credentials: 'invalid' }],
    'invalid 401 bad-credentials',
  ],
  [
    'takes credentials that are ignored for none',
    [FOREIGN, UNCLAIMED, LISTED, { credentials: 'unverified', requireClaimed: false }],
    'host 421 host',
  ],
  [
    'forwards the identity to whoever brings credentials',
    [FOREIGN, { credentials: 'unverified', isIdentityPath: true }],
    'identity forward keep',
  ],
  [
    'does not forward a preflight on credentials that nobody verified',
    [FOREIGN, PREFLIGHT, { credentials: 'unverified' }],
    'needs credentials',
  ],
]);

cases('2 plain-http', [
  [
    'sends a read on to the name that the certificate covers',
    [PLAIN],
    'plain-http 308 https://192-168-1-10.hash.plex.direct:32400/library/sections',
  ],
  ['refuses a write', [PLAIN, WRITE], 'plain-http 403 plain-http'],
  ['refuses a read when no name is covered', [PLAIN, { secureLocation: undefined }], 'plain-http 403 plain-http'],
  ['comes before credentials are looked at', [PLAIN, { credentials: 'valid' }, WRITE], 'plain-http 403 plain-http'],
  ['spares loopback', [PLAIN, { place: 'loopback', credentials: 'valid' }], 'valid forward keep'],
  ['does not spare a masked client', [PLAIN, MASKED, WRITE], 'plain-http 403 plain-http'],
  ['spares health', [PLAIN, { gatewayPath: 'health' }], 'gateway-page page health none'],
  ['spares the page with the root to trust', [PLAIN, { gatewayPath: 'trust' }], 'gateway-page page trust none'],
  [
    'does not open that page to those outside',
    [PLAIN, OUTSIDE, { gatewayPath: 'trust' }],
    'gateway-page 403 not-permitted',
  ],
  [
    'spares set-up while the server is unclaimed',
    [PLAIN, UNCLAIMED, { gatewayPath: 'setup' }],
    'gateway-page page setup none',
  ],
  [
    'spares set-up while the server is signed out',
    [PLAIN, SIGNED_OUT, { gatewayPath: 'setup' }],
    'gateway-page page setup none',
  ],
  [
    'lets set-up say over plain HTTP that it is done',
    [PLAIN, { gatewayPath: 'setup', isSetupUnderWay: true }],
    'gateway-page page setup none',
  ],
  [
    'does not spare set-up afterwards',
    [PLAIN, { gatewayPath: 'setup' }],
    'plain-http 308 https://192-168-1-10.hash.plex.direct:32400/library/sections',
  ],
  [
    'does not spare the PIN page',
    [PLAIN, WRITE, { gatewayPath: 'signin', originIsOwn: true }],
    'plain-http 403 plain-http',
  ],
  ['is off unless connections must be secure', [{ isTls: false, credentials: 'valid' }], 'valid forward keep'],
]);

cases('4 preflight', [
  ['forwards a preflight without credentials and cookie', [PREFLIGHT], 'preflight forward remove'],
  ['answers it here while the server is unclaimed', [PREFLIGHT, UNCLAIMED], 'preflight preflight'],
  ['answers it here while the state is unknown', [PREFLIGHT, UNKNOWN], 'preflight preflight'],
  [
    'answers it here when an outdated server is asked from outside',
    [PREFLIGHT, OUTDATED, OUTSIDE],
    'preflight preflight',
  ],
  ['answers it here for a kind that has no identity', [PREFLIGHT, GENERIC], 'preflight preflight'],
  [
    'leaves another OPTIONS to the other rules',
    [{ method: 'OPTIONS', isPlainRead: false }],
    'default 401 no-credentials',
  ],
]);

cases('5 identity', [
  ['forwards the public identity', [IDENTITY], 'identity forward keep'],
  ['forwards it from outside', [IDENTITY, OUTSIDE], 'identity forward keep'],
  ['answers it from the last probe while the server is unclaimed', [IDENTITY, UNCLAIMED], 'identity identity'],
  ['answers it from the last probe while the state is unknown', [IDENTITY, UNKNOWN], 'identity identity'],
  ['answers it from the last probe when the server is outdated', [IDENTITY, OUTDATED, OUTSIDE], 'identity identity'],
  [
    'has nothing to answer before the first probe',
    [IDENTITY, UNKNOWN, { server: { hasLastIdentity: false } }],
    'claim-guard 503 starting',
  ],
  ['does not apply to a write', [IDENTITY, WRITE], 'default 401 no-credentials'],
]);

const SERVED: FactChanges = { requireClaimed: false };

cases('6 claim-guard', [
  ['closes while the server is unclaimed', [UNCLAIMED, { credentials: 'valid' }], 'claim-guard 403 unclaimed'],
  ['closes while the server is signed out', [SIGNED_OUT, LISTED], 'claim-guard 403 unclaimed'],
  ['closes at start', [UNKNOWN, { credentials: 'valid' }], 'claim-guard 503 starting'],
  [
    'closes while the server is down',
    [{ server: { state: 'unknown', unknownBecause: 'down' } }],
    'claim-guard 503 server-down',
  ],
  [
    'closes while another server answers',
    [{ server: { state: 'unknown', unknownBecause: 'other-server' } }],
    'claim-guard 503 server-down',
  ],
  ['closes for the web client too', [UNCLAIMED, { isWebClientPath: true }], 'claim-guard 403 unclaimed'],
  ['closes for loopback too', [UNCLAIMED, LISTED, { place: 'loopback' }], 'claim-guard 403 unclaimed'],
  ['is off for a kind without identity', [GENERIC, UNKNOWN, LISTED], 'admitted forward remove'],
  [
    'serves an unclaimed server on the operator’s word, to the list, without a token',
    [UNCLAIMED, LISTED, SERVED],
    'admitted forward remove',
  ],
  ['serves it to sessions', [UNCLAIMED, SESSION, SERVED], 'session forward remove'],
  [
    'asks the others for what cannot help: credentials are ignored',
    [UNCLAIMED, SERVED, { credentials: 'unverified' }],
    'default 401 no-credentials',
  ],
  ['ignores good credentials then', [UNCLAIMED, SERVED, LISTED, { credentials: 'valid' }], 'admitted forward remove'],
  ['refuses clients outside then', [UNCLAIMED, LISTED, SERVED, OUTSIDE], 'claim-guard 403 unclaimed'],
  ['refuses masked clients then', [UNCLAIMED, LISTED, SERVED, MASKED], 'claim-guard 403 unclaimed'],
  ['waits for the state all the same', [UNKNOWN, LISTED, SERVED], 'claim-guard 503 starting'],
  [
    'never serves another kind whose wizard is open',
    [JELLYFIN, UNCLAIMED, LISTED, SERVED],
    'claim-guard 403 unclaimed',
  ],
]);

cases('7 outdated', [
  ['refuses from outside', [OUTDATED, OUTSIDE, { credentials: 'valid' }], 'outdated 403 outdated-server'],
  ['refuses masked clients', [OUTDATED, MASKED, { credentials: 'valid' }], 'outdated 403 outdated-server'],
  ['serves the LAN', [OUTDATED, { credentials: 'valid' }], 'valid forward keep'],
  ['serves loopback', [OUTDATED, { credentials: 'valid', place: 'loopback' }], 'valid forward keep'],
]);

const SPENT: FactChanges = { throttledForSeconds: 30 };
const SIGN_IN: FactChanges = { ...WRITE, isSignInCall: true, isInSignInNetworks: true };

cases('8 throttled', [
  [
    'refuses a new verification when the budget is spent',
    [SPENT, { credentials: 'unverified' }],
    'throttled 429 throttled',
  ],
  ['refuses it for a listed client', [SPENT, LISTED, { credentials: 'unverified' }], 'throttled 429 throttled'],
  ['lets known credentials pass', [SPENT, { credentials: 'valid' }], 'valid forward keep'],
  ['answers known bad ones as ever', [SPENT, { credentials: 'invalid' }], 'invalid 401 bad-credentials'],
  ['lets those without credentials be admitted', [SPENT, LISTED], 'admitted forward replace +token'],
  ['refuses another sign-in', [SPENT, JELLYFIN, SIGN_IN], 'throttled 429 throttled'],
  [
    'does not refuse to read the list of users',
    [SPENT, JELLYFIN, SIGN_IN, { method: 'GET', isPlainRead: true }],
    'sign-in forward keep',
  ],
]);

cases('9 to 11 credentials', [
  ['asks about what nobody verified', [{ credentials: 'unverified' }], 'needs credentials'],
  [
    'forwards with good credentials, whatever the path',
    [{ credentials: 'valid', isViewerRequest: false }, WRITE],
    'valid forward keep',
  ],
  [
    'keeps the client’s own credentials although it is listed',
    [LISTED, { credentials: 'valid', isViewerRequest: false }],
    'valid forward keep',
  ],
  ['forwards from outside', [OUTSIDE, { credentials: 'valid' }], 'valid forward keep'],
  [
    'does not mind a foreign page with credentials of its own',
    [LISTED, { credentials: 'valid', pageIsForeign: true }],
    'valid forward keep',
  ],
  ['says 503 when nobody can be asked', [{ credentials: 'unverifiable' }], 'unverifiable 503 starting'],
  ['refuses bad credentials with the server’s 401', [{ credentials: 'invalid' }], 'invalid 401 bad-credentials'],
  [
    'refuses expired ones with the server’s 498',
    [{ credentials: 'invalid', invalidStatus: 498 }],
    'invalid 498 bad-credentials',
  ],
  [
    'admits a listed client despite bad credentials',
    [LISTED, { credentials: 'invalid' }],
    'admitted forward replace +token',
  ],
  [
    'lets a session in despite bad credentials',
    [SESSION, { credentials: 'invalid' }],
    'session forward replace +token',
  ],
]);

const BROWSER: FactChanges = { path: '/', wantsHtml: true };

cases('12 home and 13 web-app', [
  ['sends a browser to the web client', [BROWSER], 'home 302 /web/index.html'],
  ['sends a listed browser there too', [BROWSER, LISTED], 'home 302 /web/index.html'],
  ['leaves HEAD alone', [BROWSER, { method: 'HEAD' }], 'default 401 no-credentials'],
  ['leaves apps alone', [{ path: '/' }], 'default 401 no-credentials'],
  ['has nowhere to send it when the kind has no web client', [BROWSER, GENERIC], 'default 401 no-credentials'],
  ['serves the static web client to anybody', [OUTSIDE, { isWebClientPath: true }], 'web-app forward keep'],
  [
    'serves it without the operator’s token to those who are let in',
    [LISTED, { isWebClientPath: true }],
    'web-app forward keep',
  ],
  ['does not take a POST for static', [{ isWebClientPath: true }, WRITE], 'default 401 no-credentials'],
]);

cases('14 origin and 15 viewer-only', [
  ['refuses a foreign page the rights of a listed browser', [LISTED, { pageIsForeign: true }], 'origin 403 origin'],
  ['refuses a foreign page the rights of a session', [SESSION, { pageIsForeign: true }], 'origin 403 origin'],
  ['has nothing to protect without rights', [{ pageIsForeign: true }], 'default 401 no-credentials'],
  ['keeps a listed client on the viewer list', [LISTED, { isViewerRequest: false }], 'viewer-only 403 not-permitted'],
  ['keeps a session on the viewer list', [SESSION, { isViewerRequest: false }], 'viewer-only 403 not-permitted'],
  [
    'keeps a listed client with bad credentials there',
    [LISTED, { credentials: 'invalid', isViewerRequest: false }],
    'viewer-only 403 not-permitted',
  ],
]);

cases('16 admitted and session', [
  ['admits a listed client with the operator’s token', [LISTED], 'admitted forward replace +token'],
  ['admits listed networks outside', [LISTED, OUTSIDE], 'admitted forward replace +token'],
  ['admits nobody while the list is not in force', [LISTED, { listIsInForce: false }], 'default 401 no-credentials'],
  [
    'lets a session in while the list is not in force',
    [LISTED, SESSION, { listIsInForce: false }],
    'session forward replace +token',
  ],
  ['lets a session in from loopback', [SESSION, { place: 'loopback' }], 'session forward replace +token'],
  ['does not take a session from outside', [SESSION, OUTSIDE], 'default 401 no-credentials'],
  ['does not take a session from a masked address', [SESSION, MASKED], 'default 401 no-credentials'],
  ['says that there is no token to give', [LISTED, { serverToken: undefined }], 'admitted 401 no-credentials'],
  ['never adds a token for another kind', [LISTED, JELLYFIN], 'admitted forward remove'],
  ['forwards everything of a kind without accounts', [LISTED, GENERIC, WRITE], 'admitted forward remove'],
]);

const POSTER: FactChanges = { isTokenlessMedia: true, isKnownAddress: true };

cases('17 to 19', [
  ['forwards a sign-in call from where it is allowed', [JELLYFIN, SIGN_IN], 'sign-in forward keep'],
  ['does not from elsewhere', [JELLYFIN, SIGN_IN, { isInSignInNetworks: false }], 'default 401 no-credentials'],
  ['forwards token-less media to a known address', [JELLYFIN, POSTER, OUTSIDE], 'known-address forward keep'],
  ['does not to an unknown one', [JELLYFIN, POSTER, { isKnownAddress: false }], 'default 401 no-credentials'],
  ['does not take a POST for media', [JELLYFIN, POSTER, WRITE], 'default 401 no-credentials'],
  ['refuses the rest', [{}], 'default 401 no-credentials'],
]);
