/** CVE-2026-29057: a proxy that gives a chunked DELETE or OPTIONS a Content-Length of 0 turns its body into a second request. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const BODY = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

for (const method of ['DELETE', 'OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH']) {
  test(`the body of a chunked ${method} stays a body`, async () => {
    const origin = await startAnswering((request) => (request.method === 'HEAD' ? ok('') : ok(request.target)));
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      const chunk = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
      client.write(`${method} /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
      assert.is((await client.readAnswer(method)).status, 200);
      client.write('GET /second HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.is((await client.readAnswer()).body.toString(), '/second');
      assert.equal(
        origin.requests.map((request) => request.target),
        ['/first', '/second'],
      );
      assert.is(origin.requests[0]?.header('transfer-encoding'), 'chunked');
      assert.is(origin.requests[0]?.header('content-length'), undefined);
      assert.is(origin.requests[0]?.body.toString(), BODY);
      client.destroy();
    });
  });

  test(`the body of a ${method} with a length keeps it`, async () => {
    const origin = await startAnswering((request) => (request.method === 'HEAD' ? ok('') : ok(request.target)));
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`${method} /first HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`);
      assert.is((await client.readAnswer(method)).status, 200);
      assert.is(origin.requests.length, 1);
      assert.is(origin.requests[0]?.header('transfer-encoding'), undefined);
      assert.equal(origin.requests[0]?.values('content-length'), [String(BODY.length)]);
      assert.is(origin.requests[0]?.body.toString(), BODY);
      client.destroy();
    });
  });
}

test('a DELETE without a body gets none', async () => {
  const origin = await startAnswering((request) => ok(request.target));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('DELETE /first HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.is((await client.readAnswer()).status, 200);
    assert.is(origin.requests[0]?.header('transfer-encoding'), undefined);
    assert.is(origin.requests[0]?.header('content-length'), undefined);
    client.destroy();
  });
});

test.run();
