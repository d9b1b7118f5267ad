/** How connections in the express lane stand still, end and are cut. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../../src/access/decision.ts';
import { FORWARD, type TestLane, withLane } from '../../support/full-lane.ts';
import { ok, startAnswering, startOrigin } from '../../support/origin.ts';
import { connectRaw } from '../../support/raw.ts';
import { until } from '../../support/until.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const REFUSE: Decision = {
  action: 'refuse',
  rule: 'default',
  status: 401,
  reason: 'no-credentials',
  detail: 'Sign in.',
};

/** Begins an answer and leaves it there. */
function startEndless(bytes = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun') {
  return startOrigin(async (connection) => {
    await connection.readHead();
    connection.write(bytes);
  });
}

/** Resolves when the lane holds no connection any more: it hears of an end a little after the client. */
async function emptied({ lane }: TestLane): Promise<void> {
  while (lane.counters.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('a connection that says nothing, and one that stops in the middle of a head, are closed', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, { express: true, limits: { headTimeoutMs: 1_000 } }, async (lane) => {
    const silent = await connectRaw({ port: lane.port });
    const slow = await connectRaw({ port: lane.port });
    slow.write(GET);
    await slow.readAnswer();
    slow.write(GET.slice(0, 20));
    await Promise.all([silent.closed(), slow.closed()]);
    await emptied(lane);
  });
});

test('a kept connection is closed after a while', async () => {
  const origin = await startAnswering(() => ok());
  const limits = { keepAliveTimeoutMs: 200, headTimeoutMs: 60_000, halfClosedTimeoutMs: 100 };
  await withLane(origin, { express: true, limits }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    await client.readAnswer();
    await client.closed();
  });
});

test('requests that come in bursts do not open their connections to the server anew each time', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, { express: true, limits: { idleUpstreamSockets: 2 } }, async (lane) => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => connectRaw({ port: lane.port })));
    const endsAt = performance.now() + 1_500;
    while (performance.now() < endsAt) {
      for (const client of clients) client.write(GET);
      for (const client of clients) assert.is((await client.readAnswer()).status, 200);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.is(origin.connections.length, 6);
    await until(() => origin.openConnections <= 2, 'what nobody needs any more is closed');
    for (const client of clients) client.destroy();
  });
});

test('a silent server is 504, and the connection goes on; so does one that cannot be reached', async () => {
  let answers = false;
  const origin = await startOrigin(async (connection) => {
    while (!connection.isClosed) {
      await connection.readRequest();
      if (answers) connection.write(ok());
    }
  });
  await withLane(origin, { express: true, limits: { firstByteTimeoutMs: 1_000 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    const silent = await client.readAnswer();
    assert.is(silent.status, 504);
    assert.is(silent.header('x-lockgate-reason'), 'server-timeout');
    await origin.connections[0]?.closed();
    answers = true;
    client.write(GET);
    assert.is((await client.readAnswer()).status, 200);
    client.destroy();
  });
});

test('an answer that stands still is broken off', async () => {
  const origin = await startEndless();
  await withLane(
    origin,
    { express: true, limits: { answerIdleTimeoutMs: 1_000, headTimeoutMs: 1_000 } },
    async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(GET);
      await client.readUntil('begun');
      await client.closed();
      await origin.connections[0]?.closed();
      await lane.finished(1);
      assert.is(lane.records[0]?.aborted, true);
    },
  );
});

