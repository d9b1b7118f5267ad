/** Requests and answers on their way through: as they come, in order, unchanged but for what is prepared, and never waited for without end. */
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { UpstreamAnswer } from '../../src/http/lane.ts';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('an event stream passes event by event, its head before the first', async () => {
  let send: (text: string) => void = () => {};
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
    send = (text) => connection.write(text);
  });
  await withLane(origin, {}, async (lane) => {
    for (const port of [{ port: lane.port }, { port: lane.tlsPort, tls: {} }]) {
      const client = await connectRaw(port);
      client.write(GET);
      assert.match(await client.readUntil('\r\n\r\n'), 'text/event-stream');
      for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
        send(event);
        await client.readUntil(event);
      }
      assert.is(lane.lane.counters.requestsInFlight, 1);
      client.destroy();
      await origin.connections.at(-1)?.closed();
    }
  });
});

test('a head and a small body leave in one piece', async () => {
  const origin = await startAnswering(() => ok('small'));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    const pieces: number[] = [];
    client.socket.on('data', (chunk: Buffer) => pieces.push(chunk.length));
    client.write(GET);
    await client.readAnswer();
    assert.is(pieces.length, 1);
    client.destroy();
  });
});

test('103 Early Hints pass, a 100 from the server does not', async () => {
  const origin = await startAnswering(
    () =>
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n' +
      `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-Other: 1\r\n\r\n${ok()}`,
  );
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    assert.is(await client.readUntil('\r\n\r\n'), 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n');
    assert.is((await client.readAnswer()).status, 200);
    client.write('GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
    assert.is((await client.readAnswer()).status, 200);
    client.destroy();
  });
});

test('an early hint of a form that Node does not take is dropped, the answer follows', async () => {
  const origin = await startAnswering(() => `HTTP/1.1 103 Early Hints\r\nLink: nonsense\r\n\r\n${ok()}`);
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    assert.is((await client.readAnswer()).status, 200);
    client.destroy();
  });
});

