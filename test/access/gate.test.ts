import { readdir } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../src/access/decision.ts';
import type { Gate } from '../../src/access/gate.ts';
import { GatewayError } from '../../src/lib/errors.ts';
import { KINDS } from '../../src/server/kinds.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { CLAIMED, networks, UNKNOWN, withGate } from './gate-bench.ts';
import { headOf, peerAt } from './requests.ts';

const LISTED = peerAt('192.168.1.20');
const LAN = peerAt('192.168.1.30');
const OUTSIDE = peerAt('203.0.113.7');
const MASKED = peerAt('172.17.0.1');
const library = headOf('GET /library');
const withToken = (token: string) => headOf('GET /library', { 'X-Plex-Token': token });

async function ruleFor(gate: Gate, head = library, peer = OUTSIDE): Promise<string> {
  return (await gate.decide(head, peer)).rule;
}

const deciding = suite('decisions of the gate');

deciding('come at once when nothing has to be asked', () =>
  withGate(async ({ gate, server }) => {
    assert.is((gate.decide(library, LISTED) as Decision).rule, 'admitted');
    assert.is((gate.decide(library, LAN) as Decision).rule, 'default');
    await gate.decide(withToken(OWNER_TOKEN), LAN);
    assert.is((gate.decide(withToken(OWNER_TOKEN), LAN) as Decision).rule, 'valid');
    assert.is(server.requests.filter((request) => request.header('x-plex-token') === OWNER_TOKEN).length, 1);
  }),
);

deciding('wait for the server’s word on credentials', () =>
  withGate(async ({ gate, server }) => {
    server.expiredTokens.add('expired-token');
    assert.is(await ruleFor(gate, withToken(OWNER_TOKEN)), 'valid');
    assert.equal(
      { ...(await gate.decide(withToken('made-up'), OUTSIDE)), detail: '' },
      {
        action: 'refuse',
        rule: 'invalid',
        status: 401,
        reason: 'bad-credentials',
        detail: '',
      },
    );
    const expired = await gate.decide(withToken('expired-token'), OUTSIDE);
    assert.is('status' in expired && expired.status, 498);
    assert.is(await ruleFor(gate, withToken('made-up'), LISTED), 'admitted');
  }),
);

deciding('verify nothing for a request that an earlier rule ends', () =>
  withGate(async (bench) => {
    bench.view = { ...CLAIMED, state: 'unclaimed' };
    assert.is(await ruleFor(bench.gate, withToken(OWNER_TOKEN)), 'claim-guard');
    bench.view = { ...CLAIMED, identity: { ...CLAIMED.identity!, version: '1.40.0' } };
    assert.is(await ruleFor(bench.gate, withToken(OWNER_TOKEN)), 'outdated');
    assert.is(bench.server.requests.length, 0);
  }),
);

deciding('wait for the server’s state, once', () =>
  withGate(async (bench) => {
    bench.view = UNKNOWN;
    bench.nextView = CLAIMED;
    assert.is(await ruleFor(bench.gate, withToken(OWNER_TOKEN)), 'valid');
    assert.is(bench.waits, 1);
  }),
);

deciding('are final when the state stays unknown', () =>
  withGate(async (bench) => {
    bench.view = UNKNOWN;
    const decision = await bench.gate.decide(library, LISTED);
    assert.is('reason' in decision && decision.reason, 'server-down');
    assert.is((await bench.gate.decide(headOf('GET /identity'), LAN)).action, 'identity');
    assert.is(bench.waits, 2);
    assert.is((bench.gate.decide(headOf('GET /.lockgate/health'), OUTSIDE) as Decision).action, 'page');
    assert.is(bench.server.requests.length, 0);
  }),
);

deciding('follow what becomes of the server while credentials are verified', () =>
  withGate(async (bench) => {
    const waiting = bench.gate.decide(withToken(OWNER_TOKEN), OUTSIDE);
    bench.view = { ...CLAIMED, state: 'signed-out' };
    assert.is((await waiting).rule, 'claim-guard');
  }),
);

