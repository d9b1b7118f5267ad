/** A client that resets before its WebSocket is open ended the process (http-proxy #1468). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FORWARD, type TestLane, withLane } from '../support/full-lane.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const UPGRADE =
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** The lane is alive when it still answers. */
async function assertAlive(lane: TestLane): Promise<void> {
  const client = await connectRaw({ port: lane.port });
  client.write('GET /alive HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n');
  assert.is((await client.readAnswer()).status, 400);
  client.destroy();
}

test('the client resets while the policy thinks', async () => {
  let decide: (decision: typeof FORWARD) => void = () => {};
  const origin = await startAnswering(() => ok());
  await withLane(origin, { decide: () => new Promise((resolve) => (decide = resolve)) }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(UPGRADE);
    await lane.asked(1);
    client.reset();
    await lane.finished(1);
    decide(FORWARD);
    await assertAlive(lane);
    assert.equal(origin.connections, []);
  });
});

test('the client resets during the handshake: the server sees its connection close', async () => {
  let heard: () => void = () => {};
  const asked = new Promise<void>((resolve) => (heard = resolve));
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    heard();
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(UPGRADE);
    await asked;
    client.reset();
    await origin.connections[0]?.closed();
    await lane.finished(1);
    assert.is(lane.records[0]?.status, 0);
    assert.equal(lane.failures, []);
    await assertAlive(lane);
  });
});

for (const side of ['client', 'server'] as const) {
  test(`the ${side} resets an open WebSocket: the other side closes`, async () => {
    const origin = await startOrigin(async (connection) => {
      await connection.readHead();
      connection.write(SWITCH);
    });
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(UPGRADE);
      await client.readUntil('\r\n\r\n');
      assert.is(lane.lane.counters.upgraded, 1);
      if (side === 'client') client.reset();
      else origin.connections[0]?.reset();
      await client.closed();
      await origin.connections[0]?.closed();
      await lane.finished(1);
      assert.is(lane.lane.counters.upgraded, 0);
      assert.is(lane.records[0]?.upgraded, true);
      assert.is(lane.records[0]?.status, 101);
      await assertAlive(lane);
    });
  });
}

test('the server does not answer the handshake: 504 by its own deadline', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
  });
  await withLane(origin, { limits: { upgradeTimeoutMs: 150 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(UPGRADE);
    const answer = await client.readAnswer();
    assert.is(answer.status, 504);
    assert.is(answer.header('x-lockgate-reason'), 'server-timeout');
    await client.closed();
    await origin.connections[0]?.closed();
    assert.is(lane.failures.length, 1);
  });
});

test('the server closes during the handshake, or is not there: 502', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.reset();
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(UPGRADE);
    const answer = await client.readAnswer();
    assert.is(answer.status, 502);
    assert.is(answer.header('x-lockgate-reason'), 'server-down');
    await client.closed();
  });
});

test('the refusal of an upgrade breaks off: the client sees it broken', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nbegun');
    setTimeout(() => connection.reset(), 30);
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(UPGRADE);
    assert.match((await client.readToEnd()).toString(), 'begun');
    await lane.finished(1);
    assert.is(lane.records[0]?.status, 403);
    assert.is(lane.records[0]?.aborted, true);
    assert.is(lane.failures.length, 1);
  });
});

test.run();
