/** What the real miniupnpd refuses, and that nothing of it stays behind, nor anything of others is touched. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluateLater, WAN_ADDRESS } from '../support/home-network.ts';
import { againstMiniupnpd, forwarded, onHost, PRELUDE, withHome } from '../support/mappers-in-namespace.ts';

const refusals = suite('refusals of miniupnpd');
const test = againstMiniupnpd(refusals);

test('a port outside the range of the router is refused in every protocol, and nothing is left behind', () =>
  withHome('public', async (home) => {
    await home.startPortMapping();
    const answers = (await onHost(
      home,
      `const low = { internalPort: 32443, externalPort: 80 };
       const answers = [];
       for (const mapper of await collect(natMappers(way, nonce))) answers.push(await mapper.map(low, 3600));
       console.log(JSON.stringify(answers));`,
    )) as { outcome: string; remedy: string }[];
    assert.is(answers.length, 3);
    for (const { outcome, remedy } of answers) {
      assert.is(outcome, 'refused');
      assert.match(remedy, /1024 to 65535/);
    }
    assert.equal(forwarded(home), []);
  }));

test("a port that another machine has stays that machine's", () =>
  withHome('public', async (home) => {
    await home.startPortMapping();
    const other = await home.addHost(9);
    await evaluateLater(
      other,
      `${PRELUDE} const [, mapper] = await collect(natMappers(way, nonce));
       console.log(JSON.stringify(await mapper.map({ internalPort: 5000, externalPort: 32400 }, 3600)));`,
    );
    const answers = (await onHost(
      home,
      `const answers = [];
       for (const mapper of await collect(natMappers(way, nonce))) {
         answers.push(await mapper.map(wish, 3600));
         await mapper.unmap({ ...wish, externalAddress: undefined, leaseSeconds: 3600, isOurs: true });
       }
       console.log(JSON.stringify(answers));`,
    )) as { outcome: string; reason: string }[];
    for (const { outcome } of answers) assert.is(outcome, 'refused');
    assert.match(answers[2]?.reason ?? '', 'port 32400 of the router leads to 192.168.7.9:5000 already');
    assert.equal(forwarded(home), ['32400 192.168.7.9:5000']);
  }));

for (const uplink of ['double', 'carrier'] as const) {
  test(`a router whose outside address is not public (${uplink}) refuses everything, and still tells that address`, () =>
    withHome(uplink, async (home) => {
      await home.startPortMapping();
      const { outcomes, wan } = (await onHost(
        home,
        `const outcomes = [];
         for (const mapper of await collect(natMappers(way, nonce))) outcomes.push((await mapper.map(wish, 3600)).outcome);
         console.log(JSON.stringify({ outcomes, wan: await askWanAddress(way, nonce, () => findIgdMappers(way)) }));`,
      )) as { outcomes: string[]; wan: object };
      assert.equal(outcomes, ['refused', 'refused', 'refused']);
      assert.equal(wan, { address: WAN_ADDRESS[uplink], from: 'PCP' });
      assert.equal(forwarded(home), []);
    }));
}

test('without port mapping the router is silent, and its outside address is not known', () =>
  withHome('public', async (home) => {
    const { outcomes, wan } = (await onHost(
      home,
      `const outcomes = [];
       for (const mapper of await collect(natMappers(way, nonce))) outcomes.push((await mapper.map(wish, 3600)).outcome);
       console.log(JSON.stringify({ outcomes, wan: (await askWanAddress(way, nonce, () => findIgdMappers(way))) ?? 'unknown' }));`,
    )) as { outcomes: string[]; wan: string };
    assert.equal(outcomes, ['silent', 'silent']);
    assert.is(wan, 'unknown');
  }));

refusals.run();
