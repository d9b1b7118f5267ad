import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import type { Decision } from '../../src/access/decision.ts';
import { FORWARD, startLane, type TestLane, type TestLaneOptions } from '../support/full-lane.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';
import { selfSigned } from '../support/self-signed.ts';

const REFUSE: Decision = {
  action: 'refuse',
  rule: 'default',
  status: 401,
  reason: 'no-credentials',
  detail: 'Sign in.',
};
const UPGRADE =
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: WebSocket\r\nX-Mark: 1\r\n\r\n';

/** A lane in front of a real WebSocket server that echoes. */
async function withEcho(
  options: Partial<TestLaneOptions>,
  use: (lane: TestLane, server: WebSocketServer) => Promise<void>,
): Promise<void> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: () => 'plex',
    perMessageDeflate: true,
  });
  server.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  await once(server, 'listening');
  const lane = await startLane({ ...options, upstream: (server.address() as AddressInfo).port });
  try {
    await use(lane, server);
  } finally {
    await lane.close();
    for (const socket of server.clients) socket.terminate();
    server.close();
  }
}

async function open(url: string, options: ClientOptions = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, 'plex', { rejectUnauthorized: false, ...options });
  await once(socket, 'open');
  return socket;
}

for (const scheme of ['ws', 'wss']) {
  test(`${scheme}: messages pass both ways, small, large, text and binary`, async () => {
    await withEcho({}, async (lane) => {
      const port = scheme === 'ws' ? lane.port : lane.tlsPort;
      const socket = await open(`${scheme}://127.0.0.1:${port}/:/websockets/notifications?X-Plex-Token=x`);
      assert.is(socket.protocol, 'plex');
      for (const message of ['hello', 'x'.repeat(200_000), randomBytes(3_000_000), '']) {
        socket.send(message);
        const [data] = (await once(socket, 'message')) as [Buffer];
        assert.ok(Buffer.from(message).equals(data));
      }
      assert.equal(lane.lane.counters, { connections: 1, requestsInFlight: 0, upgraded: 1 });
      socket.close(4001, 'bye');
      const [code] = await once(socket, 'close');
      assert.is(code, 4001);
      await lane.finished(1);
      const [record] = lane.records;
      assert.equal([record?.status, record?.upgraded, record?.path], [101, true, '/:/websockets/notifications']);
      assert.ok((record?.bytesSent ?? 0) > 3_000_000);
      assert.ok((record?.bytesReceived ?? 0) > 3_000_000);
      assert.is(lane.lane.counters.upgraded, 0);
    });
  });
}

test('the close of the server reaches the client with its code', async () => {
  await withEcho({}, async (lane, server) => {
    const socket = await open(`ws://127.0.0.1:${lane.port}/`);
    for (const peer of server.clients) peer.close(1012, 'restart');
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    assert.is(code, 1012);
    assert.is(reason.toString(), 'restart');
  });
});

test('either side that vanishes takes the other with it', async () => {
  await withEcho({}, async (lane, server) => {
    const first = await open(`ws://127.0.0.1:${lane.port}/`);
    const [peer] = server.clients;
    first.terminate();
    if (peer !== undefined) await once(peer, 'close');
    const second = await open(`ws://127.0.0.1:${lane.port}/`);
    for (const other of server.clients) other.terminate();
    const [code] = await once(second, 'close');
    assert.is(code, 1006);
  });
});

