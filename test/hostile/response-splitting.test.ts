/** Answers of the gateway's own that carry the client's bytes: none of them may end a line. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../src/access/decision.ts';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

test('a redirect to a location with a line feed fails closed', async () => {
  const origin = await startAnswering(() => ok());
  const decision: Decision = { action: 'redirect', rule: 'home', status: 302, location: '/\r\nSet-Cookie: a=b' };
  await withLane(origin, { decide: () => decision }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = await client.readAnswer();
    assert.is(answer.status, 503);
    assert.is(answer.header('set-cookie'), undefined);
    client.destroy();
  });
});

test('a preflight echoes nothing but header names', async () => {
  const origin = await startAnswering(() => ok());
  const decision: Decision = { action: 'preflight', rule: 'preflight', corsOrigin: 'https://app.plex.tv' };
  await withLane(origin, { decide: () => decision }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    for (const names of ['x-a: 1', 'x-a;b', 'x-a"b', '<script>', 'x'.repeat(5000)]) {
      client.write(`OPTIONS / HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Headers: ${names}\r\n\r\n`);
      const answer = await client.readAnswer();
      assert.is(answer.status, 204);
      assert.is(answer.header('access-control-allow-headers'), undefined);
    }
    client.destroy();
  });
});

test('an error page escapes what it shows, and no script could run in it', async () => {
  const origin = await startAnswering(() => ok());
  const detail = 'The Host "<script>alert(1)</script>" is not known.';
  const decision: Decision = { action: 'refuse', rule: 'host', status: 421, reason: 'host', detail };
  await withLane(origin, { decide: () => decision }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n');
    const answer = await client.readAnswer();
    assert.match(answer.header('content-type') ?? '', 'text/html');
    assert.not.match(answer.body.toString(), '<script>alert');
    assert.match(answer.header('content-security-policy') ?? '', "default-src 'none'");
    client.destroy();
  });
});

test('a second answer that the server sends unasked reaches nobody', async () => {
  const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
  const origin = await startAnswering((request) => ok(request.target) + evil);
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    for (const target of ['/1', '/2', '/3']) {
      client.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.is((await client.readAnswer()).body.toString(), target);
    }
    client.destroy();
  });
});

test('an answer that came before it was asked for reaches nobody', async () => {
  const origin = await startAnswering((request, connection) => {
    setTimeout(() => connection.write(ok('evil')), 30);
    return ok(request.target);
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.is((await client.readAnswer()).body.toString(), '/1');
    await origin.connections[0]?.closed();
    client.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.is((await client.readAnswer()).body.toString(), '/2');
    client.destroy();
  });
});

test.run();
