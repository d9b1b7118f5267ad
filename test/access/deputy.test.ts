/** The deputy: whatever it decides alone the gate would have decided the same, and what counts it never decides. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../src/access/decision.ts';
import { Deputy, type DeputyFacts } from '../../src/access/deputy.ts';
import { loadSessionKey, Sessions } from '../../src/access/session.ts';
import type { Peer, RequestHead } from '../../src/http/request.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { CLAIMED, type GateBench, UNKNOWN, withGate, ZONE } from './gate-bench.ts';
import { Choices } from './random.ts';
import { headOf, peerAt } from './requests.ts';

const LISTED = peerAt('192.168.1.20');
const OUTSIDE = peerAt('203.0.113.7');
const SEED = 20_261_122;
const ROUNDS = 4_000;

const deputies = suite('the deputy');

interface Attended {
  readonly deputy: Deputy;
  /** Requests that the gate was asked about. */
  readonly asked: RequestHead[];
  readonly validFrom: string[];
  readonly facts: DeputyFacts;
}

/** A deputy of the bench's gate. `isDeaf`: the gate does not answer. `isStale`: it was silent for long. */
async function deputyOf(bench: GateBench, { isDeaf = false, isStale = false } = {}): Promise<Attended> {
  const { gate, settings, state } = bench;
  const asked: RequestHead[] = [];
  const validFrom: string[] = [];
  const facts = { settings, sessionKey: await loadSessionKey(state), server: bench.view };
  const deputy = new Deputy(
    {
      clientOf: (head, peer) => gate.clientOf(head, peer),
      names: {
        covers: (name) => name.endsWith(`.${ZONE}`),
        zones: () => [ZONE],
        published: undefined,
        isOwnAddress: (address) => address === '192.168.1.10',
      },
      machineName: 'nas',
      ask: async (head, peer) => {
        asked.push(head);
        if (isDeaf) return undefined;
        return { decision: await gate.decide(head, peer), validForMs: gate.validForMs(head) };
      },
      onValidFrom: (address) => validFrom.push(address),
      isCurrent: () => !isStale,
    },
    facts,
  );
  return { deputy, asked, validFrom, facts };
}

/** The decision, and whether the deputy made it alone. */
async function decided({ deputy, asked }: Attended, head: RequestHead, peer: Peer) {
  const before = asked.length;
  const decision = await deputy.decide(head, peer);
  return { decision, isAlone: asked.length === before };
}

const withToken = (token: string) => headOf('GET /library', { 'X-Plex-Token': token });

deputies('asks about credentials once, and then knows them for as long as the gate does', () =>
  withGate(async (bench) => {
    const attended = await deputyOf(bench);
    const first = await decided(attended, withToken(OWNER_TOKEN), OUTSIDE);
    assert.is(first.decision.rule, 'valid');
    assert.is(first.isAlone, false);
    const second = await decided(attended, withToken(OWNER_TOKEN), OUTSIDE);
    assert.is(second.decision.rule, 'valid');
    assert.is(second.isAlone, true);
    attended.deputy.forget();
    assert.is((await decided(attended, withToken(OWNER_TOKEN), OUTSIDE)).isAlone, false);
  }),
);

deputies('decides nothing alone once the gate was silent for long', () =>
  withGate(async (bench) => {
    const attended = await deputyOf(bench, { isStale: true });
    for (let round = 0; round < 2; round += 1) {
      assert.is((await decided(attended, withToken(OWNER_TOKEN), OUTSIDE)).isAlone, false);
      assert.is((await decided(attended, headOf('GET /library'), LISTED)).isAlone, false);
    }
  }),
);

deputies('does not learn from an answer that was given before it had to forget', () =>
  withGate(async (bench) => {
    const attended = await deputyOf(bench);
    const asking = attended.deputy.decide(withToken(OWNER_TOKEN), OUTSIDE);
    attended.deputy.forget();
    await asking;
    assert.is((await decided(attended, withToken(OWNER_TOKEN), OUTSIDE)).isAlone, false);
  }),
);

deputies('never refuses by itself, however often', () =>
  withGate(async (bench) => {
    const attended = await deputyOf(bench);
    for (const head of [
      headOf('GET /library'),
      withToken('made-up'),
      withToken('made-up'),
      headOf('GET /.lockgate/'),
    ]) {
      const { decision, isAlone } = await decided(attended, head, OUTSIDE);
      assert.is(decision.action, 'refuse');
      assert.is(isAlone, false);
    }
    assert.is(bench.gate.refusals.length > 0, true);
  }),
);

deputies('lets the gate count guesses: none is added, none is lost', () =>
  withGate(async (bench) => {
    const attended = await deputyOf(bench);
    const statuses: unknown[] = [];
    for (const token of ['a', 'b', 'c', 'd', 'a']) {
      const { decision } = await decided(attended, withToken(`guess-${token}`), OUTSIDE);
      statuses.push('status' in decision && decision.status);
    }
    assert.equal(statuses, [401, 401, 401, 429, 401]);
  }),
);

