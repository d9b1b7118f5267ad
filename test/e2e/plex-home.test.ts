/** The main story, with the built program: a media app at `https://<address>.<hash>.plex.direct` browses, streams, seeks, uploads, listens. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { type CurlAnswer, curl } from '../support/curl.ts';
import { isForwarded } from '../support/guarded-home.ts';
import { mediaSha256 } from '../support/media.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { makePlexHome, type PlexHome, type RunningProgram } from '../support/program.ts';

interface Scene {
  home: PlexHome;
  gateway: RunningProgram;
  caFile: string;
  /** curl at the gateway's secure name. */
  app(path: string, ...args: string[]): Promise<CurlAnswer>;
}

const test = suite<Scene>('a Plex home');
const TOKEN = `X-Plex-Token: ${OWNER_TOKEN}`;

test.before(async (scene) => {
  scene.home = await makePlexHome();
  scene.caFile = join(scene.home.installation.folder, 'root.pem');
  writeFileSync(scene.caFile, scene.home.rootPem);
  scene.gateway = await scene.home.installation.run();
  await scene.gateway.line((line) => line['state'] === 'claimed');
  const authority = `${scene.home.name('127-0-0-1')}:${scene.gateway.port}`;
  scene.app = (path, ...args) =>
    curl('--cacert', scene.caFile, '--resolve', `${authority}:127.0.0.1`, ...args, `https://${authority}${path}`);
});
test.after(async (scene) => {
  await scene.home.close();
});

test("the app sees the server's own certificate and browses", async ({ app }) => {
  const answer = await app('/library/sections', '-H', TOKEN);
  assert.is(answer.exit, 0);
  assert.is(answer.status, 200);
});

test('a request without credentials gets the 401 that apps expect, and the server does not see it', async ({
  app,
  home,
}) => {
  const seen = home.plex.requests.length;
  const answer = await app('/library/sections');
  assert.is(answer.status, 401);
  assert.is(answer.headers['x-lockgate-reason'], 'no-credentials');
  assert.is(answer.headers['x-plex-protocol'], '1.0');
  assert.equal(
    home.plex.requests
      .slice(seen)
      .map(({ url }) => url)
      .filter((url) => url.startsWith('/library')),
    [],
  );
});

test('a wrong token gets the 401 of the server', async ({ app }) => {
  const answer = await app('/library/sections', '-H', 'X-Plex-Token: wrong');
  assert.is(answer.status, 401);
  assert.is(answer.headers['x-lockgate-reason'], 'bad-credentials');
});

test('identity and the web client are public', async ({ app }) => {
  assert.match((await app('/identity')).body, /claimed="1"/);
  assert.is((await app('/web/index.html')).status, 200);
  const home = await app('/', '-H', 'Accept: text/html');
  assert.is(home.status, 302);
  assert.is(home.headers['location'], '/web/index.html');
});

test('a film streams whole, and seeking gets the very bytes', async ({ app }) => {
  const size = 8 * 1024 * 1024;
  const whole = await app(`/library/parts/1/film.mkv?bytes=${size}`, '-H', TOKEN);
  assert.is(createHash('sha256').update(Buffer.from(whole.body, 'latin1')).digest('hex'), mediaSha256(0, size));
  const part = await app(`/library/parts/1/film.mkv?bytes=${size}`, '-H', TOKEN, '-H', 'Range: bytes=1000000-1999999');
  assert.is(part.status, 206);
  assert.is(part.headers['content-range'], `bytes 1000000-1999999/${size}`);
  assert.is(
    createHash('sha256').update(Buffer.from(part.body, 'latin1')).digest('hex'),
    mediaSha256(1_000_000, 1_000_000),
  );
});

test('the server is told the one true client', async ({ app, home }) => {
  await app('/library/sections', '-H', TOKEN, '-H', 'X-Forwarded-For: 8.8.8.8');
  const seen = home.plex.requests.findLast(isForwarded);
  const forwarded = (seen?.rawHeaders ?? []).filter(
    (_, index, all) => index % 2 === 1 && /^x-forwarded-for$/i.test(all[index - 1] ?? ''),
  );
  assert.equal(forwarded, ['127.0.0.1']);
});

