/** The rules of the policy in their order: of two that apply, the earlier decides. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RULES } from '../../src/access/policy.ts';
import { gist } from './gist.ts';
import {
  type FactChanges,
  factsWith,
  LISTED,
  OUTDATED,
  OUTSIDE,
  PREFLIGHT,
  SESSION,
  UNCLAIMED,
  WRITE,
} from './plain-facts.ts';

const order = suite('order of the rules');

order('is the documented one', () => {
  assert.equal(
    RULES.map(([name]) => name),
    [
      'malformed',
      'host',
      'plain-http',
      'gateway-page',
      'preflight',
      'identity',
      'claim-guard',
      'outdated',
      'throttled',
      'valid',
      'unverifiable',
      'invalid',
      'home',
      'web-app',
      'origin',
      'viewer-only',
      'admitted',
      'session',
      'sign-in',
      'known-address',
      'default',
    ],
  );
});

/** For neighbours that can apply to one request: the facts of the earlier, those of the later, and what each leads to. */
const NEIGHBOURS: readonly [earlier: FactChanges, expected: string, later: FactChanges, expectedLater: string][] = [
  [{ credentials: 'conflict' }, 'malformed 400 malformed', { hostIsForeign: true }, 'host 421 host'],
  [{ hostIsForeign: true }, 'host 421 host', { isTls: false, requireTls: true, ...WRITE }, 'plain-http 403 plain-http'],
  [
    { isTls: false, requireTls: true, secureLocation: undefined },
    'plain-http 403 plain-http',
    { gatewayPath: 'status' },
    'gateway-page page status lights',
  ],
  [{ gatewayPath: 'other', isTls: true }, 'gateway-page 404 not-found', PREFLIGHT, 'preflight forward remove'],
  [PREFLIGHT, 'preflight preflight', UNCLAIMED, 'claim-guard 403 unclaimed'],
  [{ isIdentityPath: true, ...UNCLAIMED }, 'identity identity', UNCLAIMED, 'claim-guard 403 unclaimed'],
  [UNCLAIMED, 'claim-guard 403 unclaimed', { ...OUTDATED, ...OUTSIDE }, 'outdated 403 outdated-server'],
  [
    { ...OUTDATED, ...OUTSIDE },
    'outdated 403 outdated-server',
    { credentials: 'unverified', throttledForSeconds: 7 },
    'throttled 429 throttled',
  ],
  [
    { credentials: 'unverified', throttledForSeconds: 7 },
    'throttled 429 throttled',
    { credentials: 'unverified' },
    'needs credentials',
  ],
  [{ credentials: 'valid' }, 'valid forward keep', { path: '/', wantsHtml: true }, 'home 302 /web/index.html'],
  [{ credentials: 'unverifiable' }, 'unverifiable 503 starting', LISTED, 'admitted forward replace +token'],
  [
    { credentials: 'invalid' },
    'invalid 401 bad-credentials',
    { path: '/', wantsHtml: true },
    'home 302 /web/index.html',
  ],
  [{ path: '/', wantsHtml: true }, 'home 302 /web/index.html', { isWebClientPath: true }, 'web-app forward keep'],
  [{ isWebClientPath: true }, 'web-app forward keep', { ...LISTED, pageIsForeign: true }, 'origin 403 origin'],
  [
    { ...LISTED, pageIsForeign: true },
    'origin 403 origin',
    { ...LISTED, isViewerRequest: false },
    'viewer-only 403 not-permitted',
  ],
  [{ ...LISTED, isViewerRequest: false }, 'viewer-only 403 not-permitted', LISTED, 'admitted forward replace +token'],
  [LISTED, 'admitted forward replace +token', SESSION, 'session forward replace +token'],
  [SESSION, 'session forward replace +token', { isSignInCall: true, isInSignInNetworks: true }, 'sign-in forward keep'],
  [
    { isSignInCall: true, isInSignInNetworks: true },
    'sign-in forward keep',
    { isTokenlessMedia: true, isKnownAddress: true },
    'known-address forward keep',
  ],
  [{ isTokenlessMedia: true, isKnownAddress: true }, 'known-address forward keep', {}, 'default 401 no-credentials'],
];

order('lets the earlier of two neighbours win, and the later when the earlier does not apply', () => {
  for (const [earlier, expected, later, expectedLater] of NEIGHBOURS) {
    assert.is(gist(later), expectedLater);
    const together = { ...later, ...earlier, server: { ...later.server, ...earlier.server } };
    assert.is(gist(together), expected, `${expected} before ${expectedLater}`);
  }
});

order('gives every decision the name of the rule that made it', () => {
  for (const [name, rule] of RULES) {
    const decision = rule(factsWith(), name);
    if (decision !== undefined && 'rule' in decision) assert.is(decision.rule, name);
  }
});

order.run();
