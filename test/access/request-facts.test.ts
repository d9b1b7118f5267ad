import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../src/access/decision.ts';
import type { Place } from '../../src/access/facts.ts';
import { decide } from '../../src/access/policy.ts';
import { type FactSources, RequestFacts, type RequestParts } from '../../src/access/request-facts.ts';
import { serverFacts } from '../../src/access/server-facts.ts';
import { Sessions } from '../../src/access/session.ts';
import { type AccessSettings, factSettings } from '../../src/access/settings.ts';
import type { Peer, RequestHead } from '../../src/http/request.ts';
import { parseNetworkList } from '../../src/net/address.ts';
import type { ServerKind, Verdict } from '../../src/server/kind.ts';
import { KINDS } from '../../src/server/kinds.ts';
import { Choices } from './random.ts';
import { headOf, peerAt } from './requests.ts';

const networks = (text: string) => parseNetworkList(text).list;

const SETTINGS: AccessSettings = {
  requireTls: false,
  requireAuth: 'auto',
  requireClaimed: true,
  allowedNetworks: networks('192.168.1.0/24'),
  signInNetworks: networks('192.168.1.0/24'),
  signInFromAnywhere: false,
  metricsClients: networks('127.0.0.0/8'),
  allowedHosts: ['films.example.org'],
  allowedOrigins: ['https://films.example.org'],
  minServerVersion: 'auto',
  serverToken: 'operators-token',
  pinHash: '$scrypt$',
  sessionLifetimeMs: 60_000,
  authFailures: 10,
  authWindowMs: 60_000,
};

const sessions = new Sessions({ key: Buffer.alloc(32), pinHash: '$scrypt$', lifetimeMs: 60_000 });

interface Situation {
  readonly settings?: Partial<AccessSettings>;
  readonly kind?: ServerKind;
  readonly place?: Place;
  readonly address?: string | undefined;
  readonly verdict?: Verdict;
  readonly remembered?: Verdict;
  readonly listIsInForce?: boolean;
  readonly peer?: Partial<Peer>;
}

/** The facts about a request from 192.168.1.20 to a claimed Plex server, unless the situation is another. */
function factsOf(head: RequestHead, situation: Situation = {}): RequestFacts {
  const kind = situation.kind ?? KINDS.plex;
  const address = 'address' in situation ? situation.address : '192.168.1.20';
  const identity = { id: 'a', name: undefined, version: '1.43.4', claimed: true, basePath: '' };
  const covers = (name: string) => name.endsWith('.hash.plex.direct');
  const sources: FactSources = {
    settings: factSettings({ ...SETTINGS, ...situation.settings }),
    hostNames: { plain: new Set(['nas']), covers, isOwnAddress: () => false },
    secureNames: { covers, zones: () => ['hash.plex.direct'], published: undefined },
    sessions,
    listIsInForce: () => situation.listIsInForce ?? true,
    isKnownAddress: (known) => known === '192.168.1.20',
    isSetupUnderWay: () => false,
    recall: () => situation.remembered,
    throttledForSeconds: () => 0,
  };
  const parts: RequestParts = {
    head,
    peer: peerAt(address ?? '10.0.0.1', situation.peer),
    client: { address, place: situation.place ?? 'lan', isTls: situation.peer?.tls ?? true },
    kind,
    server: serverFacts({ kind, state: 'claimed', unknownBecause: undefined, identity }, 'auto'),
    verdict: situation.verdict,
  };
  return new RequestFacts(sources, parts);
}

const decideOn = (requestLine: string, headers: Record<string, string> = {}, situation: Situation = {}) =>
  decide(factsOf(headOf(requestLine, headers), situation)) as Decision;

const facts = suite('facts of a request');

facts('know credentials by what is remembered or was just found out', () => {
  const head = headOf('GET /library', { 'X-Plex-Token': 'token-1' });
  assert.is(factsOf(headOf('GET /library')).credentials, 'none');
  assert.is(factsOf(head).credentials, 'unverified');
  assert.is(factsOf(head).credential, 'token-1');
  assert.is(factsOf(head, { remembered: { verdict: 'valid' } }).credentials, 'valid');
  assert.is(factsOf(head, { verdict: { verdict: 'unverifiable' } }).credentials, 'unverifiable');
  const expired = factsOf(head, { remembered: { verdict: 'valid' }, verdict: { verdict: 'invalid', status: 498 } });
  assert.is(expired.credentials, 'invalid');
  assert.is(expired.invalidStatus, 498);
  assert.is(factsOf(headOf('GET /?X-Plex-Token=token-2', { 'X-Plex-Token': 'token-1' })).credentials, 'conflict');
});

facts('take the same credential in two places for one', () => {
  assert.is(factsOf(headOf('GET /?x-plex-token=token-1', { 'X-Plex-Token': 'token-1' })).credentials, 'unverified');
});

