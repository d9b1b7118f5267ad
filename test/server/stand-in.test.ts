/** The stand-ins are measured too: a test against a bad stand-in proves nothing. */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { mediaSha256 } from '../support/media.ts';
import { jwtExpiring, MACHINE_IDENTIFIER, OWNER_TOKEN, type PlexStandIn, startPlex } from '../support/plex.ts';
import { selfSigned } from '../support/self-signed.ts';

const test = suite<{ plex: PlexStandIn }>('stand-in media server');

test.before.each(async (context) => {
  context.plex = await startPlex();
});
test.after.each(async ({ plex }) => {
  await plex.close();
});

const withToken = { headers: { 'X-Plex-Token': OWNER_TOKEN } };

test('identity is public, in XML and in JSON', async ({ plex }) => {
  const xml = await (await fetch(`${plex.url}/identity`)).text();
  assert.match(xml, `machineIdentifier="${MACHINE_IDENTIFIER}"`);
  assert.match(xml, 'claimed="1"');
  const json = await fetch(`${plex.url}/identity`, { headers: { Accept: 'application/json' } });
  plex.claimed = false;
  assert.is(((await json.json()) as { MediaContainer: { claimed: boolean } }).MediaContainer.claimed, true);
  assert.match(await (await fetch(`${plex.url}/identity`)).text(), 'claimed="0"');
});

test('without a token it refuses as Plex does', async ({ plex }) => {
  const answer = await fetch(`${plex.url}/library/sections`);
  assert.is(answer.status, 401);
  assert.is(answer.headers.get('x-plex-protocol'), '1.0');
  assert.is(answer.headers.get('content-type'), 'text/html');
  assert.is(answer.headers.get('connection'), 'close');
  assert.is(plex.requests[0]?.authenticated, false);
});

test('a token counts in the header and in the query, and an expired JWT is a 498', async ({ plex }) => {
  assert.is((await fetch(`${plex.url}/`, withToken)).status, 200);
  assert.is((await fetch(`${plex.url}/?x-plex-token=${OWNER_TOKEN}`)).status, 200);
  assert.is((await fetch(`${plex.url}/?X-Plex-Token=${jwtExpiring(1)}`)).status, 498);
  assert.is((await fetch(`${plex.url}/?X-Plex-Token=wrong`)).status, 401);
});

test('a GiB-sized file is served by ranges, and its hash is known without holding it', async ({ plex }) => {
  const url = `${plex.url}/library/parts/1/0/film.mkv?bytes=${3 * 2 ** 30}`;
  const range = { headers: { ...withToken.headers, Range: `bytes=${2 ** 31 - 5}-${2 ** 31 + 200_000}` } };
  const answer = await fetch(url, range);
  assert.is(answer.status, 206);
  assert.is(answer.headers.get('content-range'), `bytes ${2 ** 31 - 5}-${2 ** 31 + 200_000}/${3 * 2 ** 30}`);
  const body = Buffer.from(await answer.arrayBuffer());
  assert.is(createHash('sha256').update(body).digest('hex'), mediaSha256(2 ** 31 - 5, 200_006));
});