deciding('do not take an answer of the server before for good', () =>
  withGate(async (bench) => {
    const waiting = bench.gate.decide(withToken(OWNER_TOKEN), OUTSIDE);
    bench.gate.noteServerState('claimed', 'unknown');
    assert.is((await waiting).rule, 'unverifiable');
    assert.is(await ruleFor(bench.gate, withToken(OWNER_TOKEN)), 'valid');
  }),
);

deciding('follow Plex Home at once', () =>
  withGate(async (bench) => {
    assert.is(await ruleFor(bench.gate, library, LISTED), 'admitted');
    bench.plexHome = true;
    assert.is(await ruleFor(bench.gate, library, LISTED), 'default');
    assert.is(bench.gate.list.because, 'home-on');
  }),
);

deciding('let token-less media through to an address that had good credentials, but not to a masked one', () =>
  withGate(async (bench) => {
    const jellyfin = { ...CLAIMED, kind: KINDS.jellyfin };
    const poster = headOf('GET /Items/1/Images/Primary');
    for (const [peer, expected] of [
      [OUTSIDE, 'known-address'],
      [MASKED, 'default'],
    ] as const) {
      bench.view = jellyfin;
      assert.is(await ruleFor(bench.gate, poster, peer), 'default');
      bench.view = CLAIMED;
      assert.is(await ruleFor(bench.gate, withToken(OWNER_TOKEN), peer), 'valid');
      bench.view = jellyfin;
      assert.is(await ruleFor(bench.gate, poster, peer), expected);
    }
    bench.clock.monotonic += 12 * 60 * 60_000;
    assert.is(await ruleFor(bench.gate, poster, OUTSIDE), 'default');
  }),
);

deciding('log once that an address does not say who it is, with what would mend it', () =>
  withGate(async ({ gate, warnings }) => {
    for (let round = 0; round < 3; round++) gate.decide(library, MASKED);
    assert.is(warnings.length, 1);
    assert.equal(warnings[0]?.fields, { address: '172.17.0.1', remedy: '[access] trusted_proxies: add "172.17.0.1"' });
  }),
);

deciding('say in the log that there is no token for clients that are let in', () =>
  withGate(
    async ({ gate, warnings }) => {
      const decision = await gate.decide(library, LISTED);
      assert.is('status' in decision && decision.status, 401);
      assert.match(warnings[0]?.message ?? '', 'server.token');
    },
    { settings: { serverToken: undefined } },
  ),
);

deciding.run();

const throttling = suite('throttling by the gate');

throttling('refuses another new credential when the budget is spent', () =>
  withGate(async ({ gate, clock }) => {
    for (const token of ['wrong-1', 'wrong-2', 'wrong-3']) assert.is(await ruleFor(gate, withToken(token)), 'invalid');
    const refused = await gate.decide(withToken(OWNER_TOKEN), OUTSIDE);
    assert.is(refused.rule, 'throttled');
    assert.is('retryAfterSeconds' in refused && refused.retryAfterSeconds, 300);
    assert.is(await ruleFor(gate, withToken(OWNER_TOKEN), LAN), 'valid');
    assert.is(await ruleFor(gate, withToken(OWNER_TOKEN)), 'valid');
    clock.monotonic += 5 * 60_000;
    assert.is(await ruleFor(gate, withToken('wrong-4')), 'invalid');
  }),
);

throttling('costs nothing for the same wrong credential again and again', () =>
  withGate(async ({ gate, clock }) => {
    for (let round = 0; round < 10; round++) {
      assert.is(await ruleFor(gate, withToken('old-token-of-a-tv')), 'invalid');
      clock.monotonic += 31_000;
    }
    assert.is(await ruleFor(gate, withToken(OWNER_TOKEN)), 'valid');
  }),
);

throttling('is not got round by guessing everything at once', () =>
  withGate(async ({ gate, server }) => {
    const rules = await Promise.all(
      Array.from({ length: 50 }, (_, index) => ruleFor(gate, withToken(`guess-${index}`))),
    );
    assert.is(rules.filter((rule) => rule === 'invalid').length, 3);
    assert.is(rules.filter((rule) => rule === 'throttled').length, 47);
    assert.is(server.requests.filter((request) => request.header('x-plex-token')?.startsWith('guess-')).length, 3);
  }),
);