facts('know a preflight from another OPTIONS', () => {
  const headers = { Origin: 'https://app.plex.tv', 'Access-Control-Request-Method': 'GET' };
  assert.ok(factsOf(headOf('OPTIONS /library', headers)).isPreflight);
  assert.not(factsOf(headOf('GET /library', headers)).isPreflight);
  assert.not(factsOf(headOf('OPTIONS /library', { Origin: 'https://app.plex.tv' })).isPreflight);
  assert.not(factsOf(headOf('OPTIONS /library', { ...headers, 'Content-Length': '1' })).isPreflight);
  assert.not(factsOf(headOf('OPTIONS /a/../b', headers)).isPreflight);
});

facts('put a masked or unknown client into no list', () => {
  const everywhere = networks('0.0.0.0/0, ::/0');
  const settings = { allowedNetworks: everywhere, signInNetworks: everywhere, metricsClients: everywhere };
  for (const situation of [{ place: 'masked' as const }, { place: 'masked' as const, address: undefined }]) {
    const masked = factsOf(headOf('GET /'), { ...situation, settings });
    assert.not(
      masked.isInAllowedNetworks || masked.isInSignInNetworks || masked.mayReadMetrics || masked.isKnownAddress,
    );
    assert.ok(factsOf(headOf('GET /'), { ...situation, settings: { signInFromAnywhere: true } }).isInSignInNetworks);
  }
  assert.is(factsOf(headOf('GET /'), { address: undefined }).throttleKey, '10.0.0.1');
});

facts('see a session in its cookie, and the cookie even when it is stale', () => {
  const cookie = sessions.open(true).split(';')[0] ?? '';
  assert.ok(factsOf(headOf('GET /', { Cookie: cookie })).hasValidSession);
  const stale = factsOf(headOf('GET /', { Cookie: 'a=b; lockgate=stale' }));
  assert.not(stale.hasValidSession);
  assert.ok(stale.hasSessionCookie);
  assert.not(factsOf(headOf('GET /', { Cookie: 'a=b' })).hasSessionCookie);
});

facts('take an upgrade or a body for more than reading', () => {
  assert.ok(factsOf(headOf('HEAD /')).isPlainRead);
  const upgrade = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  assert.not(factsOf(headOf('GET /', upgrade)).isPlainRead);
  assert.not(factsOf(headOf('GET /', { 'Content-Length': '1' })).isPlainRead);
});

facts.run();

const grants = suite('grants without credentials');

grants('look at the raw path, and only in its normal form', () => {
  assert.is(decideOn('GET /identity').rule, 'identity');
  assert.is(decideOn('GET /web/index.html', {}, { place: 'outside', address: '203.0.113.7' }).rule, 'web-app');
  for (const path of [
    '//identity',
    '/identity/',
    '/%69dentity/../x',
    '/web/../library',
    '/web/%2e%2e/library',
    '/web//x',
    '/web/..;/library',
  ]) {
    const { rule } = decideOn(`GET ${path}`, {}, { place: 'outside', address: '203.0.113.7' });
    assert.is(rule, 'default', path);
  }
});

/** Requests that nobody may make who has no credentials of his own, and the words by which a server would know them. */
const FORBIDDEN: readonly (readonly [method: string, path: string])[] = [
  ['GET', '/myplex/account'],
  ['GET', '/:/prefs'],
  ['PUT', '/:/prefs'],
  ['GET', '/services/browse'],
  ['GET', '/log'],
  ['GET', '/livetv/dvrs'],
  ['GET', '/accounts'],
  ['GET', '/library/file'],
  ['GET', '/library/sections/1/refresh'],
  ['GET', '/library/sections/1/emptytrash'],
  ['GET', '/library/metadata/5/analyze'],
  ['POST', '/library/sections/all'],
  ['DELETE', '/library/metadata/5'],
  ['POST', '/media/providers'],
  ['GET', '/player/proxy/poll'],
];

