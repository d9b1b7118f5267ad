/**
 * Node decodes Content-Disposition as UTF-8 behind a Content-Length and writes Latin-1: `Ċ` (U+010A) becomes a line feed, and what
 * follows a header of the sender's choice. On the way to the server that forges `X-Forwarded-For`; on the way back it splits the answer.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const latin1 = (text: string) => Buffer.from(text).toString('latin1');
const INJECTED = latin1('attachment; filename="\u010aX-Injected: 1"');
const RETURN_AND_FEED = latin1('attachment; filename="\u010d\u010aX-Injected: 1"');
const FILE_NAME = latin1('attachment; filename="Фильм é.mkv"');

for (const value of [INJECTED, RETURN_AND_FEED, FILE_NAME]) {
  for (const order of ['before', 'behind', 'on both sides of']) {
    const disposition = `Content-Disposition: ${value}\r\n`;
    const fields =
      order === 'before'
        ? `${disposition}Content-Length: 2\r\n`
        : order === 'behind'
          ? `Content-Length: 2\r\n${disposition}`
          : `${disposition}Content-Length: 2\r\ncontent-disposition: ${value}\r\n`;

    test(`an upload with ${JSON.stringify(value)} ${order} its length arrives byte for byte`, async () => {
      const origin = await startAnswering(() => ok());
      await withLane(origin, {}, async (lane) => {
        const client = await connectRaw({ port: lane.port });
        client.write(`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\nhi`);
        assert.is((await client.readAnswer()).status, 200);
        const [request] = origin.requests;
        assert.equal(new Set(request?.values('content-disposition')), new Set([value]));
        assert.is(request?.header('x-injected'), undefined);
        assert.not.ok(request?.rawHeaders.some((text) => text.includes('\n')));
        client.destroy();
      });
    });

    test(`an answer with ${JSON.stringify(value)} ${order} its length arrives byte for byte`, async () => {
      const origin = await startAnswering(() => Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\nhi`, 'latin1'));
      await withLane(origin, {}, async (lane) => {
        const client = await connectRaw({ port: lane.port });
        client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        const answer = await client.readAnswer();
        assert.equal(new Set(answer.values('content-disposition')), new Set([value]));
        assert.is(answer.header('x-injected'), undefined);
        assert.not.ok(answer.rawHeaders.some((text) => text.includes('\n')));
        assert.is(answer.body.toString(), 'hi');
        client.destroy();
      });
    });
  }
}

for (const bytes of [
  'X: a\nX-Injected: 1',
  'X: a\rX-Injected: 1',
  'X: a\r\n X-Injected: 1',
  'X\n: a',
  'X: a\x00',
  'X(): a',
  ': a',
]) {
  test(`${JSON.stringify(bytes)} in a request head is refused`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`GET / HTTP/1.1\r\nHost: a\r\n${bytes}\r\n\r\n`);
      assert.is((await client.readAnswer()).status, 400);
      await client.closed();
      assert.equal(origin.connections, []);
    });
  });
}

test('header names that mean something to JavaScript are just names', async () => {
  const origin = await startAnswering((request) => ok(JSON.stringify(request.rawHeaders)));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(
      'GET / HTTP/1.1\r\nHost: a\r\n__proto__: 1\r\n__proto__: 2\r\nconstructor: 3\r\ntoString: 4\r\nhasOwnProperty: 5\r\n7: 6\r\n\r\n',
    );
    const seen = (await client.readAnswer()).body.toString();
    for (const name of ['constructor', 'toString', 'hasOwnProperty', '7']) assert.match(seen, `"${name}"`);
    client.destroy();
  });
});

test.run();