test('an upload is hashed', async ({ plex }) => {
  const body = Buffer.alloc(300_000, 'upload');
  const answer = await fetch(`${plex.url}/library/metadata/1/posters`, { method: 'POST', body, ...withToken });
  const expected = { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex') };
  assert.equal(await answer.json(), expected);
  assert.equal(plex.requests[0]?.body, expected);
});

test('notifications reach a WebSocket and an event stream', async ({ plex }) => {
  const socket = new WebSocket(`ws://127.0.0.1:${plex.port}/:/websockets/notifications`, withToken);
  await once(socket, 'message');
  const events = (await fetch(`${plex.url}/:/eventsource/notifications`, withToken)).body!.getReader();
  await events.read();
  const [message, event] = [once(socket, 'message'), events.read()];
  plex.notify({ type: 'playing' });
  assert.match(String((await message)[0]), 'playing');
  assert.match(Buffer.from((await event).value ?? []).toString(), 'playing');
  await events.cancel();
  socket.terminate();
});

test('a claim code works once, and an unclaimed server trusts everybody', async ({ plex }) => {
  plex.claimed = false;
  plex.claimCodes.add('claim-abcdefghijklmnopqrst');
  assert.is((await fetch(`${plex.url}/library/sections`)).status, 200);
  const claim = () => fetch(`${plex.url}/myplex/claim?token=claim-abcdefghijklmnopqrst`, { method: 'POST' });
  assert.is((await claim()).status, 200);
  assert.is(plex.claimed, true);
  assert.is((await claim()).status, 401);
});

test('HTTP and TLS share one port', async () => {
  const tls = selfSigned(['*.0123.plex.direct']);
  const plex = await startPlex({ tls });
  try {
    assert.is((await fetch(`${plex.url}/identity`)).status, 200);
    const socket = connectTls({
      port: plex.port,
      host: plex.host,
      ca: tls.cert,
      servername: '1-2-3-4.0123.plex.direct',
    });
    socket.write('GET /identity HTTP/1.1\r\nHost: plex\r\nConnection: close\r\n\r\n');
    assert.match(String(await readAll(socket)), /^HTTP\/1\.1 200 OK\r\n/);
    assert.equal(
      plex.requests.map((request) => request.secure),
      [false, true],
    );
  } finally {
    await plex.close();
  }
});

test('it can be silent, reset, die in the middle, and answer any bytes', async ({ plex }) => {
  plex.misbehave({ kind: 'raw', bytes: 'HTTP/1.1 099 Odd\r\n\r\n' }, (url) => url === '/odd');
  assert.is(await exchange(plex, '/odd'), 'HTTP/1.1 099 Odd\r\n\r\n');
  assert.match(await exchange(plex, '/identity'), 'MediaContainer');
  plex.misbehave({ kind: 'die-mid-body', afterBytes: 100_000 });
  const film = await exchange(plex, `/library/parts/1/0/f.mkv?bytes=${2 ** 30}&X-Plex-Token=${OWNER_TOKEN}`);
  assert.is(film.length - film.indexOf('\r\n\r\n') - 4, 100_000);
  plex.misbehave({ kind: 'reset' });
  assert.is(await exchange(plex, '/identity').catch((error) => error.code), 'ECONNRESET');
  plex.misbehave({ kind: 'silent' });
  const silent = await Promise.race([exchange(plex, '/silent'), plex.waitForRequest(({ url }) => url === '/silent')]);
  assert.is.not(typeof silent, 'string');
});

test('it can stop, refuse connections, and come back on its port', async ({ plex }) => {
  await plex.stop();
  assert.is(await exchange(plex, '/identity').catch((error) => error.code), 'ECONNREFUSED');
  await plex.listen();
  assert.match(await exchange(plex, '/identity'), 'MediaContainer');
});

test('it answers GDM', async ({ plex }) => {
  const responder = await plex.answerDiscovery({ address: '127.0.0.1', port: 0 });
  const socket = createSocket('udp4');
  socket.send('M-SEARCH * HTTP/1.0\r\n\r\n', responder.port, '127.0.0.1');
  const [message] = await once(socket, 'message');
  socket.close();
  assert.match(String(message), `Resource-Identifier: ${MACHINE_IDENTIFIER}\r\n`);
  assert.match(String(message), `Port: ${plex.port}\r\n`);
});

async function exchange(plex: PlexStandIn, target: string): Promise<string> {
  const socket = connect(plex.port, plex.host);
  socket.write(`GET ${target} HTTP/1.1\r\nHost: plex\r\nConnection: close\r\n\r\n`);
  return (await readAll(socket)).toString('latin1');
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test.run();