test('a client that leaves ends the request to the server, before the answer and in it', async () => {
  for (const bytes of ['', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun']) {
    const origin = await startEndless(bytes);
    await withLane(origin, { express: true }, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(GET);
      if (bytes !== '') await client.readUntil('begun');
      else await lane.asked(1);
      while (origin.connections.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      client.reset();
      await origin.connections[0]?.closed();
      await lane.finished(1);
      assert.is(lane.records[0]?.aborted, true);
      assert.is(lane.failures.length, 0);
      await emptied(lane);
    });
  }
});

test('a review cuts what would not be forwarded now, and leaves the rest', async () => {
  let refused = '';
  const origin = await startEndless();
  const decide = ({ path }: { path: string }) => (path === refused ? REFUSE : FORWARD);
  await withLane(origin, { express: true, decide }, async (lane) => {
    const clients = await Promise.all(['/1', '/2', '/3'].map(() => connectRaw({ port: lane.port })));
    for (const [index, client] of clients.entries()) client.write(`GET /${index} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await Promise.all(clients.map((client) => client.readUntil('begun')));
    assert.is(lane.lane.counters.requestsInFlight, 3);
    refused = '/1';
    assert.is(await lane.lane.recheck(), 1);
    await clients[1]?.closed();
    assert.not.ok(clients[0]?.isClosed);
    assert.not.ok(clients[2]?.isClosed);
    for (const client of clients) client.destroy();
  });
});

test('a review while the policy thinks makes it think again', async () => {
  const waiting: ((decision: Decision) => void)[] = [];
  const origin = await startAnswering(() => ok());
  const decide = () => new Promise<Decision>((resolve) => waiting.push(resolve));
  await withLane(origin, { express: true, decide }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    await lane.asked(1);
    await lane.lane.recheck();
    waiting[0]?.(FORWARD);
    await lane.asked(2);
    waiting[1]?.(REFUSE);
    assert.is((await client.readAnswer()).status, 401);
    assert.is(origin.requests.length, 0);
    client.destroy();
  });
});

test('draining closes idle connections, lets answers end, and cuts what takes too long', async () => {
  let finish = () => {};
  const origin = await startOrigin(async (connection) => {
    const { target } = await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhe');
    finish = target === '/ends' ? () => connection.write('llo!!') : finish;
  });
  await withLane(origin, { express: true }, async (lane) => {
    const idle = await connectRaw({ port: lane.port });
    const [ends, stays] = [await connectRaw({ port: lane.port }), await connectRaw({ port: lane.port })];
    ends.write('GET /ends HTTP/1.1\r\nHost: a\r\n\r\n');
    stays.write('GET /stays HTTP/1.1\r\nHost: a\r\n\r\n');
    await Promise.all([ends.readUntil('\r\nhe'), stays.readUntil('\r\nhe')]);
    const drained = lane.lane.drain(1_500);
    await idle.closed();
    finish();
    assert.is((await ends.readToEnd()).toString(), 'llo!!');
    assert.not.ok(stays.isClosed);
    await drained;
    await stays.closed();
    await emptied(lane);
  });
});

test('an exception in the policy is one request that fails', async () => {
  let fails = true;
  const origin = await startAnswering(() => ok());
  const decide = () => {
    if (fails) throw new Error('broken');
    return FORWARD;
  };
  await withLane(origin, { express: true, decide }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    assert.is((await client.readAnswer()).status, 503);
    fails = false;
    client.write(GET);
    assert.is((await client.readAnswer()).status, 200);
    client.destroy();
  });
});

test('kept connections are used again, and a dead one costs nothing', async () => {
  let dies = false;
  const origin = await startAnswering((_request, connection) => {
    if (dies) setImmediate(() => connection.end());
    return ok();
  });
  await withLane(origin, { express: true }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    for (let count = 0; count < 20; count += 1) {
      client.write(GET);
      assert.is((await client.readAnswer()).status, 200);
    }
    assert.is(origin.connections.length, 1);
    dies = true;
    for (let count = 0; count < 20; count += 1) {
      client.write(GET);
      assert.is((await client.readAnswer()).status, 200);
    }
    assert.is(lane.failures.length, 0);
    client.destroy();
  });
});

test('a request is not sent again once a byte of an answer has come', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readRequest();
    connection.write(ok());
    await connection.readRequest();
    connection.write('HTTP/1.1 2');
    connection.end();
  });
  await withLane(origin, { express: true }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    assert.is((await client.readAnswer()).status, 200);
    client.write(GET);
    assert.is((await client.readAnswer()).status, 502);
    assert.is(origin.connections.length, 1);
    client.destroy();
  });
});

test.run();
