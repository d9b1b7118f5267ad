import packet from 'dns-packet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { askUdp } from './ask.ts';
import { type Asked, a, answerTo, fakeUpstream, honest } from './fake-upstream.ts';
import { withDns } from './site.ts';
import { addresses, LIE, TRUTH, withUpstream } from './upstream-scene.ts';

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
