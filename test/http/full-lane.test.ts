import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../src/access/decision.ts';
import type { Peer } from '../../src/http/request.ts';
import { FORWARD, startLane, withLane } from '../support/full-lane.ts';
import { inTime } from '../support/in-time.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';
import { selfSigned } from '../support/self-signed.ts';
import { until } from '../support/until.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const REFUSE: Decision = {
  action: 'refuse',
  rule: 'claim-guard',
  status: 403,
  reason: 'unclaimed',
  detail: 'Not claimed.',
};
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** An origin whose answers begin and never end, and that agrees to every upgrade. */
function startEndless() {
  return startOrigin(async (connection) => {
    const head = await connection.readHead();
    connection.write(
      head.header('upgrade') === undefined ? 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun' : SWITCH,
    );
  });
}

test('one connection serves many requests, over both schemes', async () => {
  const origin = await startAnswering((request) => ok(request.target));
  await withLane(origin, {}, async (lane) => {
    for (const port of [{ port: lane.port }, { port: lane.tlsPort, tls: {} }]) {
      const client = await connectRaw(port);
      for (let count = 0; count < 50; count += 1) {
        client.write(`GET /${count} HTTP/1.1\r\nHost: a\r\n\r\n`);
        assert.is((await client.readAnswer()).body.toString(), `/${count}`);
      }
      assert.is(lane.lane.counters.connections, 1);
      client.destroy();
      await lane.finished(50);
      while (lane.lane.counters.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.is(origin.connections.length, 1);
  });
});

test('the policy hears who the peer is', async () => {
  const peers: Peer[] = [];
  const origin = await startAnswering(() => ok());
  const decide = (_head: unknown, peer: Peer) => {
    peers.push(peer);
    return FORWARD;
  };
  await withLane(origin, { decide }, async (lane) => {
    const client = await connectRaw({ port: lane.tlsPort, tls: {}, localAddress: '127.0.0.7' });
    client.write(GET);
    await client.readAnswer();
    assert.is(peers[0]?.address, '127.0.0.7');
    assert.is(peers[0]?.tls, true);
    assert.is(peers[0]?.localPort, lane.tlsPort);
    client.destroy();
  });
});

const HANDOVERS: Readonly<Record<string, (socket: Socket, accept: (unread?: Buffer) => void) => void>> = {
  untouched: (_socket, accept) => accept(),
  'read from, with nothing taken': (socket, accept) => socket.once('readable', () => accept()),
  'read from, one byte taken': (socket, accept) => socket.once('readable', () => accept(socket.read(1))),
  'read from, the head and half of the body taken': (socket, accept) =>
    socket.once('readable', () => accept(socket.read(57))),
  'read from, everything taken': (socket, accept) => socket.once('readable', () => accept(socket.read())),
  'paused behind its first bytes': (socket, accept) =>
    socket.once('data', (chunk) => {
      socket.pause();
      accept(chunk);
    }),
  'paused, and handed over later': (socket, accept) =>
    socket.once('data', (chunk) => {
      socket.pause();
      setTimeout(accept, 30, chunk);
    }),
};

for (const [state, handOver] of Object.entries(HANDOVERS)) {
  for (const scheme of ['http', 'https']) {
    test(`a connection may be handed over ${state} (${scheme})`, async () => {
      const origin = await startAnswering((request) => ok(`${request.target} ${request.body}`));
      const lane = await startLane({ upstream: origin.port });
      const take = (socket: Socket) => handOver(socket, (unread) => lane.lane.accept(socket, PEER, unread));
      const server = scheme === 'http' ? createServer(take) : createTlsServer(selfSigned(['lockgate.test']), take);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const client = await connectRaw(scheme === 'http' ? { port } : { port, tls: {} });
      client.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n0123456789ab');
      assert.is((await client.readAnswer()).body.toString(), '/a 0123456789ab');
      client.write('GET /b HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.is((await client.readAnswer()).body.toString(), '/b ');
      client.destroy();
      server.close();
      await lane.close();
      await origin.close();
    });
  }
}

test('a recheck cuts what is no longer allowed, and leaves the rest', async () => {
  let closed = false;
  const decide = (head: { path: string }) => (closed && head.path !== '/stays' ? REFUSE : FORWARD);
  const origin = await startEndless();
  await withLane(origin, { decide }, async (lane) => {
    const [film, stays, socket] = await Promise.all([0, 1, 2].map(() => connectRaw({ port: lane.port })));
    film?.write('GET /film HTTP/1.1\r\nHost: a\r\n\r\n');
    stays?.write('GET /stays HTTP/1.1\r\nHost: a\r\n\r\n');
    socket?.write(UPGRADE);
    await Promise.all([film?.readUntil('begun'), stays?.readUntil('begun'), socket?.readUntil('\r\n\r\n')]);
    assert.is(await lane.lane.recheck(), 0);
    assert.equal(lane.lane.counters, { connections: 3, requestsInFlight: 2, upgraded: 1 });
    closed = true;
    assert.is(await lane.lane.recheck(), 2);
    await Promise.all([film?.closed(), socket?.closed()]);
    assert.is(stays?.isClosed, false);
    await lane.finished(2);
    await until(() => origin.openConnections === 1, 'the server hears of both ends');
    assert.is(lane.records.find((record) => record.path === '/film')?.aborted, true);
    stays?.destroy();
  });
});

test('a recheck cuts what is open with rights that it would not get now', async () => {
  const lent = (token: string): Decision => ({ action: 'forward', rule: 'admitted', credentials: 'replace', token });
  let decision = lent('first');
  const origin = await startEndless();
  await withLane(origin, { decide: () => decision }, async (lane) => {
    for (const [before, after] of [
      [lent('first'), lent('second')],
      [FORWARD, lent('first')],
    ] as const) {
      decision = before;
      const client = await connectRaw({ port: lane.port });
      client.write(UPGRADE);
      await client.readUntil('\r\n\r\n');
      assert.is(await lane.lane.recheck(), 0);
      decision = after;
      assert.is(await lane.lane.recheck(), 1);
      await client.closed();
    }
  });
});

test('a recheck while the policy thinks makes the answer old: it is asked again', async () => {
  const answers: ((decision: Decision) => void)[] = [];
  const origin = await startAnswering(() => ok());
  await withLane(origin, { decide: () => new Promise((resolve) => answers.push(resolve)) }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    await lane.asked(1);
    await lane.lane.recheck();
    answers[0]?.(FORWARD);
    await lane.asked(2);
    answers[1]?.(REFUSE);
    assert.is((await client.readAnswer()).status, 403);
    assert.equal(origin.connections, []);
    client.destroy();
  });
});

test('a policy that fails on a recheck cuts', async () => {
  let fails = false;
  const decide = () => (fails ? Promise.reject(new Error('a defect')) : FORWARD);
  const origin = await startEndless();
  await withLane(origin, { decide }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    await client.readUntil('begun');
    fails = true;
    assert.is(await lane.lane.recheck(), 1);
    await client.closed();
  });
});

test('draining closes what is idle, lets answers finish and closes behind them', async () => {
  let finish: () => void = () => {};
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nbegun');
    finish = () => connection.write('end');
  });
  const lane = await startLane({ upstream: origin.port });
  const [idle, busy] = await Promise.all([connectRaw({ port: lane.port }), connectRaw({ port: lane.port })]);
  busy.write(GET);
  await busy.waitFor(() => busy.text.includes('begun'), 'the beginning');
  const drained = lane.lane.drain(5_000);
  await idle.closed();
  const late = await connectRaw({ port: lane.port });
  await late.closed();
  finish();
  assert.is((await busy.readAnswer()).body.toString(), 'begunend');
  await busy.closed();
  // It does not wait for the grace to end.
  await inTime(1_000, drained);
  await lane.close();
  await origin.close();
});