test('WebSocket notifications reach the app', async ({ home, gateway }) => {
  const socket = new WebSocket(
    `wss://${home.name('127-0-0-1')}:${gateway.port}/:/websockets/notifications?X-Plex-Token=${OWNER_TOKEN}`,
    {
      ca: home.rootPem,
      lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    },
  );
  const messages: string[] = [];
  const playing = new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.on('message', (data) => {
      messages.push(String(data));
      // The server greets first; only then is it sure to know this client.
      if (messages.length === 1) home.plex.notify({ type: 'playing' });
      else resolve();
    });
  });
  await playing;
  assert.match(messages[1] ?? '', /playing/);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.close();
  await closed;
});

test('a stream that is open goes on through a reload', async ({ home, gateway }) => {
  const size = 4 * 1024 * 1024;
  const hash = createHash('sha256');
  let reloaded: Promise<unknown> | undefined;
  await new Promise<void>((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port: gateway.port,
      servername: home.name('127-0-0-1'),
      ca: home.rootPem,
      path: `/library/parts/1/film.mkv?bytes=${size}`,
      headers: { 'X-Plex-Token': OWNER_TOKEN, Host: home.name('127-0-0-1') },
    });
    asked.once('error', reject);
    asked.once('response', (answer) => {
      answer.on('data', (chunk: Buffer) => {
        hash.update(chunk);
        if (reloaded !== undefined) return;
        answer.pause();
        reloaded = home.installation.command(['reload']).finally(() => answer.resume());
      });
      answer.once('end', resolve);
      answer.once('error', reject);
    });
    asked.end();
  });
  assert.is(((await reloaded) as { status: number }).status, 0);
  assert.is(hash.digest('hex'), mediaSha256(0, size));
});

test('a file with faults changes nothing and is explained', async ({ home, app }) => {
  home.installation.configure(`${home.toml()}\n[access]\nalowed_networks = "10.0.0.0/8"\n`);
  const refused = await home.installation.command(['reload']);
  assert.is(refused.status, 1);
  assert.match(refused.stdout + refused.stderr, /did you mean/);
  assert.is((await app('/identity')).status, 200);
  home.installation.configure(home.toml());
});

test('status, explain and health speak of the running gateway', async ({ home, app }) => {
  const status = await home.installation.command(['status', '--json']);
  const report = JSON.parse(status.stdout) as { server: { claimed: boolean }; certificates: { source: string }[] };
  assert.is(report.server.claimed, true);
  assert.is(report.certificates[0]?.source, 'server');
  const explained = await home.installation.command([
    'explain',
    '--from',
    '203.0.113.9',
    '--path',
    '/library/sections',
    '--json',
  ]);
  assert.is((JSON.parse(explained.stdout) as { rule: string }).rule, 'default');
  assert.is((await app('/.lockgate/health')).body, 'ok\n');
});

test('a server that turns unclaimed is not reached any more, and is again once it is claimed', async ({
  home,
  app,
  gateway,
}) => {
  home.plex.claimed = false;
  await gateway.line((line) => line['state'] === 'signed-out');
  const refused = await app('/library/sections', '-H', TOKEN);
  assert.is(refused.status, 403);
  assert.is(refused.headers['x-lockgate-reason'], 'unclaimed');
  home.plex.claimed = true;
  let status = 0;
  for (let attempt = 0; attempt < 40 && status !== 200; attempt += 1) {
    status = (await app('/library/sections', '-H', TOKEN)).status;
    if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 250));
  }
  assert.is(status, 200);
});

test('a second gateway on the same state folder is refused', async ({ home }) => {
  const outcome = await home.installation.command(['run']);
  assert.is(outcome.status, 3);
  assert.match(outcome.stderr, /another lockgate is running/);
});

test('SIGTERM lets a running answer finish, takes nothing new, and ends with 0', async ({ home, gateway, app }) => {
  let release: (value?: unknown) => void = () => {};
  home.plex.misbehave(
    {
      kind: 'late',
      until: new Promise((resolve) => {
        release = resolve;
      }),
    },
    (url) => url.startsWith('/hubs'),
  );
  const late = app('/hubs', '-H', TOKEN);
  await home.plex.waitForRequest(({ url }) => url.startsWith('/hubs'));
  gateway.signal('SIGTERM');
  await gateway.line((line) => line['event'] === 'stopping');
  assert.is((await app('/identity')).status, 0, 'the port is given back');
  release();
  assert.is((await late).status, 200);
  assert.is(await gateway.ended(), 0);
});

test.run();