throttling('lets an app that starts with many requests in', () =>
  withGate(async ({ gate }) => {
    await ruleFor(gate, withToken('wrong-1'));
    await ruleFor(gate, withToken('wrong-2'));
    const rules = await Promise.all(Array.from({ length: 20 }, () => ruleFor(gate, withToken(OWNER_TOKEN))));
    assert.equal([...new Set(rules)], ['valid']);
    assert.is(await ruleFor(gate, withToken('wrong-3')), 'invalid');
    assert.is(await ruleFor(gate, withToken('wrong-4')), 'throttled');
  }),
);

throttling('never stands in the way of a credential that was good lately', () =>
  withGate(async ({ gate, clock }) => {
    assert.is(await ruleFor(gate, withToken(OWNER_TOKEN)), 'valid');
    for (const token of ['wrong-1', 'wrong-2', 'wrong-3']) await ruleFor(gate, withToken(token));
    clock.monotonic += 5 * 60_000 - 1;
    for (const token of ['wrong-4', 'wrong-5', 'wrong-6']) await ruleFor(gate, withToken(token));
    clock.monotonic += 1;
    assert.is(await ruleFor(gate, withToken(OWNER_TOKEN)), 'valid');
  }),
);

throttling('does not charge for what nobody can judge', () =>
  withGate(async ({ gate, server }) => {
    await gate.decide(withToken('warm-up'), LAN);
    await server.stop();
    for (let index = 0; index < 6; index++) assert.is(await ruleFor(gate, withToken(`token-${index}`)), 'unverifiable');
  }),
);

throttling('counts a sign-in that the server itself refused', () =>
  withGate(async (bench) => {
    bench.view = { ...CLAIMED, kind: KINDS.jellyfin };
    const head = headOf('POST /Users/AuthenticateByName', { 'Content-Length': '20' });
    for (let attempt = 0; attempt < 3; attempt++) {
      const decision = (await bench.gate.decide(head, LAN)) as Decision;
      assert.is(decision.rule, 'sign-in');
      bench.gate.noteAnswer(head, LAN, 401);
    }
    assert.is(await ruleFor(bench.gate, head, LAN), 'throttled');
    bench.gate.reset();
    assert.is(await ruleFor(bench.gate, head, LAN), 'sign-in');
  }),
);

throttling('counts a sign-in before the server has judged it, and takes that back when it was a good one', () =>
  withGate(async (bench) => {
    bench.view = { ...CLAIMED, kind: KINDS.jellyfin };
    const attempt = () => headOf('POST /Users/AuthenticateByName', { 'Content-Length': '20' });
    const heads = Array.from({ length: 4 }, attempt);
    const rules = await Promise.all(heads.map((head) => ruleFor(bench.gate, head, LAN)));
    assert.equal(rules, ['sign-in', 'sign-in', 'sign-in', 'throttled']);
    assert.is(await ruleFor(bench.gate, headOf('GET /Users/Public'), LAN), 'sign-in', 'reading is no attempt');
    for (const head of heads.slice(0, 2)) bench.gate.noteAnswer(head, LAN, 200);
    assert.is(await ruleFor(bench.gate, attempt(), LAN), 'sign-in');
  }),
);

throttling.run();

const changes = suite('changes');

changes('of a credential’s verdict are looked into when the server refuses it, and everything open is reviewed', () =>
  withGate(async ({ gate, server, clock }) => {
    const head = withToken(OWNER_TOKEN);
    await gate.decide(head, OUTSIDE);
    const reviewed = new Promise<void>((resolve) => gate.onReview(resolve));
    server.tokens.clear();
    clock.monotonic += 11_000;
    gate.noteAnswer(head, OUTSIDE, 200);
    gate.noteAnswer(head, OUTSIDE, 401);
    await reviewed;
    assert.is(await ruleFor(gate, head), 'invalid');
  }),
);