test('draining ends what does not finish in time; WebSockets do not hold it up', async () => {
  const origin = await startEndless();
  const lane = await startLane({ upstream: origin.port });
  const socket = await connectRaw({ port: lane.port });
  socket.write(UPGRADE);
  await socket.readUntil('\r\n\r\n');
  await inTime(1_000, lane.lane.drain(5_000));
  await socket.closed();
  await lane.close();

  const second = await startLane({ upstream: origin.port });
  const client = await connectRaw({ port: second.port });
  client.write(GET);
  await client.readUntil('begun');
  await second.lane.drain(100);
  assert.is(second.lane.counters.connections, 0, 'it has waited for the end of what it has cut');
  await client.closed();
  await second.close();
  await origin.close();
});

test('an HTTP/1.0 client is served: closed, or kept when it asks', async () => {
  const origin = await startOrigin(async (connection) => {
    while (!connection.isClosed) {
      const request = await connection.readRequest();
      if (request.target === '/open') {
        connection.write('HTTP/1.1 200 OK\r\n\r\nuntil the end').socket.end();
      } else connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n');
    }
  });
  await withLane(origin, {}, async (lane) => {
    for (const [target, body] of [
      ['/chunked', 'hi'],
      ['/open', 'until the end'],
    ]) {
      const client = await connectRaw({ port: lane.port });
      client.write(`GET ${target} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`);
      const answer = await client.readAnswer();
      assert.is(answer.header('transfer-encoding'), undefined);
      assert.is(answer.header('connection'), 'close');
      assert.is(answer.body.toString(), body);
    }
  });
});

test('lines in front of a request line are skipped (RFC 9112 section 2.2)', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`\r\n\r\n${GET}`);
    assert.is((await client.readAnswer()).status, 200);
    client.write(`\r\n${GET}`);
    assert.is((await client.readAnswer()).status, 200);
    client.destroy();
  });
});

test('a hundred connections at once are served', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const clients = await Promise.all(Array.from({ length: 100 }, () => connectRaw({ port: lane.port })));
    for (const client of clients) client.write(GET);
    for (const client of clients) assert.is((await client.readAnswer()).status, 200);
    assert.is(lane.lane.counters.connections, 100);
    for (const client of clients) client.destroy();
  });
});

const PEER: Peer = {
  address: '127.0.0.1',
  port: 1,
  fromProxyHeader: false,
  tls: false,
  serverName: undefined,
  localAddress: '127.0.0.1',
  localPort: 1,
};

test('the lane knows who is connected, and by which rule', async () => {
  const origin = await startEndless();
  await withLane(origin, {}, async ({ lane, port, asked }) => {
    const fresh = await connectRaw({ port, localAddress: '127.0.0.8' });
    const busy = await connectRaw({ port });
    busy.write(GET);
    await busy.readUntil('begun');
    const tunnel = await connectRaw({ port, localAddress: '127.0.0.7' });
    tunnel.write(UPGRADE);
    await tunnel.readUntil('\r\n\r\n');
    await asked(2);
    const byAddress = lane.connections().sort((a, b) => (a.client ?? '').localeCompare(b.client ?? ''));
    assert.equal(byAddress, [
      { client: '127.0.0.1', rule: 'valid', isBusy: true, isUpgraded: false },
      { client: '127.0.0.7', rule: 'valid', isBusy: false, isUpgraded: true },
      { client: '127.0.0.8', rule: undefined, isBusy: false, isUpgraded: false },
    ]);
    for (const client of [fresh, busy, tunnel]) client.destroy();
  });
});

test.run();
