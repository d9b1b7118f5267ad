/** Heads over `header_bytes`, and heads of very many lines: 431, closed, and the client gets to read why. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const HEADS: Readonly<Record<string, string>> = {
  'a header over the limit': `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`,
  'a target over the limit': `GET /${'x'.repeat(70_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
  'many headers over the limit': `GET / HTTP/1.1\r\nHost: a\r\n${'X: 0123456789\r\n'.repeat(8_000)}\r\n`,
  'many short headers': `GET / HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(300)}\r\n`,
  'a head without end': `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(1_000_000)}`,
};

for (const [name, head] of Object.entries(HEADS)) {
  test(`${name}: 431 too-large`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(head);
      const answer = await client.readAnswer();
      assert.is(answer.status, 431);
      assert.is(answer.header('x-lockgate-reason'), 'too-large');
      assert.is(answer.header('connection'), 'close');
      await client.closed();
      assert.equal(origin.connections, []);
      assert.is(lane.records[0]?.reason, 'too-large');
    });
  });
}

test('a head just below the limit is served, all of it', async () => {
  const origin = await startAnswering((request) => ok(String(request.header('x')?.length)));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(60_000)}\r\n\r\n`);
    assert.is((await client.readAnswer()).body.toString(), '60000');
    client.destroy();
  });
});

test('two hundred headers arrive, every one', async () => {
  const origin = await startAnswering((request) => ok(String(request.values('x').length)));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${'X: 1\r\n'.repeat(200)}\r\n`);
    assert.is((await client.readAnswer()).body.toString(), '200');
    client.destroy();
  });
});

test('an oversize head behind a running request waits for its turn', async () => {
  const origin = await startAnswering(() => ok('first'));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`);
    assert.is((await client.readAnswer()).body.toString(), 'first');
    assert.is((await client.readAnswer()).status, 431);
    await client.closed();
  });
});

test.run();