changes('of the server’s state empty the memory of credentials', () =>
  withGate(async ({ gate, server }) => {
    let reviews = 0;
    gate.onReview(() => reviews++);
    assert.is(await ruleFor(gate, withToken(OWNER_TOKEN)), 'valid');
    server.tokens.clear();
    assert.is(await ruleFor(gate, withToken(OWNER_TOKEN)), 'valid');
    gate.noteServerState('unknown', 'claimed');
    gate.noteServerState('claimed', 'unknown');
    assert.is(reviews, 2);
    assert.is(await ruleFor(gate, withToken(OWNER_TOKEN)), 'invalid');
    assert.is(gate.serverIsStrict, true);
  }),
);

changes('to claimed end the set-up', () =>
  withGate(
    async (bench) => {
      const { gate, server, state } = bench;
      bench.view = { ...CLAIMED, state: 'unclaimed' };
      server.claimCodes.add('claim-abcdefgh');
      const key = (await gate.setup.offer('Stand-in'))?.link.split('#')[1] ?? '';
      const page = headOf('GET /.lockgate/setup');
      assert.is((await gate.decide(page, LAN)).action, 'page');
      assert.equal(await gate.setup.submit({ key, code: 'claim-abcdefgh', client: LAN.address }), {
        outcome: 'accepted',
      });
      bench.view = CLAIMED;
      gate.noteServerState('claimed', 'unclaimed');
      while ((await readdir(state.path)).some((name) => name.startsWith('Setup'))) await new Promise(setImmediate);
      assert.is(gate.setup.progress, 'done');
      assert.is((await gate.decide(page, LAN)).action, 'page');
      bench.clock.monotonic += 5 * 60_000;
      const gone = await gate.decide(page, LAN);
      assert.is('status' in gone && gone.status, 404);
    },
    { server: { claimed: false } },
  ),
);

changes('of the settings count from the next request on', () =>
  withGate(async ({ gate, settings }) => {
    let reviews = 0;
    gate.onReview(() => reviews++);
    for (const token of ['wrong-1', 'wrong-2', 'wrong-3']) await ruleFor(gate, withToken(token));
    gate.configure({ ...settings, allowedNetworks: networks('192.168.1.30'), minServerVersion: '2' });
    assert.is(reviews, 1);
    assert.is(await ruleFor(gate, library, LISTED), 'default');
    assert.is(await ruleFor(gate, library, LAN), 'admitted');
    assert.is(await ruleFor(gate, withToken('wrong-4')), 'outdated');
    gate.configure(settings);
    assert.is(await ruleFor(gate, withToken(OWNER_TOKEN)), 'throttled', 'failures are forgotten by reset alone');
    gate.reset();
    assert.is(await ruleFor(gate, withToken(OWNER_TOKEN)), 'valid');
  }),
);

changes('to settings with a fault change nothing', () =>
  withGate(async ({ gate, settings }) => {
    const faulty = { ...settings, pinHash: '4711', allowedNetworks: networks('') };
    assert.throws(
      () => gate.configure(faulty),
      (error: unknown) => error instanceof GatewayError && error.code === 'config',
    );
    assert.is(await ruleFor(gate, library, LISTED), 'admitted');
    assert.is((await gate.signIn('4711', library, LAN)).outcome, 'signed-in');
  }),
);

changes.run();

const signIn = suite('signing in with the PIN');

/** A request with the session that the PIN opens. */
async function signedIn(gate: Gate, peer = LAN) {
  const result = await gate.signIn('4711', library, peer);
  assert.is(result.outcome, 'signed-in');
  const cookie = 'setCookie' in result ? (result.setCookie.split(';')[0] ?? '') : '';
  return headOf('GET /library', { Cookie: cookie });
}

