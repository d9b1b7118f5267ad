/** `Connection` may name headers that a proxy must drop: naming a credential would have the server see another request than the policy. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const END_TO_END = [
  'Host',
  'Content-Length',
  'Content-Type',
  'Authorization',
  'Cookie',
  'Origin',
  'Referer',
  'Sec-Fetch-Site',
  'Sec-WebSocket-Key',
  'Range',
  'If-Range',
  'Accept',
  'X-Plex-Token',
  'X-Plex-Client-Identifier',
  'X-Emby-Token',
  'X-Emby-Authorization',
  'X-MediaBrowser-Token',
];

for (const name of END_TO_END) {
  test(`Connection: ${name} is refused`, async () => {
    const origin = await startAnswering(() => ok());
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, ${name.toLowerCase()}\r\n\r\n`);
      const answer = await client.readAnswer();
      assert.is(answer.status, 400);
      assert.is(answer.header('x-lockgate-reason'), 'malformed');
      await client.closed();
      assert.equal(origin.connections, []);
    });
  });
}

test('other named headers end at the gateway, however Connection is spelled', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive,X-One ,\tx-TWO\r\nconnection: x-three,,close-not\r\n' +
        'X-One: 1\r\nX-Two: 2\r\nx-two: 2\r\nX-Three: 3\r\nX-Four: 4\r\n\r\n',
    );
    assert.is((await client.readAnswer()).status, 200);
    const [request] = origin.requests;
    for (const name of ['x-one', 'x-two', 'x-three']) assert.is(request?.header(name), undefined, name);
    assert.is(request?.header('x-four'), '4');
    assert.equal(request?.values('connection'), ['keep-alive']);
    client.destroy();
  });
});

test('hop-by-hop headers end at the gateway whether named or not', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(
      'GET / HTTP/1.1\r\nHost: a\r\nKeep-Alive: 300\r\nProxy-Connection: keep-alive\r\nTE: trailers, deflate\r\n' +
        'Proxy-Authorization: Basic eDp5\r\nHTTP2-Settings: AA\r\nTrailer: X\r\n\r\n',
    );
    assert.is((await client.readAnswer()).status, 200);
    const names = origin.requests[0]?.rawHeaders
      .filter((_, index) => index % 2 === 0)
      .map((name) => name.toLowerCase());
    for (const name of ['keep-alive', 'proxy-connection', 'te', 'proxy-authorization', 'http2-settings', 'trailer']) {
      assert.not.ok(names?.includes(name), name);
    }
    client.destroy();
  });
});

test('naming a forwarding header does not keep the gateway from writing it', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Forwarded-For, X-Real-IP, Forwarded\r\n\r\n');
    assert.is((await client.readAnswer()).status, 200);
    assert.is(origin.requests[0]?.header('x-forwarded-for'), '127.0.0.1');
    assert.is(origin.requests[0]?.header('x-real-ip'), '127.0.0.1');
    client.destroy();
  });
});

test('a Connection that is no list of names is refused', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close; x-plex-token\r\n\r\n');
    assert.is((await client.readAnswer()).status, 400);
    client.destroy();
  });
});

test('Connection: close closes, on both versions; HTTP/1.0 keeps alive only when asked', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    for (const [request, closes] of [
      ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', true],
      ['GET / HTTP/1.0\r\nHost: a\r\n\r\n', true],
      ['GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n', false],
      ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', false],
    ] as const) {
      const client = await connectRaw({ port: lane.port });
      client.write(request);
      assert.is((await client.readAnswer()).header('connection'), closes ? 'close' : 'keep-alive');
      if (closes) await client.closed();
      client.destroy();
    }
  });
});

test.run();
