/** Rule 3: who may open which page under `/.lockgate/`. */
import { isNormalPath, pathVariants } from '../lib/path.ts';
import type { Decision, GatewayPage, NeedsCredentials, PageScope, Refuse, RuleName } from './decision.ts';
import type { Facts, GatewayPath } from './facts.ts';
import { refuse, refuseForeignHost, refuseInvalid, refuseThrottled, refuseWithoutCredentials } from './refuse.ts';
import { credentialsOf, isClosed, isLetIn, isNear, isTooOld } from './standing.ts';

const PREFIX = '/.lockgate/';
const BARE_PREFIX = '/.lockgate';
const PAGES: ReadonlyMap<string, GatewayPage> = new Map([
  ['/.lockgate/', 'status'],
  ['/.lockgate/events', 'events'],
  ['/.lockgate/health', 'health'],
  ['/.lockgate/metrics', 'metrics'],
  ['/.lockgate/signin', 'signin'],
  ['/.lockgate/setup', 'setup'],
  ['/.lockgate/trust', 'trust'],
  ['/.lockgate/trust/lockgate-ca.mobileconfig', 'trust'],
  ['/.lockgate/trust/lockgate-ca.crt', 'trust'],
  ['/.lockgate/trust/lockgate-ca.pem', 'trust'],
]);
const RETRY_SECONDS = 5;

/** The page that a raw path names, byte for byte. Whatever could become such a path by decoding, collapsing or folding case is `other`. */
export function gatewayPathOf(path: string, isNormal = isNormalPath(path)): GatewayPath {
  if (path.startsWith(BARE_PREFIX)) return PAGES.get(path) ?? (path === BARE_PREFIX ? 'bare' : prefixIn(path));
  return isNormal ? 'elsewhere' : prefixIn(path);
}

function prefixIn(path: string): GatewayPath {
  const isInside = (variant: string) => variant.startsWith(PREFIX) || variant === BARE_PREFIX;
  return pathVariants(path).some(isInside) ? 'other' : 'elsewhere';
}

type PageRule = (facts: Facts, rule: RuleName) => Decision | NeedsCredentials;

const PAGE_RULES: Readonly<Record<GatewayPage, PageRule>> = {
  health: (facts, rule) => readable(facts, rule) ?? page(rule, 'health', 'none'),
  metrics: metricsPage,
  status: (facts, rule) => statusPage(facts, rule, 'status'),
  events: (facts, rule) => statusPage(facts, rule, 'events'),
  signin: signInPage,
  setup: setupPage,
  trust: trustPage,
};

export function gatewayPage(facts: Facts, rule: RuleName): Decision | NeedsCredentials | undefined {
  const { gatewayPath } = facts;
  if (gatewayPath === 'elsewhere') return undefined;
  if (facts.hostIsForeign && gatewayPath !== 'health') return refuseForeignHost(facts, rule);
  if (gatewayPath === 'other') return notFound(facts, rule, 'The gateway has no such page.');
  if (gatewayPath === 'bare') return { rule, action: 'redirect', status: 308, location: PREFIX };
  return PAGE_RULES[gatewayPath](facts, rule);
}

function page(rule: RuleName, name: GatewayPage, scope: PageScope): Decision {
  return { rule, action: 'page', page: name, scope };
}

function notFound(facts: Facts, rule: RuleName, detail: string): Refuse {
  return refuse(facts, { rule, status: 404, reason: 'not-found', detail });
}

function notPermitted(facts: Facts, rule: RuleName, detail: string): Refuse {
  return refuse(facts, { rule, status: 403, reason: 'not-permitted', detail });
}

function methodNotAllowed(facts: Facts, rule: RuleName): Refuse {
  return refuse(facts, { rule, status: 405, reason: 'not-permitted', detail: 'This page does not know the method.' });
}

/** The refusal of anything but a plain GET or HEAD. */
function readable(facts: Facts, rule: RuleName): Refuse | undefined {
  return facts.isPlainRead ? undefined : methodNotAllowed(facts, rule);
}

