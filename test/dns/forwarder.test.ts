import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import packet from 'dns-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DnsOptions, DnsService } from '../../src/dns/server.ts';
import { askTcp, askUdp, decode, exchange, question } from './ask.ts';
import { type Asked, a, answerTo, type FakeUpstream, fakeUpstream, honest, soa } from './fake-upstream.ts';
import { withDns, ZONE } from './site.ts';

const TRUTH = '93.184.216.34';
const LIE = '66.66.66.66';

interface Scene {
  readonly service: DnsService;
  readonly port: number;
  readonly upstream: FakeUpstream;
}

async function withUpstream(
  handle: (asked: Asked) => void,
  story: (scene: Scene) => Promise<void>,
  changes: Partial<DnsOptions> = {},
): Promise<void> {
  const upstream = await fakeUpstream(handle);
  try {
    await withDns({ upstreams: [upstream.entry], ...changes }, (service, port) => story({ service, port, upstream }));
  } finally {
    await upstream.close();
  }
}

async function addresses(port: number, name = 'www.example', type = 'A'): Promise<unknown> {
  const reply = await askUdp(name, type, { port });
  return reply.rcode === 'NOERROR' ? reply.answers : reply.rcode;
}

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

const spoofing = suite('an upstream that lies');

spoofing('ids and ports are drawn anew for every question', async () => {
  await withUpstream(honest(TRUTH, 0), async ({ port, upstream }) => {
    for (let count = 0; count < 40; count++) await askUdp(`n${count}.example`, 'A', { port });
    const distinct = (values: readonly unknown[]) => new Set(values).size;
    assert.ok(distinct(upstream.asked.map(({ query }) => query.id)) > 35);
    assert.ok(distinct(upstream.asked.map((asked) => asked.port)) > 30);
  });
});

const lies: Record<string, (asked: Asked) => Buffer> = {
  'with another id': ({ bytes }) => {
    const lie = answerTo(bytes, { answers: [a('www.example', LIE)] });
    lie.writeUInt16BE((lie.readUInt16BE(0) + 1) & 0xffff, 0);
    return lie;
  },
  'to another name': ({ query }) => {
    const other = packet.encode({ type: 'query', id: query.id ?? 0, questions: [{ type: 'A', name: 'evil.example' }] });
    return answerTo(other, { answers: [a('evil.example', LIE)] });
  },
  'to another type': ({ query }) => {
    const other = packet.encode({
      type: 'query',
      id: query.id ?? 0,
      questions: [{ type: 'AAAA', name: 'www.example' }],
    });
    return answerTo(other, { answers: [a('www.example', LIE)] });
  },
  'that is a question': ({ bytes }) => {
    const lie = answerTo(bytes, { answers: [a('www.example', LIE)] });
    lie[2]! &= 0x7f;
    return lie;
  },
  'without a question': ({ bytes }) => {
    const lie = answerTo(bytes);
    lie.writeUInt16BE(0, 4);
    return lie;
  },
  'of three bytes': () => Buffer.of(1, 2, 3),
};
for (const [what, lie] of Object.entries(lies)) {
  spoofing(`an answer ${what} is ignored, the right one behind it is taken`, async () => {
    const handle = (asked: Asked) => {
      asked.send(lie(asked));
      honest()(asked);
    };
    await withUpstream(handle, async ({ port }) => assert.equal(await addresses(port), [TRUTH]));
  });
}

spoofing('an answer from another port is ignored', async () => {
  const handle = (asked: Asked) => {
    asked.sendFromElsewhere(answerTo(asked.bytes, { answers: [a('www.example', LIE)] }));
    setTimeout(() => honest()(asked), 50);
  };
  await withUpstream(handle, async ({ port }) => assert.equal(await addresses(port), [TRUTH]));
});

spoofing('with 0x20 an answer in another letter case is a forgery', async () => {
  const handle = (asked: Asked) => {
    if (asked.transport === 'udp') {
      const forged = answerTo(asked.bytes, { answers: [a('www.example', LIE)] });
      forged.write(forged.toString('latin1', 12, 25).toLowerCase(), 12, 'latin1');
      if (!forged.equals(answerTo(asked.bytes, { answers: [a('www.example', LIE)] }))) asked.send(forged);
    }
    setTimeout(() => honest()(asked), 30);
  };
  await withUpstream(
    handle,
    async ({ port, upstream }) => {
      for (let count = 0; count < 5; count++) assert.equal(await addresses(port, `w${count}w.example`), [TRUTH]);
      const names = upstream.asked.map(({ query }) => query.questions?.[0]?.name ?? '');
      assert.ok(
        names.some((name) => name !== name.toLowerCase()),
        names.join(' '),
      );
    },
    { randomCase: true },
  );
});

