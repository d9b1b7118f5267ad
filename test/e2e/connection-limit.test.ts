/** A client with too many connections is told so over HTTP and HTTPS, in words that apps can read; others are served. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { curl } from '../support/curl.ts';
import { Installation } from '../support/program.ts';

const test = suite<{ installation: Installation; open: Socket[] }>('connection limit');

test.before.each((context) => {
  context.open = [];
  context.installation = new Installation(
    `[server]\nkind = "generic"\nurl = "http://127.0.0.1:9"\n[listen]\naddresses = ["127.0.0.1"]\nport = 0\n[limits]\nconnections_per_client = 2\n[dns]\nenabled = false\n`,
  );
});
test.after.each(async ({ installation, open }) => {
  for (const socket of open) socket.destroy();
  await installation.remove();
});

test('the connection that is one too many gets 429 and a time to wait, until another one is closed', async (context) => {
  const { port } = await context.installation.run();
  for (let number = 0; number < 2; number += 1) {
    const socket = connect({ host: '127.0.0.1', port });
    context.open.push(socket);
    socket.write('GET ');
    await once(socket, 'connect');
  }
  for (const url of [`http://127.0.0.1:${port}/.lockgate/health`, `https://127.0.0.1:${port}/.lockgate/health`]) {
    const refused = await curl('--insecure', '--data', 'x'.repeat(10_000), url);
    assert.is(refused.status, 429, url);
    assert.is(refused.headers['x-lockgate-reason'], 'throttled');
    assert.ok(Number(refused.headers['retry-after']) > 0);
    assert.match(refused.body, 'limits.connections_per_client');
  }
  assert.is((await curl('--interface', '127.0.0.2', `http://127.0.0.1:${port}/.lockgate/health`)).status, 200);
  const [first] = context.open;
  first?.destroy();
  let status: number | undefined = 429;
  for (let attempt = 0; attempt < 50 && status === 429; attempt += 1) {
    status = (await curl(`http://127.0.0.1:${port}/.lockgate/health`)).status;
  }
  assert.is(status, 200);
});

test.run();
