/** `Expect` made http-proxy skip the hook in which it was made safe (#1219), and some servers skip their own checks. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { REFUSE, withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

for (const expectation of ['100-continue', '100-CONTINUE', 'x', '', '200-ok, 100-continue']) {
  test(`Expect: ${JSON.stringify(expectation)} on a GET: decided as any other, forwarded without it`, async () => {
    const origin = await startAnswering((request) => ok(String(request.header('expect'))));
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`GET / HTTP/1.1\r\nHost: a\r\nExpect: ${expectation}\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n`);
      const answer = await client.readAnswer();
      assert.is(answer.status, 200);
      assert.is(answer.body.toString(), 'undefined');
      assert.is(lane.decided.length, 1);
      assert.is(lane.decided[0]?.header('expect'), expectation);
      client.destroy();
    });
  });

  test(`Expect: ${JSON.stringify(expectation)} does not get past a refusal`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, { decide: () => REFUSE }, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`GET / HTTP/1.1\r\nHost: a\r\nExpect: ${expectation}\r\n\r\n`);
      assert.is((await client.readAnswer()).status, 401);
      assert.equal(origin.connections, []);
      client.destroy();
    });
  });
}

test('Expect over HTTP/1.0 is ignored', async () => {
  const origin = await startAnswering((request) => ok(request.body.toString()));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi');
    const answer = await client.readAnswer();
    assert.is(answer.status, 200, 'no 100 in front of it');
    assert.is(answer.body.toString(), 'hi');
    client.destroy();
  });
});

test.run();
