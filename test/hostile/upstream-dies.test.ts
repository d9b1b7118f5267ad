/** The server dies in the middle of an answer: a clean end would make a player mark the film as watched; no end would leave it hanging. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withLane } from '../support/full-lane.ts';
import { type OriginConnection, startOrigin } from '../support/origin.ts';
import { connectRaw } from '../support/raw.ts';

const run = promisify(execFile);

const DEATHS: Readonly<Record<string, (connection: OriginConnection) => void>> = {
  'closes the connection': (connection) => connection.destroy(),
  'resets the connection': (connection) => connection.reset(),
};
const HEADS: Readonly<Record<string, string>> = {
  'an answer with a length': 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nbegun',
  'a chunked answer': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n',
  'a chunked answer inside a chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nbegun',
  'a chunked answer before the last line': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n0\r\n',
};

for (const [death, die] of Object.entries(DEATHS)) {
  for (const [what, head] of Object.entries(HEADS)) {
    for (const scheme of ['http', 'https']) {
      test(`the server ${death} inside ${what}: over ${scheme} the client sees a broken answer`, async () => {
        const origin = await startOrigin(async (connection) => {
          await connection.readHead();
          connection.write(head);
          setTimeout(die, 20, connection);
        });
        await withLane(origin, {}, async (lane) => {
          const port = scheme === 'http' ? lane.port : lane.tlsPort;
          const client = await connectRaw({ port, ...(scheme === 'https' ? { tls: {} } : {}) });
          client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
          const text = (await client.readToEnd()).toString();
          assert.match(text, 'begun');
          assert.not.match(text, '\r\n0\r\n\r\n');
          await lane.finished(1);
          assert.is(lane.records[0]?.aborted, true);
          assert.is(lane.failures.length, 1, 'evidence for the monitor');
        });
      });

      test(`the server ${death} inside ${what}: an HTTP/1.0 client over ${scheme} sees it too`, async () => {
        const origin = await startOrigin(async (connection) => {
          await connection.readHead();
          connection.write(head);
          setTimeout(die, 20, connection);
        });
        await withLane(origin, {}, async (lane) => {
          const port = scheme === 'http' ? lane.port : lane.tlsPort;
          const failure = await run('curl', ['-sk', '--http1.0', '-m', '5', `${scheme}://127.0.0.1:${port}/`]).then(
            () => 0,
            (error: { code: number }) => error.code,
          );
          assert.ok([18, 56].includes(failure), `curl ended with ${failure}`);
        });
      });
    }
  }
}

test('a reset inside an answer that ends with the connection is passed on as a reset', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\n\r\nbegun');
    setTimeout(() => connection.reset(), 20);
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    await client.closed();
    assert.is((client.error as NodeJS.ErrnoException | undefined)?.code, 'ECONNRESET');
  });
});

test('an answer that ends with the connection, in order, ends in order', async () => {
  const origin = await startOrigin(async (connection) => {
    await connection.readHead();
    connection.write('HTTP/1.1 200 OK\r\n\r\nall of it').end();
  });
  await withLane(origin, {}, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const answer = await client.readAnswer();
    assert.is(answer.header('transfer-encoding'), 'chunked');
    assert.is(answer.body.toString(), 'all of it');
    client.destroy();
  });
});

for (const [death, die] of Object.entries(DEATHS)) {
  test(`the server ${death} before any answer: 502, and the connection stays usable`, async () => {
    const origin = await startOrigin(async (connection) => {
      await connection.readHead();
      die(connection);
    });
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      for (let count = 0; count < 2; count += 1) {
        client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        const answer = await client.readAnswer();
        assert.is(answer.status, 502);
        assert.is(answer.header('x-lockgate-reason'), 'server-down');
      }
      client.destroy();
    });
  });

  test(`the server ${death} inside its head: 502`, async () => {
    const origin = await startOrigin(async (connection) => {
      await connection.readHead();
      connection.write('HTTP/1.1 200 OK\r\nContent-Le');
      setTimeout(die, 20, connection);
    });
    await withLane(origin, {}, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.is((await client.readAnswer()).status, 502);
      client.destroy();
    });
  });
}

test.run();