test('the server gets the handshake, the true client, and nothing else of the connection', async () => {
  const origin = await startOrigin(async (connection) => {
    const request = await connection.readHead();
    origin.requests.push(request);
    connection.write(SWITCH);
  });
  const lane = await startLane({ upstream: origin.port });
  const client = await connectRaw({ port: lane.port });
  const forged = 'X-Forwarded-For: 10.0.0.1\r\nKeep-Alive: 1\r\nSec-WebSocket-Protocol: plex\r\n\r\n';
  client.write(
    UPGRADE.replace('\r\n\r\n', `\r\n${forged}`).replace('Connection: Upgrade', 'Connection: keep-alive, Upgrade'),
  );
  await client.readUntil('\r\n\r\n');
  const [request] = origin.requests;
  assert.is(request?.line, 'GET /ws HTTP/1.1');
  assert.equal(request?.values('connection'), ['Upgrade']);
  assert.equal(request?.values('upgrade'), ['websocket']);
  assert.equal(request?.values('x-forwarded-for'), ['127.0.0.1']);
  assert.is(request?.header('keep-alive'), undefined);
  assert.is(request?.header('sec-websocket-protocol'), 'plex');
  assert.is(request?.header('sec-websocket-key'), 'dGhlIHNhbXBsZSBub25jZQ==');
  client.destroy();
  await lane.close();
  await origin.close();
});

test('bytes behind either head are kept', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write(`${SWITCH}from the server`);
  });
  const lane = await startLane({ upstream: origin.port });
  const client = await connectRaw({ port: lane.port });
  client.write(`${UPGRADE}from the client`);
  const head = await client.readUntil('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(head, 'X-Mark: 1\r\n');
  assert.match(head, 'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  assert.is((await client.readBytes(15)).toString(), 'from the server');
  assert.is((await origin.connections[0]?.readBytes(15))?.toString(), 'from the client');
  client.destroy();
  await lane.close();
  await origin.close();
});

test('what the server sent before it closed reaches a slow client to the last byte', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write(SWITCH).write(Buffer.alloc(5_000_000, 1)).end();
  });
  const lane = await startLane({ upstream: origin.port });
  const client = await connectRaw({ port: lane.port });
  client.write(UPGRADE);
  await client.readUntil('\r\n\r\n');
  // Slow enough for the last bytes to wait in the lane when the server has already closed.
  client.socket.on('data', () => {
    client.socket.pause();
    setTimeout(() => client.socket.resume(), 4);
  });
  assert.is((await client.readToEnd()).length, 5_000_000);
  await lane.close();
  await origin.close();
});

test('a slow reader holds the server back', async () => {
  let taken = 0;
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write(SWITCH);
    const chunk = Buffer.alloc(1 << 20);
    while (taken < 200 && !connection.isClosed) {
      if (connection.socket.write(chunk)) taken += 1;
      else {
        taken += 1;
        await Promise.race([once(connection.socket, 'drain'), once(connection.socket, 'close')]);
      }
    }
  });
  const lane = await startLane({ upstream: origin.port });
  const client = await connectRaw({ port: lane.port });
  client.write(UPGRADE);
  await client.readUntil('\r\n\r\n');
  client.socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok(taken < 64, `${taken} MiB were taken`);
  client.destroy();
  await lane.close();
  await origin.close();
});

test('a WebSocket on which nothing moves closes after its time', async () => {
  await withEcho({ limits: { answerIdleTimeoutMs: 200 } }, async (lane) => {
    const socket = await open(`ws://127.0.0.1:${lane.port}/`);
    const [code] = await once(socket, 'close');
    assert.is(code, 1006);
  });
});

test('a refused WebSocket gets the refusal, readable, and the connection closes', async () => {
  await withEcho(
    { decide: () => REFUSE, unauthorizedHeaders: () => ({ 'X-Plex-Protocol': '1.0' }) },
    async (lane, server) => {
      const socket = new WebSocket(`ws://127.0.0.1:${lane.port}/`);
      const [, answer] = await once(socket, 'unexpected-response');
      assert.is(answer.statusCode, 401);
      assert.is(answer.headers['x-lockgate-reason'], 'no-credentials');
      assert.is(answer.headers['x-plex-protocol'], '1.0');
      assert.is(answer.headers.connection, 'close');
      socket.on('error', () => {});
      socket.terminate();
      assert.is(server.clients.size, 0);
    },
  );
});