signIn('lets a browser on the LAN in', () =>
  withGate(async ({ gate, settings, clock }) => {
    const head = await signedIn(gate);
    assert.is(await ruleFor(gate, head, LAN), 'session');
    assert.is(await ruleFor(gate, head, OUTSIDE), 'default');
    assert.is(await ruleFor(gate, head, peerAt(LAN.address, { tls: false })), 'default');
    gate.configure({ ...settings, pinHash: undefined });
    assert.is(await ruleFor(gate, head, LAN), 'default');
    gate.configure(settings);
    assert.is(await ruleFor(gate, head, LAN), 'session');
    clock.wall += settings.sessionLifetimeMs;
    assert.is(await ruleFor(gate, head, LAN), 'default');
  }),
);

signIn('fails with a wrong PIN, and not at all after too many', () =>
  withGate(async ({ gate, clock }) => {
    for (const pin of ['1', '2', '2', '2', '3'])
      assert.equal(await gate.signIn(pin, library, LAN), { outcome: 'wrong-pin' });
    assert.equal(await gate.signIn('4711', library, LAN), { outcome: 'throttled', waitSeconds: 300 });
    clock.monotonic += 5 * 60_000;
    assert.is((await gate.signIn('4711', library, LAN)).outcome, 'signed-in');
  }),
);

signIn('is not there without a PIN', () =>
  withGate(async ({ gate }) => assert.equal(await gate.signIn('', library, LAN), { outcome: 'not-set-up' }), {
    settings: { pinHash: undefined },
  }),
);

signIn('survives a restart of the gateway, and ends when the browser is told to forget', () =>
  withGate(async ({ gate, state }) => {
    const head = await signedIn(gate);
    await withGate(async (again) => assert.is(await ruleFor(again.gate, head, LAN), 'session'), { options: { state } });
    assert.match(gate.signOut(library, LAN), /^__Host-lockgate=; .*Max-Age=0/);
  }),
);

signIn.run();

const refusals = suite('refusals that the gate remembers');

refusals('name the line that would let each in', () =>
  withGate(async (bench) => {
    const { gate } = bench;
    const lines: Record<string, string | undefined> = {};
    const refuse = async (name: string, head = library, peer = OUTSIDE) => {
      await gate.decide(head, peer);
      lines[name] = gate.refusals[0]?.remedy;
    };
    await refuse('outside');
    await refuse('masked', library, MASKED);
    await refuse('host', headOf('GET /library', { Host: 'Films.Example.org:32400' }));
    await refuse('origin', headOf('GET /library', { Origin: 'https://other.example' }), LISTED);
    await refuse('metrics', headOf('GET /.lockgate/metrics'));
    await refuse('pin page', headOf('GET /.lockgate/signin'));
    await refuse('viewer', headOf('GET /myplex/account'), LISTED);
    bench.plexHome = true;
    await refuse('home', library, LISTED);
    await refuse('home and outside');
    bench.view = { ...CLAIMED, state: 'unclaimed' };
    await refuse('unclaimed');
    assert.equal(lines, {
      outside: '[access] allowed_networks: add "203.0.113.7"',
      masked: '[access] trusted_proxies: add "172.17.0.1"',
      host: '[access] allowed_hosts: add "films.example.org"',
      origin: '[access] allowed_origins: add "https://other.example"',
      metrics: '[metrics] allow_clients: add "203.0.113.7"',
      'pin page': '[access] lan_networks: add "203.0.113.7"',
      viewer: undefined,
      home: '[access] require_auth = "unlisted"',
      'home and outside': '[access] allowed_networks: add "203.0.113.7" and [access] require_auth = "unlisted"',
      unclaimed: 'run “lockgate setup”',
    });
  }),
);

refusals('hold what is needed to know who it was, and no more', () =>
  withGate(async ({ gate, clock }) => {
    await gate.decide(headOf('GET /library?X-Plex-Token=secret-1&x=2'), OUTSIDE);
    assert.equal(gate.refusals, [
      {
        at: clock.wall,
        count: 1,
        address: '203.0.113.7',
        method: 'GET',
        path: '/library',
        status: 401,
        reason: 'bad-credentials',
        rule: 'invalid',
        remedy: '[access] allowed_networks: add "203.0.113.7"',
      },
    ]);
  }),
);

refusals.run();
