/** Duplicate headers, trailers, order and case got lost on the way back; a `Date` appeared that the server had not sent. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const FIELDS = [
  ['Server', 'x'],
  ['Set-Cookie', 'a=1'],
  ['set-cookie', 'b=2'],
  ['X-Twice', '1'],
  ['WWW-Authenticate', 'Basic'],
  ['X-Twice', '2'],
  ['WWW-Authenticate', 'Digest'],
  ['vary', 'Accept'],
  ['Vary', 'Origin'],
  ['X-Empty', ''],
];
const HEAD = FIELDS.map(([name, value]) => `${name}: ${value}\r\n`).join('');

test('repeated answer fields, their order and their case stay; no Date is added', async () => {
  const origin = await startAnswering(() => ok('hi', HEAD));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = await client.readAnswer();
    assert.equal(answer.rawHeaders.slice(0, 24), [
      'Content-Type',
      'text/plain',
      ...FIELDS.flat(),
      'Content-Length',
      '2',
    ]);
    assert.equal(answer.rawHeaders.slice(24), ['Connection', 'keep-alive', 'Keep-Alive', 'timeout=75']);
    client.destroy();
  });
});

test('repeated request fields arrive repeated, in their order', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nX-A: 3\r\nAccept: a\r\nAccept: b\r\n\r\n');
    await client.readAnswer();
    assert.equal(origin.requests[0]?.values('x-a'), ['1', '2', '3']);
    assert.equal(origin.requests[0]?.values('accept'), ['a', 'b']);
    client.destroy();
  });
});

test('trailers of a chunked answer arrive, without those that would pass for fields of its head', async () => {
  const origin = await startAnswering(
    () =>
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n' +
      'X-Sum: 1\r\nx-sum: 2\r\nSet-Cookie: a=b\r\nContent-Type: text/html\r\nHost: evil\r\n\r\n',
  );
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = await client.readAnswer();
    assert.is(answer.header('trailer'), 'X-Sum');
    assert.is(answer.body.toString(), 'hi');
    assert.equal(answer.trailers, ['X-Sum: 1', 'x-sum: 2']);
    client.destroy();
  });
});

for (const [who, request] of [
  ['an HTTP/1.0 client', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'],
  ['the answer to a HEAD', 'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
] as const) {
  test(`a Trailer field for ${who} is left out, and nothing breaks`, async () => {
    const origin = await startAnswering((asked) => {
      const head = 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n';
      return asked.method === 'HEAD' ? head : `${head}2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n`;
    });
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write(request);
      const answer = await client.readAnswer(request.slice(0, 4).trim());
      assert.is(answer.status, 200);
      assert.is(answer.header('trailer'), undefined);
      assert.is(answer.body.toString(), request.startsWith('GET') ? 'hi' : '');
      await client.closed();
    });
  });
}

test('hop-by-hop fields of the answer, and what its Connection names, end at the gateway', async () => {
  const fields =
    'Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=1000\r\nProxy-Connection: x\r\n' +
    'Upgrade: h2c\r\nTE: x\r\nProxy-Authenticate: Basic\r\n';
  const origin = await startAnswering(() => ok('hi', fields));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = await client.readAnswer();
    for (const name of ['x-hop', 'proxy-connection', 'upgrade', 'te', 'proxy-authenticate']) {
      assert.is(answer.header(name), undefined, name);
    }
    assert.is(answer.header('connection'), 'keep-alive');
    assert.is(answer.header('keep-alive'), 'timeout=75');
    client.destroy();
  });
});

test('an answer head of 60 KB arrives', async () => {
  const origin = await startAnswering(() => ok('hi', `X: ${'x'.repeat(60_000)}\r\n`));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.is((await client.readAnswer()).header('x')?.length, 60_000);
    client.destroy();
  });
});

test('a thousand answer fields arrive', async () => {
  const fields = Array.from({ length: 1500 }, (_, index) => `X-${index}: ${index}\r\n`).join('');
  const origin = await startAnswering(() => ok('hi', fields));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = await client.readAnswer();
    assert.is(answer.header('x-1499'), '1499');
    client.destroy();
  });
});

test.run();
