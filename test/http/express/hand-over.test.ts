/** What is not for the express lane reaches the full lane with every byte, before the server has seen one of them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../../src/access/decision.ts';
import { FORWARD, startLane, type TestLane, withLane } from '../../support/full-lane.ts';
import { type OriginRequest, ok, startAnswering, startOrigin } from '../../support/origin.ts';
import { connectRaw, exchangeRaw } from '../../support/raw.ts';
import { selfSigned } from '../../support/self-signed.ts';

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const post = (target: string, body: string) =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Shows in an answer which request it belongs to. */
function bodyOf(request: OriginRequest): string {
  return `${request.method} ${request.target} ${request.body}`;
}

test('a request with a body, behind plain ones and before plain ones', async () => {
  const origin = await startAnswering((request) => ok(bodyOf(request)));
  await withLane(origin, { express: true }, async (lane) => {
    for (const port of [{ port: lane.port }, { port: lane.tlsPort, tls: {} }]) {
      const client = await connectRaw(port);
      client.write(get('/1'));
      assert.is((await client.readAnswer()).body.toString(), 'GET /1 ');
      client.write(post('/2', 'hello'));
      assert.is((await client.readAnswer()).body.toString(), 'POST /2 hello');
      client.write(get('/3'));
      assert.is((await client.readAnswer()).body.toString(), 'GET /3 ');
      client.destroy();
    }
  });
});

test('pipelined requests of all sorts are answered in their order', async () => {
  const origin = await startAnswering((request) => ok(bodyOf(request)));
  await withLane(origin, { express: true }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(get('/1') + get('/2') + post('/3', 'hello') + get('/4') + get('/5', 'Connection: close\r\n'));
    for (const body of ['GET /1 ', 'GET /2 ', 'POST /3 hello', 'GET /4 ', 'GET /5 ']) {
      assert.is((await client.readAnswer()).body.toString(), body);
    }
    await client.closed();
  });
});

test('every cut of a head and a body in two pieces', async () => {
  const origin = await startAnswering((request) => ok(bodyOf(request)));
  await withLane(origin, { express: true }, async (lane) => {
    for (const text of [get('/a'), post('/b', 'hi')]) {
      await Promise.all(
        Array.from({ length: text.length - 1 }, async (_, index) => {
          const client = await connectRaw({ port: lane.port });
          client.write(text.slice(0, index + 1));
          await new Promise((resolve) => setTimeout(resolve, 20));
          client.write(text.slice(index + 1));
          assert.is((await client.readAnswer()).status, 200);
          client.destroy();
        }),
      );
    }
  });
});

test('a head in many pieces is put together by the full lane', async () => {
  const origin = await startAnswering((request) => ok(bodyOf(request)));
  await withLane(origin, { express: true }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    for (const byte of get('/slow')) {
      client.write(byte);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.is((await client.readAnswer()).body.toString(), 'GET /slow ');
    client.destroy();
  });
});

test('a page of the gateway is answered by the full lane, on the same connection', async () => {
  const page: Decision = { action: 'page', rule: 'gateway-page', page: 'status', scope: 'lights' };
  const origin = await startAnswering((request) => ok(bodyOf(request)));
  const decide = ({ path }: { path: string }) => (path === '/page' ? page : FORWARD);
  await withLane(origin, { express: true, decide }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(get('/1') + get('/page') + get('/2'));
    for (const body of ['GET /1 ', 'page status', 'GET /2 ']) {
      assert.is((await client.readAnswer()).body.toString(), body);
    }
    client.destroy();
  });
});

test('a policy that needs time, and a client that has left meanwhile', async () => {
  const origin = await startAnswering((request) => ok(bodyOf(request)));
  const thinking = Promise.withResolvers<void>();
  const decide = async () => {
    await thinking.promise;
    await new Promise((resolve) => setTimeout(resolve, 30));
    return FORWARD;
  };
  await withLane(origin, { express: true, decide }, async (lane) => {
    const gone = await connectRaw({ port: lane.port });
    gone.write(get('/gone'));
    await lane.asked(1);
    gone.reset();
    await lane.finished(1);
    assert.is(lane.records[0]?.aborted, true);
    thinking.resolve();
    const client = await connectRaw({ port: lane.port });
    client.write(get('/1') + get('/2'));
    assert.is((await client.readAnswer()).body.toString(), 'GET /1 ');
    assert.is((await client.readAnswer()).body.toString(), 'GET /2 ');
    client.destroy();
    assert.equal(
      origin.requests.map(({ target }) => target),
      ['/1', '/2'],
    );
  });
});

/** Everything that `text` makes a lane send to its server. */
async function sentUpstream(text: string, express: boolean): Promise<string> {
  let sent = '';
  const origin = await startOrigin(async (connection) => {
    sent = await connection.readUntil('\r\n\r\n');
    connection.write('HTTP/1.1 204 No Content\r\n\r\n');
  });
  await withLane(origin, { express }, async (lane) => {
    await exchangeRaw({ port: lane.port }, text);
  });
  return sent.replaceAll(/(?:port|Port): \d+/g, 'Port: N');
}

test('both lanes send the same bytes to the server', async () => {
  for (const text of [
    get('/'),
    get('/a/b//c?d=e&&f=%2e', 'X-Plex-Token: abc\r\nAccept: */*\r\nUser-Agent: x y\r\n'),
    get('/', 'Cookie: a=b\r\nX-Multi: 1\r\nCookie: c=d\r\nx-multi: 2\r\n'),
    get('/', 'X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nVia: 1.1 x\r\nX-Real-IP: 1.2.3.4\r\n'),
    get('/', 'Connection: keep-alive\r\nX-Empty:\r\n'),
    get('/', '12: integer\r\nB: 1\r\nA: 2\r\n3: integer\r\n'),
    `HEAD /head HTTP/1.1\r\nhost: [::1]:80\r\n\r\n`,
  ]) {
    const [full, express] = [await sentUpstream(text, false), await sentUpstream(text, true)];
    assert.is(express, full);
  }
});

test('for a server that speaks TLS, each request is decided on once: a sign-in must not count as two', async () => {
  const certificate = selfSigned(['localhost']);
  const origin = await startAnswering((request) => ok(bodyOf(request)), { tls: certificate });
  const tls = { ca: certificate.cert, servername: 'localhost' };
  const upstream = { protocol: 'https:', hostname: '127.0.0.1', port: origin.port, tls } as const;
  const lane = await startLane({ upstream, express: true });
  const client = await connectRaw({ port: lane.port });
  client.write(post('/Users/AuthenticateByName', '{}'));
  assert.is((await client.readAnswer()).body.toString(), 'POST /Users/AuthenticateByName {}');
  assert.is(lane.decided.length, 1);
  client.destroy();
  await lane.close();
  await origin.close();
});

async function recordsOf(express: boolean): Promise<TestLane['records']> {
  const origin = await startAnswering((request) => ok(bodyOf(request)));
  let records: TestLane['records'] = [];
  await withLane(origin, { express }, async (lane) => {
    records = lane.records;
    const client = await connectRaw({ port: lane.port });
    for (const request of [get('/1?secret'), get('/2'), post('/3', 'hello'), get('/4')]) {
      client.write(request);
      await client.readAnswer();
    }
    client.destroy();
    await lane.finished(4);
  });
  return records.map((record) => ({ ...record, lane: 'full' as const, durationMs: 0 }));
}

test('both lanes report the same, and no byte twice', async () => {
  assert.equal(await recordsOf(true), await recordsOf(false));
});

test.run();
