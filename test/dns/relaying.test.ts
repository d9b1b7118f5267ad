import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askTcp, askUdp } from './ask.ts';
import { type Asked, a, answerTo, honest } from './fake-upstream.ts';
import { addresses, TRUTH, withUpstream } from './upstream-scene.ts';

const relaying = suite('relaying');

relaying('asks with recursion, our EDNS size, and nothing else of the asker', async () => {
  await withUpstream(honest(), async ({ port, upstream }) => {
    const cookie = { code: 10, data: Buffer.alloc(8) } as never;
    const reply = await askUdp(
      'WwW.Example',
      'A',
      { port },
      { id: 7, edns: { udpPayloadSize: 4096, options: [cookie] } },
    );
    assert.equal(reply.answers, [TRUTH]);
    assert.is(reply.packet.id, 7);
    assert.is(reply.packet.questions?.[0]?.name, 'WwW.Example');
    assert.ok(reply.recursionAvailable);
    assert.not.ok(reply.isAuthoritative);
    const { query } = upstream.asked[0]!;
    const opt = query.additionals?.[0] as unknown as { udpPayloadSize: number; options: unknown[] };
    assert.equal([query.flag_rd, opt.udpPayloadSize, opt.options.length], [true, 1232, 0]);
  });
});

relaying('keeps every byte of what it does not understand', async () => {
  const rdata = Buffer.from('0403feff00616263', 'hex');
  const answers = [
    { type: 'TXT', name: 'www.example', ttl: 60, data: [Buffer.from([0, 255, 128]), Buffer.from('two')] },
    { type: 'UNKNOWN_65280', name: 'www.example', ttl: 60, data: rdata },
  ] as never;
  await withUpstream(
    ({ bytes, send }) => send(answerTo(bytes, { answers })),
    async ({ port, upstream }) => {
      const reply = await askUdp('www.example', 'TXT', { port });
      const sent = answerTo(upstream.asked[0]!.bytes, { answers });
      assert.equal(
        reply.bytes.subarray(reply.bytes.indexOf(Buffer.from([0, 255, 128])) - 10),
        sent.subarray(sent.indexOf(Buffer.from([0, 255, 128])) - 10),
      );
    },
  );
});

relaying('without upstreams and without RD a foreign name is refused', async () => {
  await withUpstream(honest(), async ({ port, upstream }) => {
    assert.is((await askUdp('www.example', 'A', { port }, { flags: 0 })).rcode, 'REFUSED');
    assert.is(upstream.asked.length, 0);
  });
});

relaying('an answer too long for the asker is truncated, and whole over TCP', async () => {
  const answers = Array.from({ length: 40 }, (_, index) => a('www.example', `9.9.9.${index + 1}`));
  const handle = ({ bytes, send, transport }: Asked) =>
    send(transport === 'udp' ? answerTo(bytes, { flags: 0x200 }) : answerTo(bytes, { answers }));
  await withUpstream(handle, async ({ port, upstream }) => {
    for (const edns of [undefined, { udpPayloadSize: 700 }, { udpPayloadSize: 65_000 }]) {
      const reply = await askUdp('www.example', 'A', { port }, edns === undefined ? {} : { edns });
      const fits = (edns?.udpPayloadSize ?? 512) > 1000;
      assert.is(reply.isTruncated, !fits);
      assert.is(reply.answers.length, fits ? 40 : 0);
      assert.ok(reply.bytes.length <= Math.min(1232, edns?.udpPayloadSize ?? 512));
    }
    assert.is((await askTcp('www.example', 'A', { port })).answers.length, 40);
    assert.equal(
      upstream.asked.map(({ transport }) => transport),
      ['udp', 'tcp'],
      'the truncated answer was fetched over TCP, once',
    );
  });
});

relaying('an upstream that knows no EDNS is asked again without', async () => {
  const handle = (asked: Asked) => {
    if ((asked.query.additionals ?? []).length > 0) asked.send(answerTo(asked.bytes, { rcode: 1 }));
    else honest()(asked);
  };
  await withUpstream(handle, async ({ port }) => assert.equal(await addresses(port), [TRUTH]));
});

relaying('reverse names of private addresses stay at home', async () => {
  const names = [
    '10.1.168.192.in-addr.arpa',
    '1.0.0.10.in-addr.arpa',
    '1.16.172.in-addr.arpa',
    'lb._dns-sd._udp.0.1.168.192.in-addr.arpa',
    '1.0.0.127.in-addr.arpa',
    '1.1.254.169.in-addr.arpa',
    '1.0.64.100.in-addr.arpa',
    `1.${'0.'.repeat(29)}d.f.ip6.arpa`,
    `1.${'0.'.repeat(28)}8.e.f.ip6.arpa`,
    `x.1.${'0.'.repeat(31)}ip6.arpa`,
  ];
  await withUpstream(honest(), async ({ port, upstream }) => {
    for (const name of names) {
      const reply = await askUdp(name, 'PTR', { port });
      assert.is(reply.rcode, 'NXDOMAIN', name);
      assert.is(reply.packet.authorities?.[0]?.type, 'SOA', name);
    }
    assert.is((await askUdp('168.192.in-addr.arpa', 'PTR', { port })).rcode, 'NOERROR', 'the zone itself exists');
    assert.is(upstream.asked.length, 0);
    await askUdp('1.1.1.1.in-addr.arpa', 'PTR', { port });
    await askUdp('1.32.172.in-addr.arpa', 'PTR', { port });
    assert.is(upstream.asked.length, 2, 'public ones are forwarded');
  });
});

relaying.run();
