/** Pipelined requests: each gets its own decision and its own answer, in order; a flood of them is not taken in. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FORWARD, isExpress, withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

test('answers come in the order of the requests, and each request waits for the answer before it', async () => {
  const running = new Set<string>();
  let most = 0;
  const origin = await startAnswering((request) => ok(request.target));
  const decide = async (head: { target: string }) => {
    running.add(head.target);
    most = Math.max(most, running.size);
    await new Promise((resolve) => setTimeout(resolve, head.target === '/1' ? 100 : 1));
    running.delete(head.target);
    return FORWARD;
  };
  await withLane(origin, { decide }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(get('/1') + get('/2') + get('/3'));
    for (const target of ['/1', '/2', '/3']) assert.is((await client.readAnswer()).body.toString(), target);
    assert.is(most, 1);
    client.destroy();
  });
});

test('a request behind a body is decided on by itself', async () => {
  const origin = await startAnswering((request) => ok(`${request.target} ${request.body}`));
  const decide = (head: { target: string }) =>
    head.target === '/open'
      ? FORWARD
      : ({ action: 'refuse', rule: 'default', status: 401, reason: 'no-credentials', detail: 'No.' } as const);
  await withLane(origin, { decide }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`POST /open HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi${get('/closed')}${get('/open')}`);
    assert.is((await client.readAnswer()).body.toString(), '/open hi');
    assert.is((await client.readAnswer()).status, 401);
    assert.is((await client.readAnswer()).body.toString(), '/open ');
    client.destroy();
  });
});

test('garbage behind a request is refused in its turn, and the connection closes', async () => {
  const origin = await startAnswering((request) => ok(request.target));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`${get('/1')}${get('/2')}garbage\r\n\r\n${get('/3')}`);
    assert.is((await client.readAnswer()).body.toString(), '/1');
    assert.is((await client.readAnswer()).body.toString(), '/2');
    assert.is((await client.readAnswer()).status, 400);
    await client.closed();
    assert.is(client.text, '');
    assert.is(origin.requests.length, 2);
  });
});

test('a malformed request behind a good one is refused in its turn', async () => {
  const origin = await startAnswering((request) => ok(request.target));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`${get('/1')}GET /2 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${get('/3')}`);
    assert.is((await client.readAnswer()).body.toString(), '/1');
    assert.is((await client.readAnswer()).status, 400);
    await client.closed();
    assert.is(client.text, '');
    assert.is(origin.requests.length, 1);
  });
});

test('an upgrade behind a running request is served in its turn, or closes the connection', async () => {
  const origin = await startAnswering((request) => ok(request.target));
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    const upgrade = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    client.write(get('/1') + upgrade);
    if (isExpress) assert.is((await client.readAnswer()).body.toString(), '/1');
    await client.closed();
    assert.is(
      origin.requests.some((request) => request.target === '/ws'),
      isExpress,
    );
    assert.is(lane.lane.counters.upgraded, 0);
  });
});

test('a flood of pipelined requests ends the connection; others are served', async () => {
  const origin = await startAnswering((request) => ok(request.target));
  await withLane(origin, {}, async (lane) => {
    const flood = await connectRaw({ port: lane.port });
    flood.write(get('/').repeat(5_000));
    await flood.closed();
    assert.ok(origin.requests.length < 100, `${origin.requests.length} reached the server`);
    const client = await connectRaw({ port: lane.port });
    client.write(get('/2'));
    assert.is((await client.readAnswer()).body.toString(), '/2');
    client.destroy();
  });
});

test.run();
