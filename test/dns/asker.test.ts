import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decode, question } from './ask.ts';
import { bareResponder } from './responder.ts';
import { GATEWAY, GATEWAY_V6, network, PUBLIC, SECOND_LAN_GATEWAY, SERVER, ZONE } from './site.ts';

const PUBLIC_NAME = `84-112-33-7.${ZONE}`;

const networks = suite("the asker's network");

networks('decides which address of the gateway an exact name and the public address lead to', () => {
  const { ask } = bareResponder();
  const answer = (asker: string, name: string, type: string) => decode(ask(question(name, type), asker)!).answers;
  assert.equal(answer('192.168.1.77', PUBLIC_NAME, 'A'), [GATEWAY]);
  assert.equal(answer('10.7.0.77', PUBLIC_NAME, 'A'), [SECOND_LAN_GATEWAY]);
  assert.equal(answer('10.7.0.77', 'films.example.org', 'A'), [SECOND_LAN_GATEWAY]);
  assert.equal(
    answer('fd00::77', 'films.example.org', 'A'),
    [GATEWAY],
    'the IPv4 address on the interface that it asked on',
  );
  assert.equal(
    answer('10.7.0.77', 'films.example.org', 'AAAA'),
    [GATEWAY_V6],
    'no IPv6 there: the first of that family',
  );
});

networks('does not matter for a name whose own network the gateway is on', () => {
  const { ask } = bareResponder({ values: { serverAddresses: [SERVER, '10.7.0.10'] } });
  assert.equal(decode(ask(question(`10-7-0-10.${ZONE}`, 'A'), '192.168.1.77')!).answers, [SECOND_LAN_GATEWAY]);
});

networks('is that of the interface for a link-local asker', () => {
  const { ask } = bareResponder();
  assert.equal(decode(ask(question('films.example.org', 'A'), 'fe80::1234%guests')!).answers, [SECOND_LAN_GATEWAY]);
});

networks('unknown, as behind another router: the first address', () => {
  const { ask } = bareResponder();
  assert.equal(decode(ask(question(PUBLIC_NAME, 'A'), '172.20.1.1')!).answers, [GATEWAY]);
});

networks('published addresses that this host does not have are given to everybody', () => {
  const { ask } = bareResponder({
    values: { gatewayAddresses: ['192.168.50.2'], networks: [network('eth0', '172.17.0.2', '172.17.0.0/16')] },
  });
  assert.equal(decode(ask(question(`192-168-1-10.${ZONE}`, 'A'), '192.168.50.9')!).answers, ['192.168.50.2']);
  assert.equal(decode(ask(question(`84-112-33-7.${ZONE}`, 'A'), '172.17.0.1')!).answers, ['192.168.50.2']);
  assert.is(PUBLIC, '84.112.33.7');
});

networks.run();

const rate = suite('rate limit');

/** How many of `count` questions at once got an answer: twice what a second gives, and what came back meanwhile. */
function answeredOf(count: number, perSecond: number, ask: () => Buffer | undefined): number {
  const startedMs = performance.now();
  const answered = Array.from({ length: count }, ask).filter((reply) => reply !== undefined).length;
  const cameBack = (perSecond * (performance.now() - startedMs)) / 1000;
  assert.ok(answered >= 2 * perSecond && answered <= 2 * perSecond + cameBack, `${answered} of ${count}`);
  return answered;
}

rate('an asker over its rate gets silence, others go on, and time gives it questions back', async () => {
  const { ask, counters } = bareResponder({ questionsPerSecond: 20 });
  const message = question(`192-168-1-10.${ZONE}`, 'A');
  const answered = answeredOf(100, 20, () => ask(message, '192.168.1.77'));
  assert.is(counters.rateLimited, 100 - answered);
  assert.ok(ask(message, '192.168.1.78'));
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.ok(ask(message, '192.168.1.77'));
});

rate('holds for refused and malformed questions, too', () => {
  const { ask } = bareResponder({ questionsPerSecond: 5, allows: () => false });
  answeredOf(30, 5, () => ask(question('x.example', 'A'), '203.0.113.9'));
});

rate('does not hold for forwarders on loopback, which stand for everybody', () => {
  const { ask } = bareResponder({ questionsPerSecond: 5 });
  const message = question(`192-168-1-10.${ZONE}`, 'A');
  for (let count = 0; count < 100; count++) assert.ok(ask(message, count % 2 === 0 ? '127.0.0.1' : '::1'));
});

rate.run();
