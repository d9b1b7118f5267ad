/** h2c smuggling: an `Upgrade: h2c` that the server accepts is a tunnel past every later decision. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const H2C = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';

test('the upgrade is served as a plain request, and the server hears nothing of it', async () => {
  const origin = await startAnswering((request) =>
    ok(JSON.stringify([request.header('upgrade'), request.header('http2-settings'), request.header('connection')])),
  );
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${H2C}\r\n`);
    const answer = await client.readAnswer();
    assert.is(answer.status, 200);
    assert.is(answer.body.toString(), '[null,null,"keep-alive"]');
    assert.is(answer.header('connection'), 'close', 'the parser lost what came behind it');
    await client.closed();
  });
});

for (const upgrade of ['h2c', 'websocket, h2c', 'TLS/1.0', 'h2c\r\nUpgrade: websocket']) {
  test(`bytes behind an ignored Upgrade (${JSON.stringify(upgrade)}) are not read as requests`, async () => {
    const origin = await startAnswering((request) => ok(request.target));
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      const head = `GET /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`;
      client.write(`${head}GET /second HTTP/1.1\r\nHost: a\r\nX: `);
      client.write('1\r\n\r\nGET /third HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.is((await client.readAnswer()).body.toString(), '/first');
      await client.closed();
      assert.is(client.text, '');
      assert.equal(
        origin.requests.map((request) => request.target),
        ['/first'],
      );
    });
  });
}

test('a server that switches to h2c unasked is nonsense: 502, and no tunnel', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nbytes');
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${H2C}\r\n`);
    const answer = await client.readAnswer();
    assert.is(answer.status, 502);
    assert.is(answer.header('x-lockgate-reason'), 'server-down');
    client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await client.closed();
    assert.is(client.text, '');
    await origin.connections[0]?.closed();
    assert.not.ok(origin.connections[0]?.text.includes('PRI'));
  });
});

test('the HTTP/2 preface itself is refused', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    assert.is((await client.readAnswer()).status, 400);
    await client.closed();
    assert.equal(origin.connections, []);
  });
});

test.run();
