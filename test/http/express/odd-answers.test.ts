/** Answers with no reading, or two, end at the gateway; those that break off end as broken. */

import { rejects } from 'node:assert/strict';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readAnswerHead } from '../../../src/http/express/answer-head.ts';
import { type TestLane, withLane } from '../../support/full-lane.ts';
import { ok, startAnswering, startOrigin } from '../../support/origin.ts';
import { connectRaw } from '../../support/raw.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

const ODD_ANSWERS: Readonly<Record<string, string>> = {
  'no status line': 'hello\r\n\r\n',
  'another protocol': 'ICY 200 OK\r\n\r\n',
  'version 2.0': 'HTTP/2.0 200 OK\r\n\r\n',
  'version 1.2': 'HTTP/1.2 200 OK\r\n\r\n',
  'two digits': 'HTTP/1.1 20 OK\r\n\r\n',
  'four digits': 'HTTP/1.1 2000 OK\r\n\r\n',
  'status 099': 'HTTP/1.1 099 Low\r\n\r\n',
  'two spaces': 'HTTP/1.1  200 OK\r\n\r\n',
  'an upgrade': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'both lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'both lengths, the other way round': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nhi',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi',
  'the same length twice': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi',
  'two lengths in one': 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi',
  'a negative length': 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi',
  'a hexadecimal length': 'HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nhi',
  'no length at all': 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhi',
  'an unknown coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'chunked twice': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a coding in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a folded field': 'HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\nhi',
  'a blank before the colon': 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi',
  'a line without a colon': 'HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nhi',
  'a bare line feed': 'HTTP/1.1 200 OK\r\nX-A: b\nX-C: d\r\nContent-Length: 2\r\n\r\nhi',
  'a bare carriage return': 'HTTP/1.1 200 OK\r\nX-A: b\rX-C: d\r\nContent-Length: 2\r\n\r\nhi',
  'a zero byte': 'HTTP/1.1 200 OK\r\nX-A: b\0\r\nContent-Length: 2\r\n\r\nhi',
  'a head without an end': `HTTP/1.1 200 OK\r\nX-A: ${'b'.repeat(70_000)}`,
  'a head over the bound': `HTTP/1.1 200 OK\r\nX-A: ${'b'.repeat(66_000)}\r\nContent-Length: 2\r\n\r\nhi`,
};

/** The connection goes on: the next request is answered well. */
async function assertServes(lane: TestLane): Promise<void> {
  const client = await connectRaw({ port: lane.port });
  client.write('GET /good HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.is((await client.readAnswer()).status, 200);
  client.destroy();
}

for (const [what, answer] of Object.entries(ODD_ANSWERS)) {
  test(`${what}: 502, and nothing of it is passed on`, async () => {
    const origin = await startAnswering((request) => (request.target === '/good' ? ok() : answer));
    await withLane(origin, { express: true }, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(GET);
      const refusal = await client.readAnswer();
      assert.is(refusal.status, 502);
      assert.is(refusal.header('x-lockgate-reason'), 'server-down');
      assert.is(refusal.header('connection'), 'keep-alive');
      assert.is(client.text, '');
      await origin.connections[0]?.closed();
      assert.is(lane.failures.length, 1);
      await assertServes(lane);
      client.destroy();
    });
  });
}

test('the same in pieces of one byte', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readRequest();
    for (const byte of `HTTP/1.1 200 OK\r\nX-Latin: \xe9\r\nContent-Length: 5\r\n\r\nhello`) {
      connection.write(byte);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  });
  await withLane(origin, { express: true }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    const answer = await client.readAnswer();
    assert.is(answer.header('x-latin'), '\xe9');
    assert.is(answer.body.toString(), 'hello');
    client.destroy();
  });
});

const BROKEN_BODIES: Readonly<Record<string, string>> = {
  'a length that is not reached': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
  'chunks without the last one': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
  'a chunk that breaks off': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello',
  'a chunk size that is none': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n',
  'a chunk size that is too long':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000000000005\r\nhello\r\n0\r\n\r\n',
  'a chunk without its line end': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n',
  'a line feed alone behind a chunk size': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n',
  'a trailer that is none': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nnonsense\r\n\r\n',
};