for (const [name, decision, status] of [
  ['redirect', { action: 'redirect', rule: 'plain-http', status: 308, location: 'https://a/' }, 308],
  ['page', { action: 'page', rule: 'gateway-page', page: 'status', scope: 'none' }, 200],
  ['preflight', { action: 'preflight', rule: 'preflight' }, 204],
  ['identity', { action: 'identity', rule: 'identity' }, 200],
] as const) {
  test(`an upgrade that is decided a ${name} is answered and closed`, async () => {
    const identity = () => ({ contentType: 'text/xml', body: '<a/>' });
    await withEcho({ decide: () => decision, identity }, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(UPGRADE);
      const answer = await client.readAnswer();
      assert.is(answer.status, status);
      assert.is(answer.header('connection'), 'close');
      await client.closed();
      await lane.finished(1);
      assert.is(lane.records[0]?.aborted, false);
    });
  });
}

test('a refusal of the server is passed on with its body, framed anew', async () => {
  const body = 'x'.repeat(300_000);
  const origin = await startAnswering(
    () =>
      `HTTP/1.1 404 Gone\r\nX-A: 1\r\nX-A: 2\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  );
  const lane = await startLane({ upstream: origin.port });
  for (const port of [{ port: lane.port }, { port: lane.tlsPort, tls: {} }]) {
    const client = await connectRaw(port);
    client.write(UPGRADE);
    const answer = await client.readAnswer();
    assert.is(answer.statusLine, 'HTTP/1.1 404 Gone');
    assert.equal(answer.values('x-a'), ['1', '2']);
    assert.equal(answer.values('connection'), ['close']);
    assert.is(answer.body.length, body.length);
    await client.closed();
  }
  await lane.close();
  await origin.close();
});

test('a WebSocket to a server that speaks TLS', async () => {
  const origin = await startOrigin(
    async (connection) => {
      await connection.readHead();
      connection.write(`${SWITCH}over TLS`);
    },
    { tls: selfSigned(['media.test']) },
  );
  const upstream = {
    protocol: 'https:',
    hostname: '127.0.0.1',
    port: origin.port,
    tls: { rejectUnauthorized: false },
  } as const;
  const lane = await startLane({ upstream });
  const client = await connectRaw({ port: lane.port });
  client.write(UPGRADE);
  await client.readUntil('over TLS');
  client.destroy();
  await lane.close();
  await origin.close();
});

test('no server known: 503; the defect of a preparation: 503', async () => {
  const lane = await startLane({ upstream: undefined });
  const client = await connectRaw({ port: lane.port });
  client.write(UPGRADE);
  assert.is((await client.readAnswer()).status, 503);
  await client.closed();
  await lane.close();
});

test('an open WebSocket is decided again from time to time, and cut when it is no longer allowed', async () => {
  let decision: Decision = FORWARD;
  await withEcho({ decide: () => decision, limits: { upgradeRecheckMs: 100 } }, async (lane) => {
    const socket = await open(`ws://127.0.0.1:${lane.port}/`);
    await lane.asked(3);
    assert.is(socket.readyState, WebSocket.OPEN);
    decision = REFUSE;
    const [code] = await once(socket, 'close');
    assert.is(code, 1006);
    assert.ok(lane.decided.length >= 4);
  });
});

test('an upgraded connection in use again by the client is not read as HTTP', async () => {
  const origin = await startAnswering(() => ok());
  const lane = await startLane({ upstream: origin.port, decide: (head) => (head.path === '/ws' ? REFUSE : FORWARD) });
  const client = await connectRaw({ port: lane.port });
  client.write(`${UPGRADE}GET /second HTTP/1.1\r\nHost: a\r\n\r\n`);
  assert.is((await client.readAnswer()).status, 401);
  await client.closed();
  assert.is(client.text, '');
  assert.equal(origin.connections, []);
  await lane.close();
  await origin.close();
});

test.run();
