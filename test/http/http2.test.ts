/** HTTP/2 in front of the lane: the same answers, limits and ends as over HTTP/1, on streams that do not disturb each other. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../src/access/decision.ts';
import { EventStreams } from '../../src/http/event-streams.ts';
import type { PageAsk } from '../../src/http/lane.ts';
import { curl } from '../support/curl.ts';
import { FORWARD, type TestLane, type TestLaneOptions, withLane } from '../support/full-lane.ts';
import {
  ask,
  CANCEL,
  closeSession,
  END_HEADERS,
  FRAME,
  FrameClient,
  INTERNAL_ERROR,
  NO_ERROR,
  openSession,
  resultOf,
} from '../support/http2.ts';
import { type Origin, ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const REFUSE: Decision = {
  action: 'refuse',
  rule: 'default',
  status: 401,
  reason: 'no-credentials',
  detail: 'No.',
  corsOrigin: 'https://app.plex.tv',
};

async function withSession(
  origin: Origin,
  options: Omit<TestLaneOptions, 'upstream'>,
  use: (session: ClientHttp2Session, lane: TestLane) => Promise<void>,
): Promise<void> {
  await withLane(origin, options, async (lane) => {
    const session = await openSession(lane.tlsPort);
    try {
      await use(session, lane);
    } finally {
      await closeSession(session);
    }
  });
}

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
  await withSession(await startAnswering(() => ok()), { decide: () => REFUSE }, async (session) => {
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

test('an answer that breaks off ends in a reset, never in order', async () => {
  for (const framing of ['Content-Length: 100', 'Transfer-Encoding: chunked', 'X-Until: the end']) {
    const origin = await startOrigin(async (connection) => {
      await connection.readHead();
      connection.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nhello\r\n`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      connection.reset();
    });
    await withSession(origin, {}, async (session, lane) => {
      const answer = await ask(session);
      assert.is(answer.status, 200);
      assert.is(answer.code, INTERNAL_ERROR, framing);
      await lane.finished(1);
      assert.is(lane.records[0]?.aborted, true);
      assert.is(session.closed, false, 'other streams go on');
    });
  }
});

for (const code of [NO_ERROR, CANCEL]) {
  test(`an upload that the client resets with ${code} is broken off at the server, too`, async () => {
    const origin = await startOrigin(async (connection) => {
      await connection.readHead();
    });
    await withLane(origin, {}, async (lane) => {
      const client = await FrameClient.connect(lane.tlsPort);
      const post = [':method', 'POST', ':scheme', 'https', ':authority', 'a', ':path', '/'];
      client.sendHead(1, post, END_HEADERS).send(FRAME.DATA, 0, 1, Buffer.from('hello'));
      await lane.asked(1);
      while (!(origin.connections[0]?.text ?? '').includes('hello')) await new Promise(setImmediate);
      client.send(FRAME.RST_STREAM, 0, 1, Buffer.from([0, 0, 0, code]));
      await origin.connections[0]?.closed(3000);
      assert.not.match(origin.connections[0]?.text ?? '', '0\r\n\r\n');
      assert.equal(lane.failures, []);
      await lane.finished(1);
      client.destroy();
    });
  });
}

for (const how of ['resets the stream', 'closes the connection'] as const) {
  test(`a client that ${how} while the server is silent: the server's connection closes`, async () => {
    const origin = await startOrigin(async (connection) => {
      await connection.readHead();
    });
    await withSession(origin, {}, async (session, lane) => {
      const stream = session.request({ ':path': '/' });
      stream.on('error', () => {});
      while (origin.connections[0] === undefined) await new Promise(setImmediate);
      if (how === 'resets the stream') stream.close(CANCEL);
      else session.destroy();
      await origin.connections[0].closed(3000);
      await lane.finished(1);
      assert.is(lane.records[0]?.aborted, true);
      assert.equal(lane.failures, []);
    });
  });
}

test('a client that has closed its connection is gone at once, whether it waits for anything or not', async () => {
  await withLane(await startAnswering(() => ok()), {}, async (lane) => {
    for (const isAsking of [false, true]) {
      const session = await openSession(lane.tlsPort);
      if (isAsking) await ask(session);
      await closeSession(session);
      while (lane.lane.counters.connections > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
});

test('a refused upload gets its answer, and is not read to its end', async () => {
  const limits = { refusedBodyTimeoutMs: 300 };
  await withSession(await startAnswering(() => ok()), { decide: () => REFUSE, limits }, async (session, lane) => {
    const stream = session.request({ ':method': 'POST', ':path': '/', 'content-length': '100000000' });
    const chunk = Buffer.alloc(65_536);
    const send = setInterval(() => stream.write(chunk), 5);
    const answer = await resultOf(stream);
    clearInterval(send);
    assert.is(answer.status, 401);
    assert.is(answer.body.toString(), 'No.\n');
    assert.is(answer.code, NO_ERROR);
    await lane.finished(1);
    const received = lane.records[0]?.bytesReceived ?? 0;
    assert.ok(received < 1_000_000, `${received} bytes were read`);
    assert.is((await ask(session, {})).status, 401, 'the session goes on');
  });
});

test('a change of the policy cuts the streams that are not allowed any more, and no others', async () => {
  let isOpen = true;
  const decide: TestLaneOptions['decide'] = ({ path }) => (isOpen || path === '/mine' ? FORWARD : REFUSE);
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    await new Promise((resolve) => setTimeout(resolve, 400));
    connection.write('world');
  });
  await withSession(origin, { decide }, async (session, lane) => {
    const [lent, mine] = ['/lent', '/mine'].map((path) => session.request({ ':path': path }));
    const results = [resultOf(lent as never), resultOf(mine as never)];
    await Promise.all([once(lent as never, 'data'), once(mine as never, 'data')]);
    isOpen = false;
    assert.is(await lane.lane.recheck(), 1);
    const [cut, whole] = await Promise.all(results);
    assert.is(cut?.code, INTERNAL_ERROR);
    assert.is(whole?.code, NO_ERROR);
    assert.match(whole?.body.toString() ?? '', 'world');
  });
});

test('draining says so, lets what runs finish, and takes nothing new', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    await new Promise((resolve) => setTimeout(resolve, 300));
    connection.write(ok('whole'));
  });
  await withSession(origin, {}, async (session, lane) => {
    const idle = await openSession(lane.tlsPort);
    const running = ask(session);
    await lane.asked(1);
    const [goAway, idleEnd] = [once(session, 'goaway'), once(idle, 'close')];
    const startedMs = performance.now();
    const drained = lane.lane.drain(5_000);
    const [code] = await goAway;
    assert.is(code, NO_ERROR);
    const late = await ask(session).catch(() => undefined);
    assert.is.not(late?.status, 200);
    const answer = await running;
    assert.is(answer.code, NO_ERROR);
    assert.is(answer.body.toString(), 'whole');
    await Promise.all([drained, idleEnd]);
    assert.ok(performance.now() - startedMs < 3_000);
    assert.is(lane.lane.counters.connections, 0);
  });
});

test('draining cuts what does not finish in time', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
  });
  await withSession(origin, {}, async (session, lane) => {
    const running = ask(session);
    await lane.asked(1);
    await lane.lane.drain(200);
    assert.is(lane.lane.counters.connections, 0, 'it has waited for the end of what it has cut');
    assert.is.not((await running).code, undefined);
    assert.is(lane.lane.counters.requestsInFlight, 0);
  });
});

test('a session without a request ends after its time, however busily it pings', async () => {
  const limits = { headTimeoutMs: 300, keepAliveTimeoutMs: 300 };
  await withSession(await startAnswering(() => ok()), { limits }, async (session, lane) => {
    const ended = once(session, 'close');
    const ping = setInterval(() => !session.destroyed && session.ping(() => {}), 30);
    assert.is((await ask(session)).status, 200);
    await ended;
    clearInterval(ping);
    const silent = await FrameClient.connect(lane.tlsPort);
    await silent.raw.closed(3_000);
  });
});

test('a session lives as long as a request on it', async () => {
  const limits = { headTimeoutMs: 200, keepAliveTimeoutMs: 200 };
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    await new Promise((resolve) => setTimeout(resolve, 800));
    connection.write(ok('late'));
  });
  await withSession(origin, { limits }, async (session) => {
    assert.is((await ask(session)).body.toString(), 'late');
  });
});

test('an answer that is not read ends after its idle time, while another on the same connection goes on', async () => {
  const origin = await startOrigin(async (connection) => {
    const { target } = await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
    const chunk = Buffer.alloc(target === '/big' ? 1 << 20 : 1000);
    while (!connection.isClosed) {
      if (connection.socket.writableLength < 1 << 21) connection.write(chunk);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  await withSession(origin, { limits: { answerIdleTimeoutMs: 500 } }, async (session, lane) => {
    const stalled = session.request({ ':path': '/big' });
    const flowing = session.request({ ':path': '/small' });
    flowing.on('data', () => {});
    flowing.on('error', () => {});
    const end = resultOf(stalled);
    stalled.pause();
    await lane.finished(1);
    assert.is(lane.records[0]?.path, '/big');
    assert.is(flowing.closed, false);
    stalled.resume();
    assert.is((await end).code, INTERNAL_ERROR);
    flowing.close(CANCEL);
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

test('a client that goes with a stream of events open leaves neither stream nor connection behind', async () => {
  const streams = new EventStreams({ partsOf: () => ({ lights: 'green' }) });
  const page = ({ response, peer }: PageAsk) => void streams.open(response, peer.address, 'lights');
  const decision: Decision = { action: 'page', rule: 'gateway-page', page: 'events', scope: 'lights' };
  await withLane(await startAnswering(() => ok()), { page, decide: () => decision }, async (lane) => {
    const session = await openSession(lane.tlsPort);
    const followed = [1, 2, 3].map(() => session.request({ ':path': '/.lockgate/events' }).on('error', () => {}));
    await Promise.all(followed.map((stream) => once(stream, 'response')));
    assert.is(streams.size, 3);
    session.destroy();
    for (let tries = 0; streams.size > 0 && tries < 100; tries += 1) await new Promise((go) => setTimeout(go, 20));
    assert.is(streams.size, 0);
  });
});

test.run();
