import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askUdp } from './ask.ts';
import { type Asked, answerTo, honest, soa } from './fake-upstream.ts';
import { addresses, TRUTH, withUpstream } from './upstream-scene.ts';

const caching = suite('the cache');

caching('answers again without asking, with the time that has passed taken off', async () => {
  await withUpstream(honest(TRUTH, 300), async ({ service, port, upstream }) => {
    const startedMs = performance.now();
    await addresses(port);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const reply = await askUdp('WWW.example', 'A', { port }, { id: 3 });
    assert.equal(reply.answers, [TRUTH]);
    const { ttl = 0 } = (reply.packet.answers?.[0] ?? {}) as { ttl?: number };
    const mostSeconds = Math.ceil((performance.now() - startedMs) / 1000);
    assert.ok(ttl <= 299 && ttl >= 300 - mostSeconds, `${ttl} s`);
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
    answers: [{ type: 'CNAME', name: 'www.example', ttl: 2, data: 'gone.example' } as const],
    authorities: [soa('example')],
  };
  await withUpstream(
    ({ bytes, send }) => send(answerTo(bytes, parts)),
    async ({ port, upstream }) => {
      await addresses(port);
      await addresses(port);
      assert.is(upstream.asked.length, 1);
      await new Promise((resolve) => setTimeout(resolve, 2100));
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
