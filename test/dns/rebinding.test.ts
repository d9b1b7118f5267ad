import type { Answer } from 'dns-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askTcp, askUdp } from './ask.ts';
import { type Asked, a, answerTo } from './fake-upstream.ts';
import { withUpstream } from './upstream-scene.ts';

const NAME = 'www.example';
const HTTPS = 65;

function aaaa(name: string, address: string): Answer {
  return { type: 'AAAA', name, ttl: 300, data: address };
}

function cname(name: string, target: string): Answer {
  return { type: 'CNAME', name, ttl: 300, data: target };
}

/** An HTTPS or SVCB record: priority 1, target the owner itself, parameters as given. */
function binding(name: string, parameters: readonly { key: number; value: Buffer }[], type = HTTPS): Answer {
  const encoded = parameters.map(({ key, value }) => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(key, 0);
    head.writeUInt16BE(value.length, 2);
    return Buffer.concat([head, value]);
  });
  const data = Buffer.concat([Buffer.of(0, 1, 0), ...encoded]);
  return { type: `UNKNOWN_${type}`, name, ttl: 300, data } as never;
}

const ALPN = { key: 1, value: Buffer.from('\x02h2', 'latin1') };
const ipv4Hint = (...octets: number[]) => ({ key: 4, value: Buffer.from(octets) });
const ipv6Hint = (hex: string) => ({ key: 6, value: Buffer.from(hex, 'hex') });

interface Case {
  readonly name?: string;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly additionals?: readonly Answer[];
}

/** Whether the answer comes through, over UDP and TCP. */
async function passes(parts: Case): Promise<boolean> {
  let comesThrough = false;
  const handle = ({ bytes, send }: Asked) => send(answerTo(bytes, parts));
  await withUpstream(handle, async ({ service, port }) => {
    const name = parts.name ?? NAME;
    const overUdp = await askUdp(name, 'A', { port });
    const overTcp = await askTcp(name, 'A', { port });
    assert.equal(overTcp.packet.answers, overUdp.packet.answers);
    assert.is(overUdp.rcode, 'NOERROR');
    comesThrough = overUdp.packet.answers!.length > 0;
    const records =
      overUdp.packet.answers!.length + overUdp.packet.authorities!.length + overUdp.packet.additionals!.length;
    if (!comesThrough) assert.is(records, 0, 'nothing at all comes through');
    assert.is(service.counters().withheldAsRebinding, comesThrough ? 0 : 1);
  });
  return comesThrough;
}

const addresses = suite('private addresses in upstream answers');

addresses('are withheld, whatever their form', async () => {
  const inside = {
    A: [
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '127.0.0.1',
      '127.255.0.1',
      '169.254.169.254',
      '0.0.0.0',
      '0.1.2.3',
    ],
    AAAA: [
      '::',
      '::1',
      'fe80::1',
      'febf::1',
      'fc00::1',
      'fdff::1',
      '::ffff:192.168.1.1',
      '::ffff:7f00:1',
      '64:ff9b::c0a8:101',
      '2002:c0a8:101::1',
      '::192.168.1.1',
    ],
  };
  for (const address of inside.A) assert.not.ok(await passes({ answers: [a(NAME, address)] }), address);
  for (const address of inside.AAAA) assert.not.ok(await passes({ answers: [aaaa(NAME, address)] }), address);
});

addresses('public ones pass', async () => {
  for (const address of ['93.184.216.34', '172.32.0.1', '192.167.0.1', '11.0.0.1', '100.64.0.1', '169.253.0.1']) {
    assert.ok(await passes({ answers: [a(NAME, address)] }), address);
  }
  for (const address of ['2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808', '2002:808:808::1']) {
    assert.ok(await passes({ answers: [aaaa(NAME, address)] }), address);
  }
});

addresses('are found behind any number of public ones, and at the end of a chain of aliases', async () => {
  assert.not.ok(await passes({ answers: [a(NAME, '9.9.9.9'), a(NAME, '8.8.8.8'), a(NAME, '192.168.1.1')] }));
  const chain = [
    cname(NAME, 'one.example'),
    cname('one.example', 'two.other'),
    cname('two.other', 'three.plex.direct'),
  ];
  assert.not.ok(await passes({ answers: [...chain, a('three.plex.direct', '192.168.1.1')] }));
  assert.ok(await passes({ answers: [...chain, a('three.plex.direct', '9.9.9.9')] }));
});

addresses('are found in every section', async () => {
  assert.not.ok(await passes({ answers: [a(NAME, '9.9.9.9')], additionals: [a('ns.example', '192.168.1.1')] }));
  assert.not.ok(await passes({ answers: [a(NAME, '9.9.9.9')], authorities: [a('ns.example', '10.1.1.1')] }));
});

