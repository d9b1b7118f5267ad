/** Upgrades that are none: with a body, another method or version, without Connection; a "WebSocket" that the server never agreed to. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

for (const [name, request] of Object.entries({
  'a POST with a body': `POST / HTTP/1.1\r\nHost: a\r\n${UPGRADE}Content-Length: 2\r\n\r\nhi`,
  'a GET with a body': `GET / HTTP/1.1\r\nHost: a\r\n${UPGRADE}Content-Length: 2\r\n\r\nhi`,
  'a chunked GET': `GET / HTTP/1.1\r\nHost: a\r\n${UPGRADE}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
})) {
  test(`${name} is a plain request, and its connection closes`, async () => {
    const origin = await startAnswering((request) => ok(`${request.header('upgrade')} ${request.body}`));
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(request);
      const answer = await client.readAnswer();
      assert.is(answer.body.toString(), 'undefined hi');
      assert.is(lane.decided[0]?.upgrade, false);
      await client.closed();
      assert.is(lane.lane.counters.upgraded, 0);
    });
  });
}

for (const request of [
  `HEAD / HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n`,
  `GET / HTTP/1.0\r\nHost: a\r\n${UPGRADE}\r\n`,
  'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n',
]) {
  test(`${JSON.stringify(request.slice(0, 50))} is a plain request`, async () => {
    const origin = await startAnswering((asked) =>
      asked.method === 'HEAD' ? ok('') : ok(String(asked.header('upgrade'))),
    );
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(request);
      assert.is((await client.readAnswer(request.slice(0, 4).trim())).status, 200);
      assert.is(lane.decided[0]?.upgrade, false);
      assert.is(origin.requests[0]?.header('upgrade'), undefined);
      client.destroy();
    });
  });
}

test('a refused upgrade is no tunnel: what the client sends behind it reaches nobody', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\nno');
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`GET /ws HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n`);
    client.write('GET /admin HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = await client.readAnswer();
    assert.is(answer.status, 426);
    assert.is(answer.header('sec-websocket-version'), '13');
    assert.is(answer.header('connection'), 'close');
    assert.is(answer.body.toString(), 'no');
    await client.closed();
    assert.is(client.text, '');
    assert.not.match(origin.connections[0]?.text ?? '', 'admin');
    assert.is(origin.connections.length, 1);
  });
});

test('a 101 to something else than WebSocket is no tunnel', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`GET /ws HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n`);
    assert.is((await client.readAnswer()).status, 502);
    await client.closed();
  });
});

test.run();
