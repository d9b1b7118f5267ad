/** Short bodies go through the express lane whole and unchanged; whatever else a request with a body is, the full lane has it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../../support/full-lane.ts';
import { ok, startAnswering, startOrigin } from '../../support/origin.ts';
import { connectRaw } from '../../support/raw.ts';

const BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

const head = (method: string, fields: string) => `${method} /x HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const whole = (method: string, body: Buffer) =>
  Buffer.concat([Buffer.from(head(method, `Content-Length: ${body.length}\r\n`)), body]);

test('every byte of a short body arrives, and so does what comes behind it', async () => {
  const origin = await startAnswering(({ method, body }) => ok(`${method} ${body.toString('hex')}`));
  await withLane(origin, { express: true }, async (lane) => {
    const client = await connectRaw({ port: lane.tlsPort, tls: {} });
    client.write(Buffer.concat([whole('POST', BYTES), whole('PUT', Buffer.alloc(0)), Buffer.from(head('GET', ''))]));
    for (const answer of [`POST ${BYTES.toString('hex')}`, 'PUT ', 'GET ']) {
      assert.is((await client.readAnswer()).body.toString(), answer);
    }
    await lane.finished(3);
    assert.equal(
      lane.records.map((record) => record.lane),
      ['express', 'express', 'express'],
    );
    client.destroy();
  });
});

const FOR_THE_FULL_LANE: Readonly<Record<string, string>> = {
  'one that is long': head('POST', 'Content-Length: 20000\r\n') + 'x'.repeat(20_000),
  'one in chunks': `${head('POST', 'Transfer-Encoding: chunked\r\n')}2\r\nhi\r\n0\r\n\r\n`,
  'one that looks like heads': `${head('POST', 'Content-Length: 8\r\n')}\r\n\r\n\r\n\r\n`,
  'one with a GET': `${head('GET', 'Content-Length: 2\r\n')}hi`,
  'one with a DELETE': `${head('DELETE', 'Content-Length: 2\r\n')}hi`,
  'none, and none announced': head('POST', ''),
};

for (const [what, request] of Object.entries(FOR_THE_FULL_LANE)) {
  test(`a body for the full lane: ${what}`, async () => {
    const origin = await startAnswering(() => ok('done'));
    await withLane(origin, { express: true }, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(request);
      assert.is((await client.readAnswer()).status, 200);
      await lane.finished(1);
      assert.is(lane.records[0]?.lane, 'full');
      client.destroy();
    });
  });
}

test('a GET with the very fields of a POST before it is not taken for one without a body', async () => {
  const origin = await startAnswering(({ method, body }) => ok(`${method} ${body}`));
  await withLane(origin, { express: true }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(whole('POST', Buffer.from('hi')));
    assert.is((await client.readAnswer()).body.toString(), 'POST hi');
    client.write(whole('GET', Buffer.from('ho')));
    assert.is((await client.readAnswer()).body.toString(), 'GET ho');
    await lane.finished(2);
    assert.equal(
      lane.records.map((record) => record.lane),
      ['express', 'full'],
    );
    client.destroy();
  });
});

test('a POST is sent once, even when the kept connection of the server ends under it', async () => {
  const seen: string[] = [];
  const origin = await startOrigin(async (connection) => {
    seen.push((await connection.readRequest()).method);
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    seen.push((await connection.readRequest()).method);
    connection.destroy();
  });
  await withLane(origin, { express: true }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(head('GET', ''));
    assert.is((await client.readAnswer()).status, 200);
    client.write(whole('POST', Buffer.from('hi')));
    assert.is((await client.readAnswer()).status, 502);
    assert.equal(seen, ['GET', 'POST']);
    client.destroy();
  });
});

test.run();
