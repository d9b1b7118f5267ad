import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision, NeedsCredentials } from '../../src/access/decision.ts';
import type { Facts } from '../../src/access/facts.ts';
import { decide } from '../../src/access/policy.ts';
import { factsWith } from './plain-facts.ts';
import { Choices } from './random.ts';

const SEED = 20_261_121;
const REQUESTS = 30_000;

/** Any facts at all, as long as they do not contradict each other. */
function anyFacts(choices: Choices): Facts {
  const method = choices.of(['GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
  const isPlainRead = (method === 'GET' || method === 'HEAD') && choices.chance(0.9);
  const place = choices.of(['loopback', 'lan', 'outside', 'masked'] as const);
  const isPlex = choices.chance(0.6);
  const hasIdentity = isPlex || choices.chance(0.6);
  const state = choices.of(['claimed', 'claimed', 'claimed', 'unclaimed', 'signed-out', 'unknown'] as const);
  return factsWith({
    method,
    isPlainRead,
    place,
    isPreflight: method === 'OPTIONS' && choices.chance(),
    path: choices.of(['/', '/library/sections']),
    wantsHtml: choices.chance(),
    gatewayPath: choices.of([
      ...Array<'elsewhere'>(12).fill('elsewhere'),
      ...(['status', 'health', 'metrics', 'signin', 'setup', 'bare', 'other'] as const),
    ]),
    isTls: choices.chance(0.8),
    requireTls: choices.chance(0.3),
    secureLocation: choices.of([undefined, 'https://a.example/']),
    hostIsForeign: choices.chance(0.2),
    pageIsForeign: choices.chance(0.3),
    originIsOwn: choices.chance(),
    corsOrigin: choices.of([undefined, 'https://a.example']),
    isInAllowedNetworks: place !== 'masked' && choices.chance(0.4),
    listIsInForce: choices.chance(0.7),
    isInSignInNetworks: choices.chance(),
    mayReadMetrics: choices.chance(0.2),
    isKnownAddress: place !== 'masked' && choices.chance(0.3),
    hasValidSession: choices.chance(0.3),
    hasSessionCookie: choices.chance(0.3),
    throttledForSeconds: choices.of([0, 0, 10]),
    credentials: choices.of([
      'none',
      'none',
      'none',
      'conflict',
      'unverified',
      'valid',
      'invalid',
      'unverifiable',
    ] as const),
    invalidStatus: choices.of([401, 498] as const),
    isViewerRequest: choices.chance(0.6),
    isIdentityPath: choices.chance(0.15),
    isWebClientPath: choices.chance(0.15),
    isSignInCall: !isPlex && choices.chance(0.3),
    isTokenlessMedia: !isPlex && choices.chance(0.3),
    requireClaimed: choices.chance(0.7),
    isSetupUnderWay: choices.chance(0.2),
    hasPin: choices.chance(),
    serverToken: choices.of([undefined, 'operators-token']),
    server: {
      state,
      unknownBecause: state === 'unknown' ? choices.of(['starting', 'down', 'other-server'] as const) : undefined,
      hasIdentity,
      hasLastIdentity: hasIdentity && choices.chance(0.8),
      isOutdated: choices.chance(0.2),
      isPlex,
      webClientPath: choices.of([undefined, '/web/index.html']),
    },
  });
}

type Holds = (facts: Facts, decision: Decision | NeedsCredentials) => boolean;

const choices = new Choices(SEED);
const requests = Array.from({ length: REQUESTS }, () => {
  const facts = anyFacts(choices);
  return { facts, decision: decide(facts) };
});

const properties = suite('properties of the policy');

/** Checks a property on all requests that it is about, of which there must be some. */
function property(name: string, isAbout: Holds, holds: Holds): void {
  properties(name, () => {
    const cases = requests.filter(({ facts, decision }) => isAbout(facts, decision));
    assert.ok(cases.length >= 20, `only ${cases.length} of the random requests were about this`);
    const broken = cases.find(({ facts, decision }) => !holds(facts, decision));
    assert.is(broken, undefined, JSON.stringify(broken));
  });
}

const isForward = (decision: Decision | NeedsCredentials) => 'action' in decision && decision.action === 'forward';
const ruleOf = (decision: Decision | NeedsCredentials) => ('rule' in decision ? decision.rule : 'needs');
const isNear = ({ place }: Facts) => place === 'lan' || place === 'loopback';
const isNotClaimed = ({ server }: Facts) => server.hasIdentity && server.state !== 'claimed';

/** The grants of the policy, said once more and without order. */
function isGranted(facts: Facts, rule: string): boolean {
  const isLetIn =
    !facts.hostIsForeign &&
    ((facts.listIsInForce && facts.isInAllowedNetworks) || (facts.hasValidSession && isNear(facts)));
  if (rule === 'valid') return facts.credentials === 'valid';
  if (rule === 'preflight') return facts.isPreflight;
  if (rule === 'identity') return facts.isIdentityPath && facts.isPlainRead;
  if (rule === 'web-app') return facts.isWebClientPath && facts.isPlainRead;
  if (rule === 'admitted' || rule === 'session') return isLetIn && facts.isViewerRequest && !facts.pageIsForeign;
  if (rule === 'sign-in') return facts.isSignInCall && facts.isInSignInNetworks;
  if (rule === 'known-address') return facts.isTokenlessMedia && facts.isKnownAddress && facts.isPlainRead;
  return false;
}

property(
  'nothing is forwarded that no rule grants',
  (_, decision) => isForward(decision),
  (facts, decision) => isGranted(facts, ruleOf(decision)),
);

property(
  'nothing under the gateway’s prefix is forwarded, however it is written',
  ({ gatewayPath }) => gatewayPath !== 'elsewhere',
  (_, decision) => !isForward(decision),
);

property(
  'nothing reaches a server that is not known to be claimed',
  (facts) => isNotClaimed(facts) && facts.requireClaimed,
  (_, decision) => !isForward(decision) && !('needs' in decision),
);

property(
  'an unclaimed server that is served all the same gets no credentials, and is reached from near only',
  (facts, decision) => isNotClaimed(facts) && !facts.requireClaimed && isForward(decision),
  (facts, decision) =>
    facts.server.state !== 'unknown' &&
    facts.server.isPlex &&
    isNear(facts) &&
    !('token' in decision) &&
    ruleOf(decision) !== 'valid',
);

property(
  'two different credentials are always 400',
  ({ credentials }) => credentials === 'conflict',
  (_, decision) => 'status' in decision && decision.status === 400,
);

property(
  'nobody is admitted by network while the list is not in force',
  ({ listIsInForce }) => !listIsInForce,
  (facts, decision) => ruleOf(decision) !== 'admitted' && (!('token' in decision) || facts.hasValidSession),
);

property(
  'the operator’s token goes out for viewer requests of those who are let in, and for nothing else',
  (_, decision) => 'token' in decision,
  (facts, decision) =>
    (ruleOf(decision) === 'admitted' || ruleOf(decision) === 'session') &&
    facts.isViewerRequest &&
    facts.server.isPlex &&
    facts.server.state === 'claimed' &&
    !facts.hostIsForeign &&
    !facts.pageIsForeign &&
    facts.credentials !== 'valid',
);

property(
  'under a foreign Host only good credentials and the public identity are forwarded',
  (facts, decision) => facts.hostIsForeign && isForward(decision),
  (_, decision) => ['valid', 'identity', 'web-app'].includes(ruleOf(decision)),
);

property(
  'nothing but health and set-up is answered over plain HTTP where TLS is required',
  (facts, decision) => !facts.isTls && facts.requireTls && facts.place !== 'loopback' && 'page' in decision,
  (_, decision) => 'page' in decision && (decision.page === 'health' || decision.page === 'setup'),
);

property(
  'an outdated server is not reached from outside',
  (facts) => facts.server.isOutdated && !isNear(facts),
  (_, decision) => !isForward(decision),
);

property(
  'credentials are asked about only where the answer can matter and the budget lasts',
  (_, decision) => 'needs' in decision,
  (facts) => facts.credentials === 'unverified' && facts.throttledForSeconds === 0 && !isNotClaimed(facts),
);

property(
  'once credentials are verified nobody asks again',
  ({ credentials }) => credentials === 'valid' || credentials === 'invalid' || credentials === 'unverifiable',
  (_, decision) => !('needs' in decision),
);

property(
  'invalid credentials never do better than none under a Host of ours',
  (facts, decision) => facts.credentials === 'invalid' && !facts.hostIsForeign && isForward(decision),
  (facts) => isForward(decide({ ...facts, credentials: 'none' })),
);

property(
  'a masked client is decided like one outside',
  ({ place }) => place === 'masked',
  (facts, decision) => ruleOf(decision) === ruleOf(decide({ ...facts, place: 'outside' })),
);

property(
  'the set-up and PIN pages are for those who are near',
  (_, decision) => 'page' in decision && (decision.page === 'setup' || decision.page === 'signin'),
  (facts) => isNear(facts) && !facts.hostIsForeign && (facts.isPlainRead || facts.originIsOwn),
);

properties.run();
