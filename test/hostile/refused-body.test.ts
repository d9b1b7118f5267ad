/** A refused upload must still show the client why: closing on unread bytes resets the connection, and the answer with it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision } from '../../src/access/decision.ts';
import { isExpress, withLane } from '../support/full-lane.ts';
import { ok, startAnswering, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const run = promisify(execFile);
const REFUSE: Decision = {
  action: 'refuse',
  rule: 'default',
  status: 401,
  reason: 'no-credentials',
  detail: 'Sign in.',
};

for (const scheme of ['http', 'https']) {
  for (const kilobytes of [1, 60, 5_000]) {
    test(`curl over ${scheme} uploading ${kilobytes} KiB reads the refusal`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'lockgate-test-'));
      const file = join(folder, 'upload');
      writeFileSync(file, Buffer.alloc(kilobytes * 1024));
      const origin = await startAnswering(() => ok());
      await withLane(origin, { decide: () => REFUSE }, async (lane) => {
        const port = scheme === 'http' ? lane.port : lane.tlsPort;
        for (const expect of ['Expect:', 'Expect: 100-continue']) {
          const url = `${scheme}://127.0.0.1:${port}/`;
          const { stdout } = await run('curl', [
            '-sk',
            '-m',
            '10',
            '-H',
            expect,
            '-w',
            '%{http_code}',
            '-T',
            file,
            url,
          ]);
          assert.is(stdout, 'Sign in.\n401');
        }
        assert.equal(origin.connections, []);
      });
      rmSync(folder, { recursive: true });
    });
  }
}

test('a small refused body that is already here is answered without a wait', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, { decide: () => REFUSE, limits: { refusedBodyTimeoutMs: 60_000 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi');
    // Behind the express lane the body is read before the decision is known, and the connection may go on.
    assert.is((await client.readAnswer()).header('connection'), isExpress ? 'keep-alive' : 'close');
    if (!isExpress) await client.closed();
  });
});

test('a refused request without a body keeps the connection', async () => {
  const origin = await startAnswering(() => ok());
  await withLane(origin, { decide: () => REFUSE }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    for (const method of ['GET', 'HEAD', 'DELETE', 'POST']) {
      client.write(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
      const answer = await client.readAnswer(method);
      assert.is(answer.status, 401);
      assert.is(answer.header('connection'), 'keep-alive');
    }
    client.destroy();
  });
});

test('the server answers an upload before its end: the client reads the answer', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig');
  });
  await withLane(origin, { limits: { refusedBodyTimeoutMs: 200 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nbegun');
    const answer = await client.readAnswer();
    assert.is(answer.status, 413);
    assert.is(answer.header('connection'), 'close');
    assert.is(answer.body.toString(), 'big');
    await client.closed();
    await origin.connections[0]?.closed();
  });
});

test('the server answers an upload while it goes on: both come to their end', async () => {
  const origin = await startOrigin(async (connection) => {
    const head = await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n');
    await connection.readBytes(Number(head.header('content-length')));
    connection.write('4\r\ndone\r\n0\r\n\r\n');
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n');
    await client.waitFor(() => client.text.includes('begun'), 'the beginning');
    client.write('0123456789');
    assert.is((await client.readAnswer()).body.toString(), 'begundone');
    client.destroy();
  });
});

test('the server closes on an upload without a word: 502', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.destroy();
  });
  await withLane(origin, { limits: { refusedBodyTimeoutMs: 200 } }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbegun');
    const answer = await client.readAnswer();
    assert.is(answer.status, 502);
    assert.is(answer.header('connection'), 'close');
    await client.closed();
  });
});

test.run();
