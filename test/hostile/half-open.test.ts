/** Half-closed and vanished peers: a client that is gone must not keep the transcoder running, one that still reads gets its answer. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FORWARD, withLane } from '../support/full-lane.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

for (const scheme of ['http', 'https']) {
  const portOf = (lane: { port: number; tlsPort: number }) =>
    scheme === 'http' ? { port: lane.port } : { port: lane.tlsPort, tls: {} };

  for (const how of ['closes', 'resets'] as const) {
    test(`${scheme}: the client ${how} while the server is silent: the server's connection closes`, async () => {
      let heard: () => void = () => {};
      const asked = new Promise<void>((resolve) => (heard = resolve));
      const origin = await startOrigin(async (connection) => {
        await connection.readHead();
        heard();
      });
      await withLane(origin, {}, async (lane) => {
        const client = await connectRaw(portOf(lane));
        client.write(GET);
        await asked;
        if (how === 'resets' && scheme === 'http') client.reset();
        else client.destroy();
        await origin.connections[0]?.closed();
        await lane.finished(1);
        assert.is(lane.records[0]?.status, 0);
        assert.is(lane.records[0]?.aborted, true);
        assert.equal(lane.failures, []);
      });
    });

    test(`${scheme}: the client ${how} inside an answer: the server's connection closes`, async () => {
      const origin = await startOrigin(async (connection) => {
        await connection.readHead();
        connection.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
        const chunk = Buffer.alloc(65_536);
        while (!connection.isClosed) {
          connection.write(chunk);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      });
      await withLane(origin, {}, async (lane) => {
        const client = await connectRaw(portOf(lane));
        client.write(GET);
        await client.readBytes(500_000);
        if (how === 'resets' && scheme === 'http') client.reset();
        else client.destroy();
        await origin.connections[0]?.closed();
        assert.equal(lane.failures, []);
      });
    });

    test(`${scheme}: the client ${how} inside an upload: the server sees it broken off`, async () => {
      const origin = await startOrigin(async (connection) => {
        await connection.readRequest();
      });
      await withLane(origin, {}, async (lane) => {
        const client = await connectRaw(portOf(lane));
        client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
        await new Promise((resolve) => setTimeout(resolve, 100));
        if (how === 'resets' && scheme === 'http') client.reset();
        else client.destroy();
        await origin.connections[0]?.closed();
        assert.not.match(origin.connections[0]?.text ?? '', '0\r\n\r\n');
        assert.equal(origin.requests, []);
        assert.equal(lane.failures, []);
      });
    });
  }
}

for (const how of ['closes', 'resets'] as const) {
  test(`the client ${how} inside an upload that the server does not take: both end when the server has had its time`, async () => {
    const origin = await startOrigin(async (connection) => {
      await connection.readHead();
      connection.socket.pause();
    });
    await withLane(origin, { limits: { firstByteTimeoutMs: 1_500 } }, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n');
      const chunk = Buffer.alloc(65_536);
      // Until nothing moves any more.
      for (let quiet = 0; quiet < 10 && !client.isClosed; ) {
        const isFull = client.socket.writableLength > 0;
        if (!isFull) client.write(chunk);
        quiet = isFull ? quiet + 1 : 0;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      if (how === 'resets') client.reset();
      else client.destroy();
      await lane.finished(1);
      origin.connections[0]?.socket.resume();
      await origin.connections[0]?.closed();
    });
  });
}

test('the client leaves while the policy thinks: nothing goes to the server', async () => {
  let decide: (decision: typeof FORWARD) => void = () => {};
  const origin = await startAnswering(() => ok());
  await withLane(origin, { decide: () => new Promise((resolve) => (decide = resolve)) }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    await lane.asked(1);
    client.destroy();
    await lane.finished(1);
    decide(FORWARD);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(origin.connections, []);
  });
});

test('a client that only ends its sending side gets its answer', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    await new Promise((resolve) => setTimeout(resolve, 200));
    connection.write(ok('late, but here'));
  });
  await withLane(origin, { limits: { halfClosedTimeoutMs: 5_000 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port, allowHalfOpen: true });
    client.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    client.end();
    assert.is((await client.readAnswer()).body.toString(), 'late, but here');
    await client.waitFor(() => client.hasEnded, 'the end');
  });
});

test('a client that has ended its sending side and gets nothing for a second counts as gone', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
  });
  await withLane(origin, { limits: { halfClosedTimeoutMs: 200 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port, allowHalfOpen: true });
    client.write(GET);
    client.end();
    await lane.finished(1);
    await origin.connections[0]?.closed();
    client.destroy();
  });
});

test('a client that ends inside a head is closed', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port, allowHalfOpen: true });
    client.write('GET / HTTP/1.1\r\nHo');
    client.end();
    await client.waitFor(() => client.hasEnded || client.isClosed, 'the end');
    assert.is(client.text, '');
    client.destroy();
  });
});

test('a client that ends inside a body is closed, and the server never sees a whole request', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port, allowHalfOpen: true });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');
    client.end();
    await client.waitFor(() => client.hasEnded || client.isClosed, 'the end');
    assert.equal(origin.requests, []);
    client.destroy();
  });
});

test.run();
