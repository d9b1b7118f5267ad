/** HTTP/2 in front of the lane: the same answers and limits as over HTTP/1, on streams that do not disturb each other. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http2';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../src/access/decision.ts';
import { EventStreams } from '../../src/http/event-streams.ts';
import type { PageAsk } from '../../src/http/lane.ts';
import { curl } from '../support/curl.ts';
import { REFUSE, withLane } from '../support/full-lane.ts';
import {
  ask,
  CANCEL,
  closeSession,
  END_HEADERS,
  FrameClient,
  INTERNAL_ERROR,
  NO_ERROR,
  openSession,
  resultOf,
  withSession,
} from '../support/http2.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test('a request is forwarded as HTTP/1.1, with the Host and the one true client', async () => {
  const origin = await startAnswering(() => ok('films', 'X-Odd: \xe9\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n'));
  await withSession(origin, {}, async (session, lane) => {
    const fields = { ':path': '/library?x=%2f', ':authority': 'films.test', cookie: ['a=1', 'b=2'], te: 'trailers' };
    const answer = await ask(session, { ...fields, 'x-forwarded-for': '1.2.3.4' });
    assert.is(answer.status, 200);
    assert.is(answer.body.toString(), 'films');
    assert.is(answer.headers['x-odd'], '\xe9');
    assert.equal(answer.headers['set-cookie'], ['a=1', 'b=2']);
    assert.is(answer.headers['connection'], undefined);
    const [request] = origin.requests;
    assert.is(request?.line, 'GET /library?x=%2f HTTP/1.1');
    assert.equal(request?.values('host'), ['films.test']);
    assert.equal(request?.values('cookie'), ['a=1; b=2']);
    assert.equal(request?.values('x-forwarded-for'), ['127.0.0.1']);
    assert.is(request?.header('x-forwarded-proto'), 'https');
    assert.is(request?.header('te'), undefined);
    const [record] = lane.records;
    assert.is(record?.status, 200);
    assert.is(record?.path, '/library');
    assert.is(record?.aborted, false);
    assert.ok((record?.bytesSent ?? 0) > 5 && (record?.bytesReceived ?? 0) > 20);
  });
});

test('a refusal has its reason, and is readable by the origin that the policy names', async () => {
  const decide = (): Decision => ({ ...REFUSE, corsOrigin: 'https://app.plex.tv' });
  await withSession(await startAnswering(() => ok()), { decide }, async (session) => {
    const answer = await ask(session);
    assert.is(answer.status, 401);
    assert.is(answer.headers['x-lockgate-reason'], 'no-credentials');
    assert.is(answer.headers['access-control-allow-origin'], 'https://app.plex.tv');
    assert.is(answer.headers['connection'], undefined);
    assert.is(answer.body.toString(), 'No.\n');
    assert.is((await ask(session, { ':method': 'HEAD' })).body.length, 0);
    assert.is((await ask(session)).status, 401, 'the session goes on');
  });
});

test('a head that cannot be read in one way gets its 400, and the session goes on', async () => {
  await withSession(await startAnswering(() => ok()), {}, async (session, lane) => {
    const answer = await ask(session, { ':authority': 'a', host: 'b' });
    assert.is(answer.status, 400);
    assert.is(answer.headers['x-lockgate-reason'], 'malformed');
    assert.is((await ask(session, { ':method': 'TRACE' })).status, 400);
    assert.is((await ask(session, { ':scheme': 'http' })).status, 400);
    assert.is((await ask(session)).status, 200);
    assert.is(lane.decided.length, 1);
  });
});

test('a head over header_bytes is 431, and so are too many fields', async () => {
  await withSession(await startAnswering(() => ok()), { limits: { headerBytes: 8192 } }, async (session) => {
    const answer = await ask(session, { 'x-long': 'x'.repeat(9000) });
    assert.is(answer.status, 431);
    assert.is(answer.headers['x-lockgate-reason'], 'too-large');
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-${index}`, '1']));
    assert.is((await ask(session, many)).status, 431);
    assert.is((await ask(session)).status, 200);
  });
});

for (const [name, answer, method] of [
  ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD'],
  ['204', 'HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n', 'GET'],
  ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n', 'GET'],
  ['205', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nab', 'GET'],
  ['304', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n', 'GET'],
] as const) {
  test(`${name} has no body, and ends in order`, async () => {
    await withSession(await startAnswering(() => answer), {}, async (session, lane) => {
      const result = await ask(session, { ':method': method });
      assert.is(result.code, NO_ERROR);
      assert.is(result.body.length, 0);
      await lane.finished(1);
      assert.is(lane.records[0]?.aborted, false);
    });
  });
}

test('a chunked answer keeps its trailers', async () => {
  const chunked =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-end\r\n\r\n3\r\nabc\r\n0\r\nX-End: 1\r\n\r\n';
  await withSession(await startAnswering(() => chunked), {}, async (session) => {
    const answer = await ask(session);
    assert.is(answer.body.toString(), 'abc');
    assert.is(answer.headers['transfer-encoding'], undefined);
    assert.is((answer.trailers as Record<string, unknown>)['x-end'], '1');
  });
});

test('early hints and the permission to go on are passed on', async () => {
  const origin = await startOrigin(async (connection) => {
    const head = await connection.readHead();
    connection.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n');
    connection.write(ok(String(await connection.readBytes(Number(head.header('content-length'))))));
  });
  await withSession(origin, {}, async (session) => {
    const stream = session.request({ ':method': 'POST', ':path': '/', expect: '100-continue', 'content-length': '5' });
    await once(stream, 'continue');
    const hints = once(stream, 'headers');
    stream.end('hello');
    const [{ ':status': status, link }] = (await hints) as [IncomingHttpHeaders & { ':status': number }];
    assert.is(status, 103);
    assert.is(link, '</a.css>; rel=preload');
    assert.is((await resultOf(stream)).body.toString(), 'hello');
  });
});

test('a status that only Plex knows is passed on', async () => {
  const origin = await startAnswering(() => 'HTTP/1.1 498 Invalid Token\r\nContent-Length: 0\r\n\r\n');
  await withSession(origin, {}, async (session) => assert.is((await ask(session)).status, 498));
});

test('large uploads and answers arrive bit for bit, several at a time, one of them read slowly', async () => {
  const film = randomBytes(6 * 1024 * 1024);
  const upload = randomBytes(6 * 1024 * 1024);
  const origin = await startAnswering(({ method, body }) => {
    if (method === 'POST') return ok(digest(body));
    return Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${film.length}\r\n\r\n`), film]);
  });
  await withSession(origin, {}, async (session) => {
    const slow = session.request({ ':path': '/film' });
    const hash = createHash('sha256');
    slow.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      slow.pause();
      setTimeout(() => slow.resume(), 1);
    });
    const slowEnd = once(slow, 'close');
    const [first, second, sent, unframed] = await Promise.all([
      ask(session, { ':path': '/film' }),
      ask(session, { ':path': '/film' }),
      ask(session, { ':method': 'POST', 'content-length': String(upload.length) }, upload),
      ask(session, { ':method': 'POST' }, upload),
    ]);
    for (const answer of [first, second]) assert.is(digest(answer.body), digest(film));
    for (const answer of [sent, unframed]) assert.is(answer.body.toString(), digest(upload));
    await slowEnd;
    assert.is(hash.digest('hex'), digest(film));
  });
});

test('clients that read nothing of a big answer cost a bounded piece of it each', async () => {
  const STREAMS = 8;
  let written = 0;
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
    const chunk = Buffer.alloc(65_536);
    const pour = () => {
      while (!connection.isClosed && written < 1e9) {
        written += chunk.length;
        if (!connection.socket.write(chunk)) return;
      }
    };
    connection.socket.on('drain', pour);
    pour();
  });
  await withSession(origin, {}, async (session) => {
    const before = process.memoryUsage().external;
    const streams = Array.from({ length: STREAMS }, () => session.request({ ':path': '/film' }));
    for (const stream of streams) stream.on('error', () => {});
    await Promise.all(streams.map((stream) => once(stream, 'response')));
    let last = -1;
    while (written !== last) {
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    const growth = process.memoryUsage().external - before;
    assert.ok(growth < STREAMS * 1024 * 1024, `${Math.round(growth / 1024)} KiB`);
    for (const stream of streams) stream.close(CANCEL);
  });
});

test('the status page follows changes over a stream', async () => {
  const streams = new EventStreams({ partsOf: () => parts, lookIntervalMs: 20 });
  let parts = { lights: 'green' };
  const page = ({ response, peer }: PageAsk) => void streams.open(response, peer.address, 'lights');
  let decision: Decision = { action: 'page', rule: 'gateway-page', page: 'events', scope: 'lights' };
  await withSession(await startAnswering(() => ok()), { page, decide: () => decision }, async (session, lane) => {
    const stream = session.request({ ':path': '/.lockgate/events' });
    let text = '';
    stream.on('data', (chunk) => (text += chunk));
    stream.on('error', () => {});
    const shows = async (wanted: string) => {
      while (!text.includes(wanted)) await once(stream, 'data');
    };
    await shows('green');
    parts = { lights: 'red' };
    await shows('red');
    assert.is(streams.size, 1);
    decision = REFUSE;
    assert.is(await lane.lane.recheck(), 1);
    assert.is((await resultOf(stream)).code, INTERNAL_ERROR);
    assert.is(streams.size, 0);
  });
});

test('a form is read, and one that never comes is given up', async () => {
  const decide = (): Decision => ({ action: 'page', rule: 'gateway-page', page: 'signin', scope: 'none' });
  const page = async ({ request, response }: PageAsk) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.writeHead(200, { 'Content-Length': body.length, Connection: 'close' });
    response.end(body);
  };
  await withSession(await startAnswering(() => ok()), { decide, page }, async (session) => {
    assert.is((await ask(session, { ':method': 'POST' }, Buffer.from('pin=1234'))).body.toString(), 'pin=1234');
  });
});

test('WebSockets are not joined over a stream; a client that asks for one is refused', async () => {
  await withLane(await startAnswering(() => ok()), {}, async (lane) => {
    const session = await openSession(lane.tlsPort);
    assert.is.not(session.remoteSettings.enableConnectProtocol, true);
    await closeSession(session);
    const client = await FrameClient.connect(lane.tlsPort);
    const connect = [
      ':method',
      'CONNECT',
      ':scheme',
      'https',
      ':authority',
      'a',
      ':path',
      '/',
      ':protocol',
      'websocket',
    ];
    client.sendHead(1, connect, END_HEADERS);
    await client.resetOf(1);
    assert.equal(lane.decided, []);
    client.destroy();
  });
});

test('HTTP/2 that was not agreed in the handshake is not spoken', async () => {
  await withLane(await startAnswering(() => ok()), {}, async (lane) => {
    for (const client of [await connectRaw({ port: lane.port }), await connectRaw({ port: lane.tlsPort, tls: {} })]) {
      client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      await client.closed();
      assert.match(client.text, /^(HTTP\/1\.1 400 |$)/);
    }
    assert.equal(lane.decided, []);
  });
});

test('curl agrees', async () => {
  const origin = await startAnswering(({ body }) => ok(String(body.length)));
  await withLane(origin, {}, async (lane) => {
    const url = `https://127.0.0.1:${lane.tlsPort}/`;
    const answer = await curl('--http2', '-k', '-w', '|%{http_version}', url);
    assert.is(answer.exit, 0);
    assert.is(answer.body, '0|2');
    assert.is((await curl('--http2', '-k', '--data-binary', 'x'.repeat(100_000), url)).body, '100000');
    assert.is((await curl('--http1.1', '-k', '-w', '|%{http_version}', url)).body, '0|1.1');
  });
});

test.run();
