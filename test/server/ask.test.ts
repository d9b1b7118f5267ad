/** The gateway's own questions: bounded in time and size, and honest about why there was no answer. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createAsk } from '../../src/server/ask.ts';
import type { ServerQuestion } from '../../src/server/kind.ts';
import { ServerTrouble } from '../../src/server/trouble.ts';
import { OWNER_TOKEN, type PlexStandIn, startPlex } from '../support/plex.ts';
import { selfSigned } from '../support/self-signed.ts';

const test = suite<{ plex: PlexStandIn }>('ask');

test.before.each(async (context) => {
  context.plex = await startPlex();
});
test.after.each(async ({ plex }) => {
  await plex.close();
});

async function troubleWith(baseUrl: string, question: ServerQuestion, verifyCertificate = false): Promise<string> {
  try {
    const answer = await createAsk({ baseUrl, verifyCertificate })(question);
    return `status ${answer.status}`;
  } catch (error) {
    assert.instance(error, ServerTrouble);
    return (error as ServerTrouble).trouble;
  }
}

test('an answer comes with status, headers and body', async ({ plex }) => {
  const ask = createAsk({ baseUrl: plex.url, verifyCertificate: false });
  const answer = await ask({ path: '/identity', headers: { Accept: 'application/json' } });
  assert.is(answer.status, 200);
  assert.is(answer.headers['content-type'], 'application/json');
  assert.match(answer.body.toString(), plex.machineIdentifier);
});

test('a body is sent with its length', async ({ plex }) => {
  const ask = createAsk({ baseUrl: plex.url, verifyCertificate: false });
  await ask({ method: 'POST', path: '/playQueues', headers: { 'X-Plex-Token': OWNER_TOKEN }, body: 'hällo' });
  assert.is(plex.requests[0]?.header('content-length'), '6');
  assert.is(plex.requests[0]?.body?.bytes, 6);
});

test('a path of the base URL comes before that of the question', async ({ plex }) => {
  await troubleWith(`${plex.url}/base/`, { path: '/x?y=1' });
  assert.is(plex.requests[0]?.url, '/base/x?y=1');
});

test('redirects are answers, and are not followed', async ({ plex }) => {
  assert.is(await troubleWith(plex.url, { path: '/web' }), 'status 302');
  assert.is(plex.requests.length, 1);
});

test('no connection is kept', async ({ plex }) => {
  await troubleWith(plex.url, { path: '/identity' });
  await troubleWith(plex.url, { path: '/identity' });
  assert.is(plex.accepted, 2);
  assert.is(plex.requests[0]?.header('connection'), 'close');
});

test('the proxy of the environment is not used', async ({ plex }) => {
  const proxies = { HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9', NODE_USE_ENV_PROXY: '1' };
  Object.assign(process.env, proxies);
  try {
    assert.is(await troubleWith(plex.url, { path: '/identity' }), 'status 200');
  } finally {
    for (const name of Object.keys(proxies)) delete process.env[name];
  }
});

test('a refused connection and a reset one are unreachable', async ({ plex }) => {
  plex.connections = 'reset';
  assert.is(await troubleWith(plex.url, { path: '/' }), 'unreachable');
  await plex.stop();
  assert.is(await troubleWith(plex.url, { path: '/' }), 'unreachable');
});

test('silence ends at the deadline, before and within an answer', async ({ plex }) => {
  plex.misbehave({ kind: 'silent' });
  assert.is(await troubleWith(plex.url, { path: '/', timeoutMs: 50 }), 'silent');
  const half = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf';
  plex.misbehave({ kind: 'raw', bytes: half, keepOpen: true });
  assert.is(await troubleWith(plex.url, { path: '/', timeoutMs: 50 }), 'silent');
  plex.connections = 'deaf';
  assert.is(await troubleWith(plex.url, { path: '/', timeoutMs: 50 }), 'silent');
});

test('a truncated answer is no answer', async ({ plex }) => {
  plex.misbehave({ kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf' });
  assert.is(await troubleWith(plex.url, { path: '/' }), 'unreachable');
});

test('what is not HTTP is nonsense', async ({ plex }) => {
  for (const bytes of ['SSH-2.0-OpenSSH_9\r\n', 'HTTP/1.1 2x0 OK\r\n\r\n', '\0\0\0\0']) {
    plex.misbehave({ kind: 'raw', bytes });
    assert.is(await troubleWith(plex.url, { path: '/' }), 'nonsense', bytes);
  }
});

test('an answer over the limit is given up at the limit', async ({ plex }) => {
  const path = `/library/parts/1/0/f?bytes=${2 ** 32}&X-Plex-Token=${OWNER_TOKEN}`;
  assert.is(await troubleWith(plex.url, { path, maxBodyBytes: 1000 }), 'nonsense');
  if (plex.requests[0]?.aborted === false) await once(plex, 'settled');
  assert.ok(plex.requests[0]?.aborted);
});

test('a question that cannot be written is nonsense, not an exception', async ({ plex }) => {
  assert.is(await troubleWith(plex.url, { path: '/a b' }), 'nonsense');
  assert.is(await troubleWith(plex.url, { path: '/', headers: { 'X-Plex-Token': 'a\nb' } }), 'nonsense');
});

test('towards the media server the certificate is not judged; towards a service it is', async () => {
  const plex = await startPlex({ tls: selfSigned(['other.example']) });
  try {
    assert.is(await troubleWith(plex.httpsUrl, { path: '/identity' }), 'status 200');
    assert.is(await troubleWith(plex.httpsUrl, { path: '/identity' }, true), 'unreachable');
  } finally {
    await plex.close();
  }
});

test('an IPv6 address works', async () => {
  const plex = await startPlex({ host: '::1' });
  try {
    assert.is(await troubleWith(plex.url, { path: '/identity' }), 'status 200');
  } finally {
    await plex.close();
  }
});

test('a head that never ends is bounded', async () => {
  const endless: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 200 OK\r\n');
    const more = () => {
      if (!socket.destroyed) socket.write(`X-More: ${'x'.repeat(8000)}\r\n`, () => setImmediate(more));
    };
    more();
  });
  endless.listen(0, '127.0.0.1');
  await once(endless, 'listening');
  const { port } = endless.address() as { port: number };
  assert.is(await troubleWith(`http://127.0.0.1:${port}`, { path: '/' }), 'nonsense');
  endless.close();
});

test.run();
