import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Supposition } from '../../src/access/explain.ts';
import { GatewayError } from '../../src/lib/errors.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { CLAIMED, type GateBench, withGate, ZONE } from './gate-bench.ts';
import { headOf, peerAt } from './requests.ts';

const LISTENER = { address: '192.168.1.10', port: 32400 };
const explainWith = ({ gate }: GateBench, supposition: Supposition) => gate.explain(supposition, LISTENER);

const explain = suite('explain');

explain('says what would happen, by which rule, from which facts, and what would change it', () =>
  withGate(async (bench) => {
    const explanation = await explainWith(bench, { from: '203.0.113.7' });
    assert.is(explanation.rule, 'default');
    assert.is(explanation.action, 'refuse');
    assert.match(explanation.outcome, '401 no-credentials');
    assert.is(explanation.change, '[access] allowed_networks: add "203.0.113.7"');
    assert.is(explanation.facts['client'], '203.0.113.7');
    assert.is(explanation.facts['place'], 'outside');
    assert.is(explanation.facts['list in force'], 'yes (home-unknown: whether Plex Home is on is not known)');
    assert.is(explanation.facts['server'], 'Plex Media Server, claimed');
  }),
);

explain('supposes everything that a client may bring', () =>
  withGate(async (bench) => {
    const ruleOf = async (supposition: Partial<Supposition>) =>
      (await explainWith(bench, { from: '192.168.1.30', ...supposition })).rule;
    assert.is(await ruleOf({}), 'default');
    assert.is(await ruleOf({ from: '::ffff:192.168.1.20' }), 'admitted');
    assert.is(await ruleOf({ from: '192.168.1.20', path: '/myplex/account' }), 'viewer-only');
    assert.is(await ruleOf({ from: '192.168.1.20', method: 'delete', path: '/library/metadata/5' }), 'viewer-only');
    assert.is(await ruleOf({ from: '192.168.1.20', origin: 'https://other.example' }), 'origin');
    assert.is(await ruleOf({ token: OWNER_TOKEN }), 'valid');
    assert.is(await ruleOf({ token: 'made-up' }), 'invalid');
    assert.is(await ruleOf({ hasSession: true }), 'session');
    assert.is(await ruleOf({ hasSession: true, isPlain: true }), 'session');
    assert.is(await ruleOf({ host: 'evil.example' }), 'host');
    assert.is(await ruleOf({ host: `192-168-1-10.${ZONE}:32400` }), 'default');
    assert.is(await ruleOf({ path: '/identity?x=1' }), 'identity');
  }),
);

explain('speaks of a redirect over plain HTTP where TLS is required', () =>
  withGate(
    async (bench) => {
      const { outcome, change } = await explainWith(bench, { from: '192.168.1.20', isPlain: true });
      assert.match(outcome, `https://192-168-1-10.${ZONE}:32400/`);
      assert.match(change ?? '', 'secure_connections');
    },
    { settings: { requireTls: true } },
  ),
);

explain('leaves no trace: nobody is throttled, nothing is remembered', () =>
  withGate(async (bench) => {
    for (let index = 0; index < 10; index++) {
      assert.is((await explainWith(bench, { from: '203.0.113.7', token: `made-up-${index}` })).rule, 'invalid');
    }
    assert.equal(bench.gate.refusals, []);
  }),
);

explain('waits for the server’s state as a request would', () =>
  withGate(async (bench) => {
    bench.view = { ...CLAIMED, state: 'unknown', unknownBecause: 'starting' };
    bench.nextView = CLAIMED;
    assert.is((await explainWith(bench, { from: '192.168.1.20' })).rule, 'admitted');
  }),
);

for (const [unknownBecause, words] of [
  ['starting', 'not found yet'],
  ['down', 'Plex Media Server, away'],
  ['other-server', 'Plex Media Server, another one than expected'],
] as const) {
  explain(`says of a server whose state is not known: ${words}`, () =>
    withGate(async (bench) => {
      bench.view = { ...CLAIMED, state: 'unknown', unknownBecause };
      assert.is((await explainWith(bench, { from: '192.168.1.20' })).facts['server'], words);
    }),
  );
}

explain('tells the sender of a request what it would get elsewhere, with all that it brings along but its page', () =>
  withGate(async ({ gate }) => {
    const ruleOf = async (headers: Record<string, string>, address: string) =>
      (await gate.explainTo(headOf('POST /.lockgate/', headers), peerAt(address), '/library')).rule;
    assert.is(await ruleOf({ Referer: 'https://elsewhere.example/', Accept: 'text/html' }, '192.168.1.20'), 'admitted');
    assert.is(await ruleOf({}, '192.168.1.21'), 'default');
    assert.is(await ruleOf({ 'X-Plex-Token': OWNER_TOKEN }, '203.0.113.7'), 'valid');
  }),
);

explain('does not guess what cannot be read', () =>
  withGate(async (bench) => {
    for (const supposition of [
      { from: 'nas' },
      { from: '127.1' },
      { from: '192.168.1.20', path: 'library' },
      { from: '192.168.1.20', path: '/a b' },
    ]) {
      const error = await explainWith(bench, supposition).catch((reason: unknown) => reason);
      assert.ok(error instanceof GatewayError && error.code === 'usage', JSON.stringify(supposition));
    }
  }),
);

explain.run();
