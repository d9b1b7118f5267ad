/** Clients that send or take a byte now and then to hold connections: heads, bodies, silence, answers that nobody reads. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const LIMITS = { headTimeoutMs: 600, keepAliveTimeoutMs: 600, bodyIdleTimeoutMs: 600 };

for (const scheme of ['http', 'https']) {
  const portOf = (lane: { port: number; tlsPort: number }) =>
    scheme === 'http' ? { port: lane.port } : { port: lane.tlsPort, tls: {} };

  test(`${scheme}: a head that never ends closes the connection without a word, however busily it drips`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, { limits: LIMITS }, async (lane) => {
      const client = await connectRaw(portOf(lane));
      client.write('GET / HTTP/1.1\r\nHost: a\r\n');
      const drip = setInterval(() => client.write('X: 1\r\n'), 30);
      await client.closed();
      clearInterval(drip);
      assert.is(client.text, '');
      assert.equal(origin.connections, []);
    });
  });

  test(`${scheme}: a connection without a request closes`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, { limits: LIMITS }, async (lane) => {
      const client = await connectRaw(portOf(lane));
      await client.closed();
      assert.is(client.text, '');
    });
  });

  test(`${scheme}: an idle kept-alive connection closes`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, { limits: LIMITS }, async (lane) => {
      const client = await connectRaw(portOf(lane));
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await client.readAnswer();
      await client.closed();
    });
  });

  test(`${scheme}: a body that stands still closes the connection, and the server's`, async () => {
    const origin = await startOrigin(async (connection) => {
      await connection.readHead();
    });
    await withLane(origin, { limits: LIMITS }, async (lane) => {
      const client = await connectRaw(portOf(lane));
      client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegun');
      await client.closed();
      await origin.connections[0]?.closed();
      await lane.finished(1);
      assert.is(client.text, '');
      assert.equal(lane.failures, [], 'not the server to blame');
      assert.is(lane.records[0]?.aborted, true);
    });
  });

  test(`${scheme}: a body that keeps moving is not bound by any total time`, async () => {
    const origin = await startAnswering((request) => ok(String(request.body.length)));
    const limits = { ...LIMITS, bodyIdleTimeoutMs: 1_500, firstByteTimeoutMs: 1_500 };
    await withLane(origin, { limits }, async (lane) => {
      const client = await connectRaw(portOf(lane));
      client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n');
      for (let count = 0; count < 20; count += 1) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        client.write('x');
      }
      assert.is((await client.readAnswer()).body.toString(), '20');
      client.destroy();
    });
  });
}

test('a client that pauses its upload is not mistaken for a silent server', async () => {
  const origin = await startAnswering((request) => ok(request.body.toString()));
  await withLane(origin, { limits: { bodyIdleTimeoutMs: 10_000, firstByteTimeoutMs: 600 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    client.write('cd');
    assert.is((await client.readAnswer()).body.toString(), 'abcd');
    client.destroy();
  });
});

test('a head that stands still behind a running answer does not end the answer', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n');
    for (let count = 0; count < 8; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      connection.write('x');
    }
  });
  await withLane(origin, { limits: LIMITS }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /sec');
    assert.is((await client.readAnswer()).body.toString(), 'xxxxxxxx');
    client.destroy();
  });
});

test('an answer that nobody reads closes after its idle time, on both sides', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
    const chunk = Buffer.alloc(1 << 20);
    for (let count = 0; count < 20; count += 1) connection.write(chunk);
  });
  await withLane(origin, { limits: { answerIdleTimeoutMs: 400 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.readUntil('\r\n\r\n');
    client.socket.pause();
    await lane.finished(1);
    assert.is(lane.records[0]?.aborted, true);
    await origin.connections[0]?.closed();
    client.destroy();
  });
});

test('a refused body that keeps coming is read for a moment, not to its end', async () => {
  const origin = await startAnswering(() => ok());
  const limits = { refusedBodyBytes: 65_536, refusedBodyTimeoutMs: 500 };
  const decide = () =>
    ({ action: 'refuse', rule: 'default', status: 401, reason: 'no-credentials', detail: 'No.' }) as const;
  await withLane(origin, { decide, limits }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n');
    const chunk = Buffer.alloc(65_536);
    const send = setInterval(() => client.write(chunk), 5);
    const answer = await client.readAnswer();
    await client.closed();
    clearInterval(send);
    assert.is(answer.status, 401);
    assert.is(answer.header('connection'), 'close');
    await lane.finished(1);
    const received = lane.records[0]?.bytesReceived ?? 0;
    assert.ok(received < 1_000_000, `${received} bytes were read`);
  });
});

test.run();