deputies('decides nothing without an answer: 503', () =>
  withGate(async (bench) => {
    const { deputy } = await deputyOf(bench, { isDeaf: true });
    const decision = await deputy.decide(withToken(OWNER_TOKEN), OUTSIDE);
    assert.is(decision.action === 'refuse' && decision.status, 503);
    assert.is(((await deputy.decide(headOf('GET /library'), LISTED)) as Decision).rule, 'admitted');
  }),
);

deputies('passes nothing on once the server cannot be reached, before the gate has had a look', () =>
  withGate(async (bench) => {
    const attended = await deputyOf(bench);
    assert.is((await decided(attended, headOf('GET /library'), LISTED)).isAlone, true);
    attended.deputy.close();
    bench.view = UNKNOWN;
    const closed = await decided(attended, headOf('GET /library'), LISTED);
    assert.is(closed.isAlone, false);
    assert.is(closed.decision.rule, 'claim-guard');
    bench.view = CLAIMED;
    attended.deputy.configure({ ...attended.facts, server: CLAIMED });
    assert.is((await decided(attended, headOf('GET /library'), LISTED)).isAlone, true);
  }),
);

deputies('tells from where valid credentials came, once', () =>
  withGate(async (bench) => {
    const attended = await deputyOf(bench);
    for (let time = 0; time < 3; time += 1) await decided(attended, withToken(OWNER_TOKEN), OUTSIDE);
    assert.equal(attended.validFrom, [OUTSIDE.address]);
  }),
);

deputies('has the gate hear of a masked address, once', () =>
  withGate(async (bench) => {
    const attended = await deputyOf(bench);
    await decided(attended, withToken(OWNER_TOKEN), OUTSIDE);
    const masked = peerAt('172.17.0.1');
    assert.is((await decided(attended, withToken(OWNER_TOKEN), masked)).isAlone, false);
    assert.is((await decided(attended, withToken(OWNER_TOKEN), masked)).isAlone, true);
    assert.is(bench.gate.maskedPeers.length, 1);
  }),
);

deputies('decides alone only what the gate would have decided the same, whatever is asked', () =>
  withGate(async (bench) => {
    const attended = await deputyOf(bench);
    const { pinHash, sessionLifetimeMs: lifetimeMs } = bench.settings;
    const { sessionKey: key } = attended.facts;
    const sessions = new Sessions({ key, pinHash, lifetimeMs });
    const cookie = sessions.open(true).split(';', 1)[0] ?? '';
    const choices = new Choices(SEED);
    let alone = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const head = randomHead(choices, cookie);
      const peer = randomPeer(choices);
      const { decision, isAlone } = await decided(attended, head, peer);
      if (!isAlone) continue;
      alone += 1;
      assert.equal(decision, await bench.gate.decide(head, peer), `${head.method} ${head.target} ${peer.address}`);
      assert.is.not(decision.action, 'refuse');
      assert.is.not(decision.action, 'page');
    }
    assert.ok(alone > ROUNDS / 10, `${alone} of ${ROUNDS} were sure`);
  }, FOR_RANDOM),
);

/** The wall clock of the cookie; and guesses without end, so that the gate does not answer everything with 429. */
const FOR_RANDOM = { settings: { authFailures: 1_000_000 }, options: { wallNow: Date.now } };

function randomHead(choices: Choices, cookie: string): RequestHead {
  const method = choices.of(['GET', 'GET', 'GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS']);
  const path = choices.of([
    '/',
    '/library',
    '/library/sections',
    '/library/metadata/1/refresh',
    '/identity',
    '/web/index.html',
    '/hubs',
    '/:/prefs',
    '/myplex/claim?token=claim-x',
    '/.lockgate/',
    '/.lockgate/health',
    '/.lockgate/setup',
    '/.LOCKGATE/health',
    '/.lockgate%2fsetup',
    '//library',
    '/web/..%2flibrary',
    '/.well-known/acme-challenge/x',
  ]);
  const headers: Record<string, string> = {};
  if (choices.chance(0.4)) headers['X-Plex-Token'] = choices.of([OWNER_TOKEN, OWNER_TOKEN, 'made-up', '']);
  if (choices.chance(0.2)) headers['Cookie'] = choices.of([cookie, `${cookie}x`, 'lockgate=1.2.3']);
  if (choices.chance(0.2))
    headers['Host'] = choices.of([`192-168-1-10.${ZONE}`, `1-2-3-4.${ZONE}`, 'evil.example', 'nas']);
  if (choices.chance(0.2)) headers['Origin'] = choices.of(['https://evil.example', 'https://app.plex.tv', 'null']);
  if (choices.chance(0.2)) headers['Accept'] = 'text/html';
  if (method === 'OPTIONS' && choices.chance()) headers['Access-Control-Request-Method'] = 'GET';
  return headOf(`${method} ${path}`, headers);
}

function randomPeer(choices: Choices): Peer {
  const address = choices.of(['192.168.1.20', '192.168.1.30', '203.0.113.7', '172.17.0.1', '127.0.0.1']);
  return peerAt(address, { tls: choices.chance(0.8) });
}

deputies.run();