for (const [what, answer] of Object.entries(BROKEN_BODIES)) {
  test(`${what}: the client's connection breaks, and the body is not complete`, async () => {
    const origin = await startOrigin(async (connection) => {
      await connection.readRequest();
      connection.write(answer);
      connection.end();
    });
    await withLane(origin, { express: true }, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(GET);
      await rejects(async () => client.readAnswer());
      await client.closed();
      assert.not.match(client.text, /0\r\n\r\n$/);
      await lane.finished(1);
      assert.is(lane.records[0]?.aborted, true);
      assert.is(lane.failures.length, 1);
    });
  });
}

test('a body that ends with the connection comes in chunks, and a reset in it is no end', async () => {
  for (const isReset of [false, true]) {
    const origin = await startOrigin(async (connection) => {
      await connection.readRequest();
      connection.write('HTTP/1.1 200 OK\r\n\r\nhello');
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (isReset) connection.reset();
      else connection.end();
    });
    await withLane(origin, { express: true }, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(GET);
      const answer = client.readAnswer();
      if (isReset) await rejects(() => answer);
      else assert.is((await answer).body.toString(), 'hello');
      client.destroy();
    });
  }
});

test('what comes behind an answer belongs to nobody: the connection to the server is closed', async () => {
  const origin = await startAnswering((request) => (request.target === '/' ? `${ok()}HTTP/1.1 200 OK\r\n\r\n` : ok()));
  await withLane(origin, { express: true }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    assert.is((await client.readAnswer()).body.toString(), 'ok');
    await origin.connections[0]?.closed();
    await assertServes(lane);
    assert.is(client.text, '');
    client.destroy();
  });
});

test('forbidden trailers are left out, others pass, and so do the chunks as they came', async () => {
  const chunks = '5;name="a b"\r\nhello\r\n0005\r\nworld\r\n0\r\n';
  const origin = await startAnswering(
    () =>
      `HTTP/1.1 200 OK\r\nTrailer: X-Sum, Set-Cookie\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}X-Sum: 1\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\n\r\n`,
  );
  await withLane(origin, { express: true }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(GET);
    await client.readUntil('\r\n\r\n');
    assert.is(await client.readUntil('X-Sum: 1\r\n\r\n'), `${chunks}X-Sum: 1\r\n\r\n`);
    client.write(GET);
    assert.equal((await client.readAnswer()).trailers, ['X-Sum: 1']);
    assert.is(origin.connections.length, 1);
    client.destroy();
  });
});

test('hop-by-hop fields end here, and what Connection names', () => {
  const text = [
    'HTTP/1.1 200 OK',
    'Content-Type: a',
    'connection: Keep-Alive, X-Hop',
    'X-Hop: 1',
    'Keep-Alive: timeout=7, max=3',
    'Proxy-Authenticate: a',
    'Upgrade: h2c',
    'TE: a',
    'Trailer: X',
    'content-length: 3',
    'ETag: "x"',
    '\r\n',
  ].join('\r\n');
  assert.equal(readAnswerHead(text, 'GET'), {
    status: 200,
    framing: 3,
    keepsAlive: true,
    keepAliveSeconds: 7,
    text: 'HTTP/1.1 200 OK\r\nContent-Type: a\r\ncontent-length: 3\r\nETag: "x"\r\n',
  });
});

test('a connection is kept only when the server keeps it', () => {
  const keeps = (head: string, method = 'GET') => {
    const answer = readAnswerHead(`${head}\r\n\r\n`, method);
    return 'fault' in answer ? answer.fault : answer.keepsAlive;
  };
  assert.is(keeps('HTTP/1.1 200 OK\r\nContent-Length: 1'), true);
  assert.is(keeps('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close'), false);
  assert.is(keeps('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive, close'), false);
  assert.is(keeps('HTTP/1.0 200 OK\r\nContent-Length: 1'), false);
  assert.is(keeps('HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive'), true);
  assert.is(keeps('HTTP/1.1 200 OK'), false);
  assert.is(keeps('HTTP/1.1 200 OK', 'HEAD'), true);
  assert.is(keeps('HTTP/1.1 304 Not Modified\r\nContent-Length: 9'), true);
});

test.run();