spoofing('a flood of guesses moves the question to TCP', async () => {
  const handle = (asked: Asked) => {
    if (asked.transport === 'tcp') return honest()(asked);
    for (let guess = 1; guess < 30; guess++) {
      const lie = answerTo(asked.bytes, { answers: [a('www.example', LIE)] });
      lie.writeUInt16BE((lie.readUInt16BE(0) + guess) & 0xffff, 0);
      asked.send(lie);
    }
  };
  await withUpstream(handle, async ({ port, upstream }) => {
    assert.equal(await addresses(port), [TRUTH]);
    assert.ok(upstream.asked.some(({ transport }) => transport === 'tcp'));
  });
});

const garbage: Record<string, (asked: Asked) => Buffer> = {
  'counts records that are not there': ({ bytes }) => {
    const message = answerTo(bytes, { answers: [a('www.example', LIE)] });
    message.writeUInt16BE(9, 6);
    return message;
  },
  'ends inside a record': ({ bytes }) => answerTo(bytes, { answers: [a('www.example', LIE)] }).subarray(0, -2),
  'has bytes behind its records': ({ bytes }) =>
    Buffer.concat([answerTo(bytes, { answers: [a('www.example', LIE)] }), Buffer.of(1)]),
  'has an A record of five bytes': ({ bytes }) => {
    const message = answerTo(bytes, { answers: [a('www.example', LIE)] });
    message.writeUInt16BE(5, message.length - 6);
    return Buffer.concat([message, Buffer.of(1)]);
  },
  'has ten thousand records': ({ bytes }) => {
    const message = answerTo(bytes);
    message.writeUInt16BE(5000, 6);
    return Buffer.concat([
      message,
      ...Array.from({ length: 5000 }, () => Buffer.from([0, 0, 16, 0, 1, 0, 0, 0, 9, 0, 0])),
    ]);
  },
  'has a name that points nowhere': ({ bytes }) => {
    const message = answerTo(bytes);
    message.writeUInt16BE(1, 6);
    return Buffer.concat([message, Buffer.of(0x80, 1, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 6, 6, 6, 6)]);
  },
};
for (const [what, make] of Object.entries(garbage)) {
  spoofing(`an answer that ${what} is not passed on; the next upstream is asked`, async () => {
    const second = await fakeUpstream(honest());
    const handle = (asked: Asked) => {
      const answer = make(asked);
      // Over UDP only what fits into a datagram can be sent.
      if (asked.transport === 'udp' && answer.length > 1232) asked.send(answerTo(asked.bytes, { flags: 0x200 }));
      else asked.send(answer);
    };
    await withUpstream(handle, async ({ upstream }) => {
      await withDns({ upstreams: [upstream.entry, second.entry] }, async (_, port) =>
        assert.equal(await addresses(port), [TRUTH]),
      );
    });
    await second.close();
  });
}

spoofing.run();

const caching = suite('the cache');

caching('answers again without asking, with the time that has passed taken off', async () => {
  await withUpstream(honest(TRUTH, 300), async ({ service, port, upstream }) => {
    await addresses(port);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const reply = await askUdp('WWW.example', 'A', { port }, { id: 3 });
    assert.equal(reply.answers, [TRUTH]);
    assert.is((reply.packet.answers?.[0] as { ttl?: number } | undefined)?.ttl, 299);
    assert.is(reply.packet.questions?.[0]?.name, 'WWW.example');
    assert.is(upstream.asked.length, 1);
    assert.equal([service.counters().forwarded, service.counters().cacheHits], [1, 1]);
  });
});

caching('a TTL of zero, or with its highest bit set, is not kept', async () => {
  for (const ttl of [0, 0x80000001]) {
    await withUpstream(honest(TRUTH, ttl), async ({ port, upstream }) => {
      await addresses(port);
      await addresses(port);
      assert.is(upstream.asked.length, 2);
    });
  }
});

