/** HTTP/2 as the built program serves it: off until it is asked for, then with the same policy, for curl, h2load and a browser. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Browser, browserIsInstalled } from '../support/browser.ts';
import type { CurlAnswer } from '../support/curl.ts';
import { GuardedHome, type GuardedHomeOptions, OUTSIDER, OWN_TOKEN } from '../support/guarded-home.ts';
import { ask, CANCEL, closeSession, openSession } from '../support/http2.ts';
import { OWNER_TOKEN } from '../support/plex.ts';

const run = promisify(execFile);
const ON = 'http2 = true';
const VERSION = ['-w', '|%{http_version}'];

const test = suite<{ guarded: GuardedHome }>('HTTP/2');

test.before.each(async (context) => {
  context.guarded = await GuardedHome.start({ listen: ON });
});
test.after.each(({ guarded }) => guarded.close());

function versionOf({ body }: CurlAnswer): string {
  return body.slice(body.lastIndexOf('|') + 1);
}

/** What a refusal says, whatever carries it. */
function essence({ status, headers, body }: CurlAnswer) {
  const { connection: _, 'keep-alive': __, date: ___, ...fields } = headers;
  return { status, fields, body };
}

test('is off until the file says so, and follows a reload', async ({ guarded }) => {
  assert.is(versionOf(await guarded.ask('127.0.0.1', '/identity', ...VERSION)), '2');
  assert.is(versionOf(await guarded.ask('127.0.0.1', '/identity', '--http1.1', ...VERSION)), '1.1');
  assert.is(versionOf(await guarded.askPlainly('127.0.0.1', '/identity', '--http2', ...VERSION)), '1.1');
  const options: GuardedHomeOptions = {};
  await guarded.reload(options);
  assert.is(versionOf(await guarded.ask('127.0.0.1', '/identity', ...VERSION)), '1.1');
});

test('refuses and forwards as over HTTP/1.1, and writes the same lines', async ({ guarded }) => {
  const origin = ['-H', 'Origin: https://app.plex.tv'];
  const questions: readonly (readonly string[])[] = [
    ['/library/sections'],
    ['/library/sections', ...origin],
    ['/library/sections', ...OWN_TOKEN, ...origin],
    ['/library/sections', '-H', 'X-Plex-Token: wrong'],
    ['/library/sections', '-X', 'OPTIONS', ...origin, '-H', 'Access-Control-Request-Method: GET'],
    ['/.lockgate/health'],
    ['/web/index.html', '-I'],
    ['/:/prefs', '-X', 'PUT', '-d', 'a=b'],
  ];
  for (const [path = '', ...args] of questions) {
    for (const client of ['127.0.0.1', OUTSIDER]) {
      const over2 = await guarded.ask(client, path, '--http2', ...args);
      const over1 = await guarded.ask(client, path, '--http1.1', ...args);
      assert.equal(essence(over2), essence(over1), `${client} ${path} ${args.join(' ')}`);
    }
  }
  await guarded.accessLine('/:/prefs');
  const served = guarded.gateway.lines.filter(
    ({ path, message }) => path === '/library/sections' && message === 'served',
  );
  const about = served.map(({ client, method, status, rule }) => `${client} ${method} ${status} ${rule}`);
  assert.is(about.length, 8, 'refusals that repeat are counted, not written again');
  for (const [text, same] of Map.groupBy(about, (line) => line)) assert.is(same.length % 2, 0, text);
  assert.is(guarded.lastReached.header('x-forwarded-for'), OUTSIDER);
});

test('a client may have as many requests at a time as connections', async ({ guarded }) => {
  await guarded.reload({ listen: ON, sections: '[limits]\nconnections_per_client = 4' });
  const session = await openSession(guarded.gateway.port);
  const open = Array.from({ length: 4 }, () => {
    const path = `/:/eventsource/notifications?X-Plex-Token=${OWNER_TOKEN}`;
    return session.request({ ':path': path });
  });
  for (const stream of open) stream.on('error', () => {});
  await Promise.all(open.map((stream) => once(stream, 'response')));
  const refused = await ask(session, { ':path': '/identity' });
  assert.is(refused.status, 429);
  assert.is(refused.headers['x-lockgate-reason'], 'throttled');
  assert.is(refused.headers['retry-after'], '10');
  open[0]?.close(CANCEL);
  while ((await ask(session, { ':path': '/identity' })).status !== 200) await new Promise(setImmediate);
  await closeSession(session);
});

test('SIGTERM says goodbye and lets answers end', async ({ guarded }) => {
  const session = await openSession(guarded.gateway.port);
  const goAway = once(session, 'goaway');
  assert.is((await ask(session, { ':path': '/identity' })).status, 200);
  guarded.gateway.signal('SIGTERM');
  const [code] = await goAway;
  assert.is(code, 0);
  assert.is(await guarded.gateway.ended(), 0);
  await closeSession(session);
});

test('a client that ends while it follows a page leaves nothing open', async ({ guarded }) => {
  const openRequests = async () => {
    const { body } = await guarded.askPlainly('127.0.0.1', '/.lockgate/metrics');
    return Number(body.match(/^lockgate_requests_in_flight (\d+)/m)?.[1]);
  };
  const before = await openRequests();
  const url = `https://127.0.0.1:${guarded.gateway.port}/.lockgate/events`;
  const follower = spawn('curl', ['-sSkN', '--http2', url], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(follower, 'close');
  await once(follower.stdout, 'data');
  assert.is(await openRequests(), before + 1);
  follower.kill('SIGKILL');
  await ended;
  let after = before + 1;
  for (let attempt = 0; after !== before && attempt < 50; attempt += 1) after = await openRequests();
  assert.is(after, before);
});

test('h2load finds no fault with it', async ({ guarded }) => {
  const url = `https://127.0.0.1:${guarded.gateway.port}/library/sections`;
  const token = ['-H', `X-Plex-Token: ${OWNER_TOKEN}`];
  const { stdout } = await run('h2load', ['-n', '2000', '-c', '4', '-m', '20', ...token, url]);
  assert.match(stdout, 'Application protocol: h2');
  assert.match(stdout, '2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout');
});

if (browserIsInstalled) {
  test('a browser takes it for pages and events, and HTTP/1.1 for WebSockets', async ({ guarded }) => {
    const { home, authority } = guarded;
    const browser = await Browser.start({ names: [home.name('127-0-0-1')], trusted: home.certificatePem });
    try {
      await browser.open(`https://${authority}/.lockgate/`);
      const entry = 'performance.getEntriesByType("navigation")[0].nextHopProtocol';
      assert.is(await browser.evaluate(entry), 'h2');
      const first = (kind: string) => `new Promise((resolve) => {
        const source = new ${kind};
        source.onmessage = () => { source.close(); resolve('heard'); };
        source.onerror = () => resolve('failed');
      })`;
      assert.is(await browser.evaluate(first('EventSource("/.lockgate/events")')), 'heard');
      const socket = `WebSocket("wss://${authority}/:/websockets/notifications?X-Plex-Token=${OWNER_TOKEN}")`;
      assert.is(await browser.evaluate(first(socket)), 'heard');
      assert.is((await guarded.accessLine('/:/websockets/notifications'))['status'], 101);
    } finally {
      await browser.close();
    }
  });
}

test.run();