addresses('are found in the hints of HTTPS and SVCB records', async () => {
  assert.not.ok(await passes({ answers: [binding(NAME, [ALPN, ipv4Hint(9, 9, 9, 9, 192, 168, 1, 1)])] }));
  assert.not.ok(await passes({ answers: [binding(NAME, [ipv6Hint('fd000000000000000000000000000001')])] }));
  assert.not.ok(await passes({ answers: [binding(NAME, [ipv6Hint('00000000000000000000ffffc0a80101')])] }));
  assert.not.ok(await passes({ answers: [binding(NAME, [ALPN, ipv4Hint(10, 0, 0, 1)], 64)] }));
  assert.ok(
    await passes({
      answers: [binding(NAME, [ALPN, ipv4Hint(9, 9, 9, 9), ipv6Hint('26064700000000000000000000001111')])],
    }),
  );
  assert.ok(await passes({ answers: [binding(NAME, [ALPN])] }));
});

addresses('may stand in answers for rebind_allow, and only there', async () => {
  const privateAnswer = (name: string) => ({ name, answers: [a(name, '192.168.1.1')] });
  assert.ok(await passes(privateAnswer('192-168-1-1.abcdef.plex.direct')));
  assert.ok(await passes(privateAnswer('PLEX.direct')));
  assert.not.ok(await passes(privateAnswer('xplex.direct')));
  assert.not.ok(await passes(privateAnswer('plex.direct.example')));
  assert.ok(
    await passes({
      name: 'a.plex.direct',
      answers: [cname('a.plex.direct', 'b.example'), a('b.example', '192.168.1.1')],
    }),
  );
});

addresses(
  'are logged with the name, the address and the key that lets them pass; the next question is not sent on',
  async () => {
    const logged: unknown[] = [];
    const log = { debug() {}, info() {}, error() {}, warn: (fields: unknown) => logged.push(fields) };
    const handle = ({ bytes, send }: Asked) => send(answerTo(bytes, { answers: [a(NAME, '192.168.1.1')] }));
    await withUpstream(
      handle,
      async ({ service, port, upstream }) => {
        await askUdp(NAME, 'A', { port });
        await askUdp(NAME, 'A', { port });
        assert.is(upstream.asked.length, 1);
        assert.is(service.counters().withheldAsRebinding, 1);
        assert.equal(logged, [
          {
            name: NAME,
            address: '192.168.1.1',
            hint: 'if this name may lead inside, add its zone to dns.rebind_allow',
          },
        ]);
      },
      { log },
    );
  },
);

addresses('a flood of made-up names fills no log: every one is counted, twenty a minute are named', async () => {
  let lines = 0;
  const log = { debug() {}, info() {}, error() {}, warn: () => void lines++ };
  const handle = ({ bytes, send }: Asked) => send(answerTo(bytes, { answers: [a(NAME, '192.168.1.1')] }));
  await withUpstream(
    handle,
    async ({ service, port }) => {
      for (let count = 0; count < 50; count++) await askUdp(`n${count}.example`, 'A', { port });
      assert.is(service.counters().withheldAsRebinding, 50);
      assert.is(lines, 20);
    },
    { log },
  );
});

addresses('cannot hide in records that cannot be read', async () => {
  const unreadable = [
    binding(NAME, [ipv4Hint(192, 168, 1)]),
    binding(NAME, [ipv6Hint('fd00')]),
    { type: 'UNKNOWN_65', name: NAME, ttl: 9, data: Buffer.of(0, 1, 0xc0) } as never,
    { type: 'UNKNOWN_65', name: NAME, ttl: 9, data: Buffer.of(0, 1, 0, 0, 4, 0, 99, 192, 168, 1, 1) } as never,
    { type: 'UNKNOWN_65', name: NAME, ttl: 9, data: Buffer.of(0, 1, 0, 0, 4) } as never,
  ];
  for (const answer of unreadable) {
    const handle = ({ bytes, send }: Asked) => send(answerTo(bytes, { answers: [answer] }));
    await withUpstream(handle, async ({ port }) => {
      const reply = await askUdp(NAME, 'HTTPS', { port });
      assert.equal([reply.rcode, reply.answers.length], ['SERVFAIL', 0]);
    });
  }
});

addresses('a thousand addresses are no answer', async () => {
  const answers = Array.from({ length: 200 }, (_, index) => a(NAME, `9.9.9.${index}`));
  const handle = ({ bytes, send, transport }: Asked) =>
    send(transport === 'udp' ? answerTo(bytes, { flags: 0x200 }) : answerTo(bytes, { answers }));
  await withUpstream(handle, async ({ port }) => assert.is((await askTcp(NAME, 'A', { port })).rcode, 'SERVFAIL'));
});

addresses.run();
