/** Request targets that are not a path: absolute-form, authority-form, asterisk, fragments; the policy and the server would read different paths. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const REQUEST_LINES = [
  'GET http://evil.example/admin HTTP/1.1',
  'GET HTTP://a/ HTTP/1.1',
  'GET https://a/ HTTP/1.1',
  'GET a:80 HTTP/1.1',
  'CONNECT a:80 HTTP/1.1',
  'CONNECT / HTTP/1.1',
  'TRACE / HTTP/1.1',
  'GET * HTTP/1.1',
  'OPTIONS *x HTTP/1.1',
  'GET admin HTTP/1.1',
  'GET ?x HTTP/1.1',
  'GET /a#b HTTP/1.1',
  'GET /a\x80 HTTP/1.1',
  'GET /a\xff HTTP/1.1',
  'GET /a\x7f HTTP/1.1',
  'GET /a\x01 HTTP/1.1',
  'GET /a\tb HTTP/1.1',
  'GET /a b HTTP/1.1',
  'GET /',
  'GET / HTTP/0.9',
  'GET / HTTP/1.2',
  'GET / HTTP/2.0',
  'GET / HTTP/1.1 ',
  'GET / http/1.1',
  'get / HTTP/1.1',
  'G T / HTTP/1.1',
];

for (const line of REQUEST_LINES) {
  test(`${JSON.stringify(line)} is refused and the connection closes`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`${line}\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n`);
      const answer = await client.readAnswer();
      assert.is(answer.status, 400);
      assert.is(answer.header('x-lockgate-reason'), 'malformed');
      await client.closed();
      assert.is(client.text, '');
      assert.equal(origin.connections, []);
      assert.equal(lane.decided, []);
    });
  });
}

test('OPTIONS * is an ordinary request', async () => {
  const origin = await startAnswering((request) => ok(request.line));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.is((await client.readAnswer()).body.toString(), 'OPTIONS * HTTP/1.1');
    client.destroy();
  });
});

test.run();
