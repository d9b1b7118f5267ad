/** Connections to the media server: whether there is one, whose it is, how many are kept, and what happens when a kept one has died. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '../support/free-port.ts';
import { startLane, withLane } from '../support/full-lane.ts';
import { inTime } from '../support/in-time.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';
import { selfSigned } from '../support/self-signed.ts';
import { until } from '../support/until.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('no server on the port is 502, without a word about where it was looked for', async () => {
  const lane = await startLane({ upstream: await freePort(), corsOrigin: () => 'https://app.plex.tv' });
  const client = await connectRaw({ port: lane.port });
  client.write(GET);
  const answer = await client.readAnswer();
  assert.is(answer.status, 502);
  assert.is(answer.header('x-lockgate-reason'), 'server-down');
  assert.is(answer.header('access-control-allow-origin'), 'https://app.plex.tv');
  assert.match(answer.body.toString(), 'ECONNREFUSED');
  assert.not.match(answer.body.toString(), /127\.0\.0\.1|\d{4}/);
  assert.is(lane.failures.length, 1);
  client.destroy();
  await lane.close();
});

test('a server that does not finish the handshake is 502 after its time', async () => {
  const origin = await startOrigin(() => {});
  const upstream = { protocol: 'https:', hostname: '127.0.0.1', port: origin.port } as const;
  const lane = await startLane({ upstream, limits: { connectTimeoutMs: 200 } });
  const client = await connectRaw({ port: lane.port });
  client.write(GET);
  const answer = await client.readAnswer();
  assert.is(answer.status, 502);
  assert.is(answer.header('x-lockgate-reason'), 'server-down');
  client.destroy();
  await lane.close();
  await origin.close();
});

test('a server that is not known yet is 503 with Retry-After', async () => {
  const lane = await startLane({ upstream: undefined });
  const client = await connectRaw({ port: lane.port });
  client.write(GET);
  const answer = await client.readAnswer();
  assert.is(answer.status, 503);
  assert.is(answer.header('x-lockgate-reason'), 'starting');
  assert.ok(Number(answer.header('retry-after')) > 0);
  assert.equal(lane.failures, []);
  client.destroy();
  await lane.close();
});

for (const method of ['GET', 'HEAD']) {
  test(`a kept connection that died is not the server's fault: ${method} is tried once more, on a new one`, async () => {
    const origin = await startOrigin(async (connection) => {
      await connection.readRequest();
      connection.write(ok(method === 'HEAD' ? '' : 'first'));
      await connection.readRequest();
      if (connection.number === 1) connection.reset();
      else connection.write(ok(''));
    });
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.is((await client.readAnswer(method)).status, 200);
      client.write(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.is((await client.readAnswer(method)).status, 200);
      assert.is(origin.connections.length, 2);
      assert.equal(lane.failures, []);
      client.destroy();
    });
  });
}

test('it is tried once, not again and again', async () => {
  let dead = false;
  const origin = await startOrigin(async (connection) => {
    await connection.readRequest();
    if (dead) connection.reset();
    else connection.write(ok());
    await connection.readRequest();
    connection.reset();
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    assert.is((await client.readAnswer()).status, 200);
    dead = true;
    client.write(GET);
    assert.is((await client.readAnswer()).status, 502);
    assert.is(origin.connections.length, 2);
    client.destroy();
  });
});

test('a request that may have had an effect is never sent twice', async () => {
  let posts = 0;
  const origin = await startOrigin(async (connection) => {
    await connection.readRequest();
    connection.write(ok());
    await connection.readRequest();
    posts += 1;
    connection.reset();
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi';
    client.write(post);
    assert.is((await client.readAnswer()).status, 200);
    client.write(post);
    assert.is((await client.readAnswer()).status, 502);
    assert.is(posts, 1);
    client.destroy();
  });
});

test('idle connections to the server are bounded', async () => {
  const origin = await startAnswering(() => ok('hi'));
  await withLane(origin, { limits: { idleUpstreamSockets: 2 } }, async (lane) => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => connectRaw({ port: lane.port })));
    for (const client of clients) client.write(GET);
    await Promise.all(clients.map((client) => client.readAnswer()));
    await until(() => origin.openConnections <= 2, 'the others are closed');
    await sleep(300);
    assert.is(origin.openConnections, 2);
    for (const client of clients) client.destroy();
  });
});

test('idle connections to the server are closed before the server would', async () => {
  const origin = await startAnswering(() => ok('hi', 'Keep-Alive: timeout=2\r\n'));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    await client.readAnswer();
    assert.is(origin.openConnections, 1);
    await inTime(2_000, origin.connections[0]?.closed() ?? Promise.reject(new Error('no connection')));
    client.destroy();
  });
});

test('requests over the bound of connections wait for one', async () => {
  const origin = await startAnswering(() => ok('hi'));
  await withLane(origin, { limits: { upstreamSockets: 2 } }, async (lane) => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => connectRaw({ port: lane.port })));
    for (const client of clients) client.write(GET);
    for (const client of clients) assert.is((await client.readAnswer()).status, 200);
    assert.ok(origin.connections.length <= 2);
    for (const client of clients) client.destroy();
  });
});

test('a server that speaks TLS is verified as its options say', async () => {
  const certificate = selfSigned(['media.test']);
  const origin = await startAnswering((request) => ok(request.target), { tls: certificate });
  const base = { protocol: 'https:', hostname: '127.0.0.1', port: origin.port } as const;
  for (const [tls, status] of [
    [undefined, 502],
    [{ ca: certificate.cert }, 502],
    [{ ca: certificate.cert, servername: 'media.test', checkServerIdentity: () => undefined }, 200],
    [{ rejectUnauthorized: false }, 200],
  ] as const) {
    const lane = await startLane({ upstream: tls === undefined ? base : { ...base, tls } });
    const client = await connectRaw({ port: lane.port });
    client.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.is((await client.readAnswer()).status, status);
    client.destroy();
    await lane.close();
  }
  await origin.close();
});

test('the certificate of the server is checked against its own name, not against the Host that the client chose', async () => {
  const certificate = selfSigned(['localhost']);
  const asked: string[] = [];
  const SNICallback = (name: string, done: (error: null) => void) => {
    asked.push(name);
    done(null);
  };
  const origin = await startAnswering((request) => ok(String(request.header('host'))), {
    tls: { ...certificate, SNICallback },
  });
  const upstream = {
    protocol: 'https:',
    hostname: 'localhost',
    port: origin.port,
    tls: { ca: certificate.cert },
  } as const;
  const lane = await startLane({ upstream });
  const client = await connectRaw({ port: lane.port });
  for (const host of ['evil.example', 'other.example', 'localhost']) {
    client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const answer = await client.readAnswer();
    assert.is(answer.status, 200);
    assert.is(answer.body.toString(), host);
  }
  assert.equal(asked, ['localhost']);
  assert.is(origin.connections.length, 1, 'one pool for all names');
  client.destroy();
  await lane.close();
  await origin.close();
});

test('the server is reached over IPv6', async () => {
  const origin = await startAnswering((request) => ok(String(request.header('host'))), { host: '::1' });
  const lane = await startLane({ upstream: { protocol: 'http:', hostname: '::1', port: origin.port } });
  const client = await connectRaw({ port: lane.port });
  client.write('GET / HTTP/1.0\r\n\r\n');
  assert.is((await client.readAnswer()).body.toString(), `[::1]:${origin.port}`);
  client.destroy();
  await lane.close();
  await origin.close();
});

test.run();