test('answers without a body: 204, 304 with a length, HEAD with chunks announced', async () => {
  const origin = await startAnswering((request) => {
    if (request.target === '/204') return 'HTTP/1.1 204 No Content\r\n\r\n';
    if (request.target === '/304') return 'HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nETag: "x"\r\n\r\n';
    return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    for (const [method, target, status] of [
      ['GET', '/204', 204],
      ['GET', '/304', 304],
      ['HEAD', '/200', 200],
      ['GET', '/204', 204],
    ] as const) {
      client.write(`${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const answer = await client.readAnswer(method);
      assert.is(answer.status, status);
      if (status === 304) assert.is(answer.header('content-length'), '500');
      assert.is(client.text, '');
    }
    assert.is(origin.connections.length, 1);
    client.destroy();
  });
});

test('an upload reaches the server as it comes, not when it is complete', async () => {
  let head: () => void = () => {};
  const seen = new Promise<void>((resolve) => (head = resolve));
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    head();
    await connection.readUntil('first');
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
    await connection.readUntil('second');
    connection.write('ok');
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    await seen;
    client.write('5\r\nfirst\r\n');
    await client.readUntil('\r\n\r\n');
    client.write('6\r\nsecond\r\n0\r\n\r\n');
    assert.is((await client.readBytes(2)).toString(), 'ok');
    client.destroy();
  });
});

test('a server that does not take an upload holds the client back, and memory stays flat', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.socket.pause();
  });
  await withLane(origin, { limits: { firstByteTimeoutMs: 1500 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n');
    const chunk = Buffer.alloc(1 << 20);
    let sent = 0;
    while (sent < 200 && client.socket.write(chunk)) sent += 1;
    for (; sent < 200; sent += 1) {
      const drained = once(client.socket, 'drain').then(() => true);
      if (!(await Promise.race([drained, sleep(300).then(() => false)]))) break;
      client.socket.write(chunk);
    }
    assert.ok(sent < 64, `${sent} MiB were taken`);
    client.socket.resume();
    assert.is((await client.readAnswer()).status, 504);
    client.destroy();
  });
});

test('a silent server is 504 after its time, and the connection to it closes', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
  });
  await withLane(origin, { limits: { firstByteTimeoutMs: 150 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    const started = performance.now();
    client.write(GET);
    const answer = await client.readAnswer();
    assert.is(answer.status, 504);
    assert.is(answer.header('x-lockgate-reason'), 'server-timeout');
    assert.ok(performance.now() - started > 140);
    await origin.connections[0]?.closed();
    assert.is(lane.failures.length, 1);
    client.destroy();
  });
});

test('an answer that has begun may pause for longer than that', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
    await sleep(1_500);
    connection.write('cd');
  });
  await withLane(origin, { limits: { firstByteTimeoutMs: 600, bodyIdleTimeoutMs: 600 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    assert.is((await client.readAnswer()).body.toString(), 'abcd');
    client.destroy();
  });
});

test('an answer that stands still for longer than any may ends broken', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n');
  });
  await withLane(origin, { limits: { answerIdleTimeoutMs: 150 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    assert.not.match((await client.readToEnd()).toString(), '\r\n0\r\n');
    await origin.connections[0]?.closed();
    await lane.finished(1);
    assert.is(lane.records[0]?.aborted, true);
  });
});

test('an upload to a server that stays silent after it is 504', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readRequest();
  });
  await withLane(origin, { limits: { firstByteTimeoutMs: 1_000, bodyIdleTimeoutMs: 400 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi');
    assert.is((await client.readAnswer()).status, 504);
    client.destroy();
  });
});

test('a prepared request that Node refuses to write is 400, and nothing is sent', async () => {
  const origin = await startAnswering(() => ok());
  let prepared = { target: '/a b', rawHeaders: ['Host', 'a'] };
  await withLane(origin, { prepare: () => prepared }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    assert.is((await client.readAnswer()).status, 400);
    await client.closed();
    const second = await connectRaw({ port: lane.port });
    prepared = { target: '/', rawHeaders: ['Host', 'a', 'X', 'a\r\nX-Injected: 1'] };
    second.write(GET);
    assert.is((await second.readAnswer()).status, 400);
    await second.closed();
    assert.equal(origin.requests, []);
    assert.equal(lane.failures, []);
  });
});

test('what is prepared is what the server gets', async () => {
  const origin = await startAnswering((request) => ok(`${request.line} ${request.header('x-plex-token')}`));
  const prepare = () => ({ target: '/other//path?x', rawHeaders: ['Host', 'a', 'X-Plex-Token', 'managed'] });
  await withLane(origin, { prepare }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\nX-Plex-Token: own\r\n\r\n');
    assert.is((await client.readAnswer()).body.toString(), 'GET /other//path?x HTTP/1.1 managed');
    client.destroy();
  });
});

test('the gateway hears of every answer, and gets one record for each request', async () => {
  const heard: string[] = [];
  const origin = await startAnswering((request) => ok(request.target));
  const onUpstreamAnswer = ({ head, status }: UpstreamAnswer) => heard.push(`${head.path} ${status}`);
  await withLane(origin, { onUpstreamAnswer }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET /identity?a HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.readAnswer();
    client.write('POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789');
    await client.readAnswer();
    await lane.finished(2);
    assert.equal(heard, ['/identity 200', '/p 200']);
    const [get, post] = lane.records;
    assert.equal(
      [get?.method, get?.path, get?.status, get?.rule, get?.client],
      ['GET', '/identity', 200, 'valid', '127.0.0.1'],
    );
    assert.equal(
      [post?.method, post?.path, post?.status, post?.aborted, post?.upgraded],
      ['POST', '/p', 200, false, false],
    );
    assert.is(post?.bytesReceived, 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789'.length);
    assert.ok((get?.bytesSent ?? 0) > 50);
    assert.ok((get?.durationMs ?? -1) >= 0);
    client.destroy();
  });
});

test.run();
