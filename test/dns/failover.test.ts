import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inTime } from '../support/in-time.ts';
import { askUdp, decode, exchange, question } from './ask.ts';
import { type Asked, answerTo, fakeUpstream, honest } from './fake-upstream.ts';
import { withDns, ZONE } from './site.ts';
import { addresses, TRUTH, withUpstream } from './upstream-scene.ts';

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
    assert.equal(await inTime(2000, addresses(port)), [TRUTH]);
    assert.ok(performance.now() - started > 1500);
  });
});

failing('SERVFAIL when none answers and nothing is remembered, within five seconds', async () => {
  await withUpstream(
    () => {},
    async ({ service, port, upstream }) => {
      const socket = await sendOnly(port);
      const [reply] = (await inTime(5000, once(socket, 'message'))) as [Buffer];
      socket.close();
      assert.is(decode(reply).rcode, 'SERVFAIL');
      assert.ok(upstream.asked.length >= 3, 'a lost datagram is not the end');
      assert.ok(service.counters().timeouts >= 1);
    },
  );
});

failing('an upstream that this host has no way to is passed over', async () => {
  await withUpstream(honest(TRUTH), async ({ upstream }) => {
    // The kernel refuses to connect to the broadcast address, at once, as it does without a route.
    await withDns({ upstreams: ['255.255.255.255', upstream.entry] }, async (service, port) => {
      assert.equal(await addresses(port), [TRUTH]);
      assert.match(service.upstreams()[0]?.lastError ?? '', /EACCES/);
    });
  });
});

failing('an upstream that has gone never delays the own zone', async () => {
  await withUpstream(
    () => {},
    async ({ port }) => {
      const waiting = Array.from({ length: 100 }, (_, id) =>
        exchange(question(`n${id}.example`, 'A', { id }), { port }).catch(() => undefined),
      );
      for (let count = 0; count < 20; count++) {
        const own = askUdp(`192-168-1-10.${ZONE}`, 'A', { port });
        assert.is((await inTime(1000, own)).rcode, 'NOERROR');
      }
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
          assert.equal(await inTime(2000, addresses(port, `${kind}.example`)), [TRUTH], kind);
        });
      });
    }
    await withDns({ upstreams: ['127.0.0.1:9', second.entry] }, async (service, port) => {
      for (let count = 0; count < 6; count++) assert.equal(await addresses(port, `dead${count}.example`), [TRUTH]);
      const [dead, alive] = service.upstreams();
      assert.equal([dead?.isHealthy, alive?.isHealthy], [false, true]);
      assert.equal(await inTime(1000, addresses(port, 'fast.example')), [TRUTH]);
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
  const asking = Promise.withResolvers<void>();
  const service = withDns({ upstreams: [upstream.entry, `tcp://${upstream.entry}`] }, async (_, port) => {
    const socket = await sendOnly(port);
    while (upstream.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    socket.close();
    asking.resolve();
  });
  await asking.promise;
  await inTime(500, service);
  await upstream.close();
});

failing.run();

async function sendOnly(port: number) {
  const socket = createSocket('udp4');
  socket.send(question('lost.example', 'A'), port, '127.0.0.1');
  await new Promise((resolve) => setImmediate(resolve));
  return socket;
}