caching('a denial is kept as long as its SOA says, and without one not at all', async () => {
  const denials: readonly [Parameters<typeof answerTo>[1], number][] = [
    [{ rcode: 3, authorities: [soa('example', { ttl: 300, minimum: 60 })] }, 1],
    [{ rcode: 0, authorities: [soa('example', { ttl: 300, minimum: 60 })] }, 1],
    [{ rcode: 3, authorities: [soa('example', { ttl: 300, minimum: 0 })] }, 2],
    [{ rcode: 3 }, 2],
    [{ rcode: 0 }, 2],
  ];
  for (const [denial, questions] of denials) {
    await withUpstream(
      ({ bytes, send }) => send(answerTo(bytes, denial)),
      async ({ port, upstream }) => {
        const first = await askUdp('no.example', 'A', { port });
        const second = await askUdp('no.example', 'A', { port });
        assert.is(second.rcode, first.rcode);
        assert.is(upstream.asked.length, questions, JSON.stringify(denial));
      },
    );
  }
});

caching('an alias without a target is a denial, kept as long as the shorter of both', async () => {
  const parts = {
    answers: [{ type: 'CNAME', name: 'www.example', ttl: 1, data: 'gone.example' } as const],
    authorities: [soa('example')],
  };
  await withUpstream(
    ({ bytes, send }) => send(answerTo(bytes, parts)),
    async ({ port, upstream }) => {
      await addresses(port);
      await addresses(port);
      assert.is(upstream.asked.length, 1);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await addresses(port);
      assert.is(upstream.asked.length, 2);
    },
  );
});

caching('askers with and without DO or CD get answers of their own', async () => {
  await withUpstream(honest(), async ({ port, upstream }) => {
    await askUdp('www.example', 'A', { port });
    await askUdp('www.example', 'A', { port }, { edns: { flags: 0x8000, flag_do: true } });
    await askUdp('www.example', 'A', { port }, { flags: 0x0110 });
    await askUdp('www.example', 'A', { port }, { edns: {} });
    assert.is(upstream.asked.length, 3);
  });
});

caching('equal questions at the same time are asked once', async () => {
  const held: Asked[] = [];
  await withUpstream(
    (asked) => held.push(asked),
    async ({ port, upstream }) => {
      const replies = Array.from({ length: 50 }, (_, id) => askUdp('www.example', 'A', { port }, { id }));
      while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 100));
      honest()(held[0]!);
      const all = await Promise.all(replies);
      assert.equal(
        all.map((reply) => reply.packet.id),
        Array.from({ length: 50 }, (_, id) => id),
      );
      assert.ok(all.every((reply) => reply.answers[0] === TRUTH));
      assert.is(upstream.asked.length, 1);
    },
  );
});

caching('cache_size = 0 keeps nothing', async () => {
  await withUpstream(
    honest(),
    async ({ port, upstream }) => {
      await addresses(port);
      await addresses(port);
      assert.is(upstream.asked.length, 2);
    },
    { cacheSize: 0 },
  );
});

caching('never holds more answers than it may', async () => {
  await withUpstream(
    honest(),
    async ({ port, upstream }) => {
      for (const round of [1, 2]) {
        for (let count = 0; count < 8; count++)
          assert.equal(await addresses(port, `n${count}.example`), [TRUTH], `${round}`);
      }
      assert.is(upstream.asked.length, 16);
    },
    { cacheSize: 4 },
  );
});

caching.run();

const failing = suite('when upstreams fail');

failing(
  'a stale answer is given when none answers, claims thirty seconds, and is replaced when one is back',
  async () => {
    await withUpstream(honest(TRUTH, 1), async ({ service, port, upstream }) => {
      await addresses(port);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      upstream.handle = ({ bytes, send }) => send(answerTo(bytes, { rcode: 2 }));
      const reply = await askUdp('www.example', 'A', { port });
      assert.equal(reply.answers, [TRUTH]);
      assert.is((reply.packet.answers?.[0] as { ttl?: number } | undefined)?.ttl, 30);
      const askedSoFar = upstream.asked.length;
      assert.equal(await addresses(port), [TRUTH]);
      assert.is(upstream.asked.length, askedSoFar, 'not asked again for a while');
      assert.is(service.counters().stale, 2);
    });
  },
);

