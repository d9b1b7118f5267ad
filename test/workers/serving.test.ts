/** Two workers serve as one: what one knows counts for the other, and what both did is added up. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makePkcs12, makePlexCertificate } from '../support/certificates.ts';
import { curl } from '../support/curl.ts';
import { type GuardedHome, LAN_CLIENT, PROXY } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { connectRaw } from '../support/raw.ts';
import {
  connectSteadily,
  eventually,
  noneConnected,
  oneOnEach,
  startWithWorkers,
  withWorkers,
  workersOf,
} from './two-workers.ts';

const TOKEN = [`X-Plex-Token: ${OWNER_TOKEN}`];
const FROM_LAN = [`X-Forwarded-For: ${LAN_CLIENT}`];
const VIEWER_TOKEN = 'viewer-token-1234567';
const PIN = '4711';

const test = suite<{ guarded: GuardedHome }>('workers serve');

test.before.each(async (scene) => {
  scene.guarded = await startWithWorkers({ tokens: [OWNER_TOKEN, VIEWER_TOKEN] });
});
test.after.each(async ({ guarded }) => {
  await guarded.close();
});

test('clients of both are let in by their credentials, and kept out without', async ({ guarded }) => {
  for (const client of await oneOnEach(guarded)) {
    assert.is((await client.ask('/library/sections', TOKEN)).status, 200);
    assert.is((await client.ask('/library/sections', TOKEN)).status, 200);
    const refused = await client.ask('/library/sections');
    assert.is(refused.status, 401);
    assert.is(refused.header('x-lockgate-reason'), 'no-credentials');
    client.close();
  }
});

test('credentials are verified once for both', async ({ guarded }) => {
  const clients = await oneOnEach(guarded);
  for (const client of clients) assert.is((await client.ask('/library/sections', TOKEN)).status, 200);
  const verifications = guarded.plex.requests.filter(
    (seen) => seen.header('x-forwarded-proto') === undefined && seen.header('x-plex-token') === OWNER_TOKEN,
  );
  assert.is(verifications.length, 1);
  for (const client of clients) client.close();
});

test('streams of events are counted for both together', async ({ guarded }) => {
  const { port } = guarded.gateway;
  const followers = [];
  for (let number = 0; number < 5; number += 1) {
    const client = await connectRaw({ port, localAddress: '127.0.0.2' });
    client.write('GET /.lockgate/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    const [statusLine] = (await client.readUntil('\r\n\r\n')).split('\r\n');
    assert.match(statusLine ?? '', number < 4 ? ' 200 ' : ' 429 ', `stream ${number}`);
    followers.push(client);
  }
  const counts = (await workersOf(guarded)).map(({ connections }) => connections);
  assert.ok(Math.min(...counts) >= 2, `${counts}`);
  for (const client of followers) client.destroy();
});

test('metrics, status and the access log count what both have done', async ({ guarded }) => {
  const clients = await oneOnEach(guarded);
  for (const client of clients) {
    for (let number = 0; number < 5; number += 1) await client.ask('/library/sections', TOKEN);
    await client.ask('POST /library/sections', TOKEN, 'x');
  }
  const text = (await guarded.ask('127.0.0.1', '/.lockgate/metrics')).body;
  const counts = [...text.matchAll(/lockgate_requests_total\{lane="\w+",rule="valid",status="\dxx"\} (\d+)\n/g)];
  assert.is(
    counts.reduce((sum, [, count]) => sum + Number(count), 0),
    12,
  );
  assert.match(text, /lockgate_upstream_latency_seconds_count 12\n/);
  assert.match(text, /lockgate_connections 3\n/);
  assert.match(text, /lockgate_workers 2\n/);
  assert.match(text, /lockgate_workers_wanted 2\n/);
  const connected = async () => {
    const { clients: views } = (await guarded.status()) as { clients: { address: string }[] };
    return views.map(({ address }) => address).sort();
  };
  await eventually(async () => (await connected()).join() === '127.0.0.2,127.0.0.3', 'whoever asked once is gone');
  const { traffic } = (await guarded.status()) as { traffic: { tlsHandshakes: number; requests: number } };
  assert.is(traffic.tlsHandshakes, 3);
  assert.is(traffic.requests, 13);
  const served = guarded.gateway.lines.filter((line) => line['message'] === 'served');
  assert.is(served.filter((line) => line['path'] === '/library/sections').length, 12);
  for (const client of clients) client.close();
});

for (const version of ['-tls1_2', '-tls1_3']) {
  test(`a TLS session that one has begun is continued by the other (openssl ${version})`, async ({ guarded }) => {
    const file = join(guarded.home.installation.folder, 'session.pem');
    const target = ['s_client', '-connect', `127.0.0.1:${guarded.gateway.port}`, version];
    const request = `GET /.lockgate/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    const first = await openssl([...target, '-sess_out', file], request);
    assert.match(first, /New, TLS/);
    await noneConnected(guarded);
    const inTheWay = await connectSteadily(guarded);
    const [busy] = (await workersOf(guarded)).filter(({ connections }) => connections === 1);
    assert.ok(busy !== undefined);
    assert.match(await openssl([...target, '-sess_in', file], request), /Reused, TLS/);
    inTheWay.close();
  });
}

test('a session of the PIN page is good for both, and ends for both with the PIN', async ({ guarded }) => {
  const hashed = await guarded.home.installation.command(['hash-pin'], `${PIN}\n`);
  const hash = /\$scrypt\S*[^"\s]/.exec(hashed.stdout)?.[0];
  const options = withWorkers({
    access: `pin_hash = "${hash}"\n`,
    server: `token = "${VIEWER_TOKEN}"`,
  });
  await guarded.reload(options);
  const clients = await oneOnEach(guarded, [PROXY, PROXY]);
  const [first] = clients;
  const form = [...FROM_LAN, 'Content-Type: application/x-www-form-urlencoded', `Origin: https://${guarded.authority}`];
  assert.is((await first.ask('/.lockgate/signin', FROM_LAN)).status, 200);
  const signedIn = await first.ask('POST /.lockgate/signin', form, `pin=${PIN}`);
  assert.is(signedIn.status, 200);
  const cookie = signedIn.header('set-cookie')?.split(';', 1)[0];
  for (const client of clients) {
    const answer = await client.ask('/library/sections', [...FROM_LAN, `Cookie: ${cookie}`]);
    assert.is(answer.status, 200, 'with the session');
    assert.is((await client.ask('/library/sections', FROM_LAN)).status, 401);
  }
  await guarded.reload(withWorkers({}));
  for (const client of clients) {
    assert.is((await client.ask('/library/sections', [...FROM_LAN, `Cookie: ${cookie}`])).status, 401);
    client.close();
  }
});

test('a renewed certificate is shown by both', async ({ guarded }) => {
  const before = await fingerprints(guarded);
  assert.is(new Set(before).size, 1);
  const renewed = makePlexCertificate({ key: 'ec' });
  writeFileSync(join(guarded.home.dataDir, 'Cache', 'cert-v2.p12'), makePkcs12(renewed));
  await guarded.gateway.line(
    (line) => line['message'] === 'certificate in use' && line['fingerprint'] !== before[0],
    15_000,
  );
  const after = await fingerprints(guarded);
  assert.is(new Set(after).size, 1);
  assert.is.not(after[0], before[0]);
});

test('a reload holds for both at once, and a number of workers that differs waits for a restart', async ({
  guarded,
}) => {
  const clients = await oneOnEach(guarded, [PROXY, PROXY]);
  for (const client of clients) assert.is((await client.ask('/library/sections', FROM_LAN)).status, 401);
  const pids = (await workersOf(guarded)).map(({ pid }) => pid);
  const options = { access: `allowed_networks = "${LAN_CLIENT}"\n`, server: `token = "${OWNER_TOKEN}"` };
  await guarded.reload(withWorkers(options));
  for (const client of clients) assert.is((await client.ask('/library/sections', FROM_LAN)).status, 200);
  guarded.configure({ ...options, sections: '[run]\nworkers = 3\n' });
  const outcome = await guarded.home.installation.command(['reload']);
  assert.match(outcome.stdout, /run\.workers: takes effect at the next start/);
  assert.equal(
    (await workersOf(guarded)).map(({ pid }) => pid),
    pids,
  );
  for (const client of clients) client.close();
});

test('the pages of the gateway come through both, streams of events among them', async ({ guarded }) => {
  for (const client of await oneOnEach(guarded)) {
    assert.is((await client.ask('/.lockgate/health')).body.toString(), 'ok\n');
    assert.match((await client.ask('/.lockgate/')).body.toString(), /<html/);
    const head = await client.ask('HEAD /.lockgate/');
    assert.is(head.status, 200);
    client.raw.write(`GET /.lockgate/events HTTP/1.1\r\nHost: ${guarded.authority}\r\n\r\n`);
    await client.raw.readUntil('text/event-stream');
    await client.raw.readUntil('data: {');
    client.close();
  }
});

test('an answer of any size and a body of any size go through', async ({ guarded }) => {
  const size = 3_000_000;
  for (const client of await oneOnEach(guarded)) {
    const film = await client.ask(`/library/parts/1/film.mkv?bytes=${size}`, TOKEN);
    assert.is(film.body.length, size);
    assert.is((await client.ask('POST /library/sections', TOKEN, 'x'.repeat(200_000))).status < 500, true);
    client.close();
  }
});

test('HTTP/2 is spoken by both', async ({ guarded }) => {
  await guarded.reload(withWorkers({ listen: 'http2 = true' }));
  const inTheWay = [];
  for (let number = 0; number < 2; number += 1) {
    const url = `https://${guarded.authority}/library/sections`;
    const resolve = ['--cacert', guarded.caFile, '--resolve', `${guarded.authority}:127.0.0.1`];
    const answer = await curl('--http2', '-H', TOKEN[0] as string, ...resolve, url);
    assert.is(answer.status, 200);
    inTheWay.push(await connectSteadily(guarded));
  }
  const { traffic } = (await guarded.status()) as { traffic: { requestsBy: { lane: string; rule: string }[] } };
  assert.ok(traffic.requestsBy.some(({ lane, rule }) => lane === 'full' && rule === 'valid'));
  for (const client of inTheWay) client.close();
});

/** What each worker shows. */
async function fingerprints(guarded: GuardedHome): Promise<string[]> {
  const clients = await oneOnEach(guarded);
  const shown = clients.map(({ raw }) => {
    const { socket } = raw as unknown as { socket: { getPeerCertificate(): { fingerprint256: string } } };
    return socket.getPeerCertificate().fingerprint256;
  });
  for (const client of clients) client.close();
  await noneConnected(guarded);
  return shown;
}

async function openssl(args: readonly string[], input: string): Promise<string> {
  const child = spawn('openssl', args);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('latin1');
  });
  child.stdin.on('error', () => {});
  child.stdin.write(input);
  await once(child, 'close');
  return output;
}

test.run();