/** One of the many ways in which a path can be written so that some server reads it as the same. */
function disguise(path: string, choices: Choices): string {
  let written = path;
  for (let round = choices.below(4); round > 0; round--) {
    const at = choices.below(written.length);
    const character = written[at] ?? '/';
    const encoded = `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
    const replacement = choices.of([
      encoded,
      encoded.toUpperCase(),
      encoded.replace('%', '%25'),
      character.toUpperCase(),
      character === '/'
        ? choices.of(['//', '/./', '/x/../', '\\', '/;x=1/', '/%2e/', '%2f', '/x/%2e%2e/', '/.;/'])
        : character,
    ]);
    written = written.slice(0, at) + replacement + written.slice(at + 1);
  }
  const prefix = choices.of([
    '',
    '',
    '',
    '/library/..',
    '/web/..',
    '/library/%2e%2e',
    '/library/..%2f..',
    '/library/sections/%252e%252e/..',
  ]);
  const suffix = choices.of(['', '', '', '/', '//', ';x=1', '%00', '/.', '?x=1', '%3fx', '%23x', '/x/..', '%20']);
  const full = prefix + written + suffix;
  return full.startsWith('/') ? full : `/${full}`;
}

grants('keep whoever is let in on the viewer list, however the path is written', () => {
  const choices = new Choices(7);
  const cookie = { Cookie: sessions.open(true).split(';')[0] ?? '' };
  let refused = 0;
  for (let round = 0; round < 8000; round++) {
    const [method, path] = choices.of(FORBIDDEN);
    const target = disguise(path, choices);
    const byNetwork = decideOn(`${method} ${target}`);
    const bySession = decideOn(`${method} ${target}`, cookie, { listIsInForce: false });
    for (const decision of [byNetwork, bySession]) {
      const isRightsGiven =
        decision.action === 'forward' && (decision.rule === 'admitted' || decision.rule === 'session');
      if (isRightsGiven && !isHarmless(method, target)) assert.unreachable(`${method} ${target}`);
      refused += Number(decision.action === 'refuse');
    }
  }
  assert.ok(refused > 10_000, `${refused} refused`);
});

/** No reading of the target, decoded up to three times and tidied up, ends up at something forbidden. */
function isHarmless(method: string, target: string): boolean {
  let reading = target.split('?', 1)[0] ?? '';
  for (let decodings = 0; decodings < 4; decodings++) {
    const plain = reading
      .replaceAll(' ', '%20')
      .replaceAll('\\', '/')
      .replace(/[;?#][^/]*/g, '');
    const tidy = decodeURI(
      new URL(plain.replace(/\/{2,}/g, '/').replace(/%(?![0-9a-f]{2})/gi, '%25'), 'http://a').pathname,
    );
    const found = FORBIDDEN.some(
      ([forbiddenMethod, path]) =>
        forbiddenMethod === method && tidy.replace(/\/+$/, '').toLowerCase() === path.toLowerCase(),
    );
    if (found) return false;
    reading = reading.replace(/%([0-9a-f]{2})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
  }
  return true;
}

grants('never depend on a network that does not hold the address', () => {
  const choices = new Choices(11);
  const octet = () => choices.below(4);
  const randomNetwork = () => {
    const prefix = 8 * (1 + choices.below(4));
    const bytes = [10, octet(), octet(), octet()].map((byte, index) => (index * 8 < prefix ? byte : 0));
    return `${bytes.join('.')}/${prefix}`;
  };
  let compared = 0;
  for (let round = 0; round < 3000; round++) {
    const address = `10.${octet()}.${octet()}.${octet()}`;
    const before = Array.from({ length: choices.below(3) }, randomNetwork);
    const added = randomNetwork();
    if (networks(added).contains(address)) continue;
    const ruleWith = (list: readonly string[]) =>
      decideOn('GET /library', {}, { address, settings: { allowedNetworks: networks(list.join(',')) } }).rule;
    assert.is(ruleWith([...before, added]), ruleWith(before), `${address} with ${before} and ${added}`);
    compared++;
  }
  assert.ok(compared > 1000);
});

grants.run();

const browsers = suite('browsers');

browsers('of the LAN may not be used by other pages', () => {
  const foreign = { Origin: 'https://evil.example' };
  assert.is(decideOn('GET /library', foreign).rule, 'origin');
  assert.is(decideOn('GET /library', { Origin: 'https://app.plex.tv' }).rule, 'admitted');
  assert.is(decideOn('GET /library', { Origin: 'https://films.example.org' }).rule, 'admitted');
  assert.is(decideOn('GET /library', { Origin: 'https://192.168.1.10:32400' }).rule, 'admitted');
  assert.is(
    decideOn('GET /library', { Origin: 'https://192.168.1.10:32400' }, { peer: { tls: false } }).rule,
    'origin',
  );
});

browsers('are sent to the web client, and read why they were refused', () => {
  assert.equal(decideOn('GET /', { Accept: 'text/html,*/*' }), {
    rule: 'home',
    action: 'redirect',
    status: 302,
    location: '/web/index.html',
  });
  const refused = decideOn('GET /library', { Origin: 'https://app.plex.tv' }, { listIsInForce: false });
  assert.is('corsOrigin' in refused && refused.corsOrigin, 'https://app.plex.tv');
  const unknown = decideOn('GET /library', { Origin: 'https://other.example' }, { listIsInForce: false });
  assert.not('corsOrigin' in unknown);
});

browsers('that come by a foreign name get nothing by their network', () => {
  const decision = decideOn('GET /library', { Host: 'evil.example' });
  assert.is(decision.rule, 'host');
  assert.match('detail' in decision ? decision.detail : '', '"evil.example"');
});

browsers.run();