failing('an asker with a stale answer waits less than two seconds for a silent upstream', async () => {
  await withUpstream(honest(TRUTH, 1), async ({ port, upstream }) => {
    await addresses(port);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    upstream.handle = () => {};
    const started = performance.now();
    assert.equal(await addresses(port), [TRUTH]);
    const took = performance.now() - started;
    assert.ok(took > 1500 && took < 2500, `${took} ms`);
  });
});

failing('SERVFAIL when none answers and nothing is remembered, within five seconds', async () => {
  await withUpstream(
    () => {},
    async ({ service, port, upstream }) => {
      const started = performance.now();
      const socket = await sendOnly(port);
      const [reply] = (await once(socket, 'message')) as [Buffer];
      socket.close();
      assert.is(decode(reply).rcode, 'SERVFAIL');
      assert.ok(performance.now() - started < 5200);
      assert.ok(upstream.asked.length >= 3, 'a lost datagram is not the end');
      assert.ok(service.counters().timeouts >= 1);
    },
  );
});

failing('an upstream that has gone never delays the own zone', async () => {
  await withUpstream(
    () => {},
    async ({ port }) => {
      const waiting = Array.from({ length: 100 }, (_, id) =>
        exchange(question(`n${id}.example`, 'A', { id }), { port }).catch(() => undefined),
      );
      const started = performance.now();
      for (let count = 0; count < 20; count++) {
        assert.is((await askUdp(`192-168-1-10.${ZONE}`, 'A', { port })).rcode, 'NOERROR');
      }
      assert.ok(performance.now() - started < 1000);
      await Promise.all(waiting);
    },
  );
});

failing(
  'the next upstream answers when the first is silent, refuses, fails or is not there; then the first is left alone',
  async () => {
    const second = await fakeUpstream(honest());
    const kinds: Record<string, (asked: Asked) => void> = {
      silent: () => {},
      refusing: ({ bytes, send }) => send(answerTo(bytes, { rcode: 5 })),
      failing: ({ bytes, send }) => send(answerTo(bytes, { rcode: 2 })),
    };
    for (const [kind, handle] of Object.entries(kinds)) {
      await withUpstream(handle, async ({ upstream }) => {
        await withDns({ upstreams: [upstream.entry, second.entry] }, async (_, port) => {
          const started = performance.now();
          assert.equal(await addresses(port, `${kind}.example`), [TRUTH]);
          assert.ok(performance.now() - started < 2000, kind);
        });
      });
    }
    await withDns({ upstreams: ['127.0.0.1:9', second.entry] }, async (service, port) => {
      for (let count = 0; count < 6; count++) assert.equal(await addresses(port, `dead${count}.example`), [TRUTH]);
      const [dead, alive] = service.upstreams();
      assert.equal([dead?.isHealthy, alive?.isHealthy], [false, true]);
      const started = performance.now();
      assert.equal(await addresses(port, 'fast.example'), [TRUTH]);
      assert.ok(performance.now() - started < 200);
    });
    await second.close();
  },
);

failing('what all upstreams refuse is refused, each asked once', async () => {
  await withUpstream(
    ({ bytes, send }) => send(answerTo(bytes, { rcode: 5 })),
    async ({ port, upstream }) => {
      assert.is(await addresses(port), 'REFUSED');
      assert.is(upstream.asked.length, 1);
    },
  );
});

failing('a TCP upstream that closes its connection is connected to again', async () => {
  await withUpstream(honest(TRUTH, 0), async ({ upstream }) => {
    await withDns({ upstreams: [`tcp://${upstream.entry}`] }, async (_, port) => {
      assert.equal(await addresses(port), [TRUTH]);
      assert.equal(await addresses(port, 'again.example'), [TRUTH]);
      const ports = new Set(upstream.asked.map((asked) => asked.port));
      assert.is(ports.size, 1, 'one connection for both');
    });
  });
});

failing('closing ends what is under way', async () => {
  const upstream = await fakeUpstream(() => {});
  let started = 0;
  await withDns({ upstreams: [upstream.entry, `tcp://${upstream.entry}`] }, async (_, port) => {
    const socket = await sendOnly(port);
    while (upstream.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    started = performance.now();
    socket.close();
  });
  assert.ok(performance.now() - started < 500);
  await upstream.close();
});

failing.run();

async function sendOnly(port: number) {
  const socket = createSocket('udp4');
  socket.send(question('lost.example', 'A'), port, '127.0.0.1');
  await new Promise((resolve) => setImmediate(resolve));
  return socket;
}