function metricsPage(facts: Facts, rule: RuleName): Decision {
  if (facts.mayReadMetrics) return readable(facts, rule) ?? page(rule, 'metrics', 'everything');
  return notPermitted(facts, rule, 'Metrics are not for this address; see [metrics] allow_clients.');
}

/** Everything for those who could see it all anyway, the lights for the LAN, nothing for others. */
function statusPage(facts: Facts, rule: RuleName, name: 'status' | 'events'): Decision | NeedsCredentials {
  if (!facts.isPlainRead) return methodNotAllowed(facts, rule);
  // It could not read the stream, but keep one open for each of its visitors.
  if (name === 'events' && facts.pageIsForeign) return refuseForeignPage(facts, rule);
  if (facts.place === 'loopback' || isLetIn(facts)) return page(rule, name, 'everything');
  const credentials = isClosed(facts) || isTooOld(facts) ? 'none' : credentialsOf(facts);
  if (credentials === 'unverified' && facts.throttledForSeconds === 0) return { needs: 'credentials' };
  if (credentials === 'valid') return page(rule, name, 'everything');
  if (isNear(facts)) return page(rule, name, 'lights');
  if (credentials === 'unverified') return refuseThrottled(facts, rule);
  if (credentials === 'invalid') return refuseInvalid(facts, rule);
  return refuseWithoutCredentials(facts, rule, 'The status page is for the LAN, or for valid credentials.');
}

/** Pages with a form: seen from near only, sent from their own page only. */
function formPage(facts: Facts, rule: RuleName, name: GatewayPage): Decision {
  if (facts.isPlainRead) return page(rule, name, 'none');
  if (facts.method !== 'POST') return methodNotAllowed(facts, rule);
  if (facts.originIsOwn) return page(rule, name, 'none');
  return refuseForeignPage(facts, rule);
}

function refuseForeignPage(facts: Facts, rule: RuleName): Refuse {
  return refuse(facts, { rule, status: 403, reason: 'origin', detail: 'This was not asked from its own page.' });
}

/** Why a form is not shown to a client that is not near. */
function notNear(facts: Facts): string {
  if (facts.place === 'masked') return 'this address does not say who is asking (a router or a proxy stands between)';
  return 'this address is not on the LAN; see [access] lan_networks';
}

function signInPage(facts: Facts, rule: RuleName): Decision {
  if (!isNear(facts)) return notPermitted(facts, rule, `The PIN is for the LAN: ${notNear(facts)}.`);
  if (!facts.hasPin) return notFound(facts, rule, 'No PIN is set; see [access] pin_hash.');
  return formPage(facts, rule, 'signin');
}

function setupPage(facts: Facts, rule: RuleName): Decision {
  if (!isNear(facts)) {
    const remedy = 'run “lockgate setup --code CODE” on the gateway instead';
    return notPermitted(facts, rule, `The media server is claimed from the LAN: ${notNear(facts)}; ${remedy}.`);
  }
  if (!facts.server.isPlex) return notFound(facts, rule, 'This kind of media server is set up at its own address.');
  if (facts.isSetupUnderWay) return formPage(facts, rule, 'setup');
  if (facts.server.state === 'claimed') return notFound(facts, rule, 'The media server is claimed already.');
  if (facts.server.state !== 'unknown') return formPage(facts, rule, 'setup');
  const detail = 'The media server does not answer yet; start it, then load this page again.';
  return refuse(facts, { rule, status: 503, reason: 'starting', detail, retryAfterSeconds: RETRY_SECONDS });
}

/** What is handed out is no secret; from afar nobody could compare it, and nobody needs it. */
function trustPage(facts: Facts, rule: RuleName): Decision {
  if (isNear(facts) || isLetIn(facts)) return readable(facts, rule) ?? page(rule, 'trust', 'none');
  return notPermitted(
    facts,
    rule,
    `The gateway's root certificate is for the LAN: ${notNear(facts)}; “lockgate ca” on the gateway prints it.`,
  );
}
