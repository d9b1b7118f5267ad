/** A day of mixed traffic in a minute: whatever is sent, nothing reaches the server without credentials, and nothing while it is not claimed. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GuardedHome, type GuardedHomeOptions, isForwarded, PROXY } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import type { SeenRequest } from '../support/stand-in.ts';
import { FRIEND_TOKEN, PIN, type Sender, VIEWER_TOKEN, type Visit, visitsFrom } from './day-of-traffic.ts';

const SEED = 20_261_122;
const VISITORS = 6;
const VISITS_BETWEEN_EVENTS = 220;
/** What was let through just before the server was closed has been read by then: in turns, because a pause alone may end before the reading. */
const TURNS_ON_THE_WAY = 25;
/** How long an open WebSocket is kept at most. */
const SOCKET_MS = 400;
const PUBLIC_PATH = /^\/(?:identity$|web(?:\/|$))/;
const SECRETS = [OWNER_TOKEN, FRIEND_TOKEN, VIEWER_TOKEN, PIN.repeat(2)];

interface Outcome {
  readonly visit: Visit;
  /** 0: no answer. */
  readonly status: number;
}

interface Scene {
  guarded: GuardedHome;
  options: GuardedHomeOptions;
  outcomes: Outcome[];
  /** What arrived while the server was not claimed. */
  whileUnclaimed: SeenRequest[];
}

const test = suite<Scene>('a day');
const agent = new Agent({ keepAlive: true, localAddress: PROXY, maxSockets: VISITORS * 2 });
const nextVisit = visitsFrom(SEED);

test.before(async (scene) => {
  scene.guarded = await GuardedHome.start({ tokens: [OWNER_TOKEN, FRIEND_TOKEN, VIEWER_TOKEN] });
  const hashed = await scene.guarded.home.installation.command(['hash-pin'], `${PIN}\n`);
  const hash = /\$scrypt\$[^"\s]+/.exec(hashed.stdout)?.[0] ?? '';
  scene.options = {
    server: `token = "${VIEWER_TOKEN}"`,
    access: `allowed_networks = "192.168.7.20, 192.168.7.21, fd00:7::20"\npin_hash = "${hash}"\n`,
  };
  scene.outcomes = [];
  scene.whileUnclaimed = [];
  await scene.guarded.reload(scene.options);
  scene.guarded.plex.on('request', (seen) => {
    if (!scene.guarded.plex.claimed && isForwarded(seen)) scene.whileUnclaimed.push(seen);
  });
});
test.after(async ({ guarded }) => {
  agent.destroy();
  await guarded.close();
});

/** Public by policy: rules 4, 5 and 13. */
function isPublic({ method, url }: SeenRequest): boolean {
  const [path = ''] = url.split('?');
  if (method === 'OPTIONS') return true;
  return (method === 'GET' || method === 'HEAD') && PUBLIC_PATH.test(path);
}

/** What a viewer does, by the path that a server makes of the URL that lets itself be led astray. */
function isViewing({ method, url }: SeenRequest): boolean {
  const { pathname } = new URL(decodeURIComponent(decodeURIComponent(url)).replaceAll('\\', '/'), 'http://server');
  if (method !== 'GET') return false;
  return (
    pathname === '/' ||
    /^\/(?:library\/(?:sections(?:%20HTTP\/1\.1)?|metadata\/1|parts\/.*)|hubs|playlists|photo\/:\/transcode)$/.test(
      pathname,
    ) ||
    /^\/:\/(?:timeline|websockets\/notifications)$/.test(pathname)
  );
}

function send({ guarded }: Scene, visit: Visit): Promise<number> {
  const { port } = guarded.gateway;
  const { address, method, path, kind, body } = visit;
  const own = { Host: `127.0.0.1:${port}`, 'X-Forwarded-For': address };
  const origin = visit.sender === 'browser' ? { Origin: `http://127.0.0.1:${port}` } : {};
  const upgrade = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  const headers = { ...own, ...origin, ...(kind === 'websocket' ? upgrade : {}), ...visit.headers };
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers, agent });
    asked.on('error', () => resolve(0));
    asked.once('upgrade', (_answer, socket) => {
      socket.on('error', () => {});
      setTimeout(() => socket.destroy(), SOCKET_MS).unref();
      resolve(101);
    });
    asked.once('response', (answer) => {
      answer.on('error', () => {});
      answer.resume();
      answer.once('close', () => resolve(answer.statusCode ?? 0));
    });
    asked.end(body);
  });
}

/** Visitors that go on until `count` visits are made. */
async function traffic(scene: Scene, count = VISITS_BETWEEN_EVENTS): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const visitor = async () => {
    while (outcomes.length < count) {
      const visit = nextVisit();
      outcomes.push({ visit, status: await send(scene, visit) });
    }
  };
  await Promise.all(Array.from({ length: VISITORS }, visitor));
  scene.outcomes.push(...outcomes);
  return outcomes;
}

/** Traffic that goes on while something happens, and a little after. */
async function trafficDuring(scene: Scene, event: () => Promise<unknown>): Promise<void> {
  let isOver = false;
  const visitor = async () => {
    while (!isOver) {
      const visit = nextVisit();
      scene.outcomes.push({ visit, status: await send(scene, visit) });
    }
  };
  const visitors = Array.from({ length: VISITORS }, visitor);
  await event();
  isOver = true;
  await Promise.all(visitors);
}

/** As the health check says it: the log leaves out what it has said within a minute. */
async function isServerUsable(scene: Scene): Promise<boolean> {
  const headers = {};
  const visit = { sender: 'outsider', address: '203.0.113.250', method: 'GET', headers, kind: 'request' } as const;
  return (await send(scene, { ...visit, path: '/.lockgate/health?server=1' })) === 200;
}

function statusesOf(outcomes: readonly Outcome[], sender: Sender): number[] {
  return [...new Set(outcomes.filter(({ visit }) => visit.sender === sender).map(({ status }) => status))].sort();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function serves(guarded: GuardedHome): Promise<void> {
  const isServed = async () =>
    (await guarded.ask('127.0.0.1', '/hubs', '-H', `X-Plex-Token: ${OWNER_TOKEN}`)).status === 200;
  while (!(await isServed())) await pause(200);
}

test('on an ordinary morning everybody gets what is theirs', async (scene) => {
  const outcomes = await traffic(scene, 3 * VISITS_BETWEEN_EVENTS);
  assert.equal(statusesOf(outcomes, 'app'), [101, 200]);
  assert.equal(statusesOf(outcomes, 'friend'), [101, 200]);
  assert.equal(statusesOf(outcomes, 'television'), [101, 200, 403]);
  assert.equal(statusesOf(outcomes, 'stale-device'), [401]);
  assert.equal(statusesOf(outcomes, 'web-app'), [200]);
  const bad = outcomes.filter(({ visit, status }) => visit.sender === 'scanner' && status >= 200 && status < 300);
  const served = bad.filter(({ visit }) => !['OPTIONS'].includes(visit.method) && visit.path !== '/');
  assert.equal(served, [], 'scanners get nothing');
});

test('reloads in the middle of it open nothing for a moment', async (scene) => {
  const { guarded, options } = scene;
  await trafficDuring(scene, async () => {
    for (const access of ['', options.access ?? '', 'require_auth = "everyone"\n', options.access ?? '']) {
      await guarded.reload({ ...options, access });
      await pause(150);
    }
    await guarded.reload({ ...options, listen: 'secure_connections = "required"' });
    await pause(150);
    await guarded.reload(options);
  });
});

test('the server restarts without its account: not one request arrives', async (scene) => {
  const { guarded } = scene;
  await trafficDuring(scene, async () => {
    await guarded.plex.stop();
    await guarded.gateway.line((line) => line['reason'] === 'down');
    guarded.plex.claimed = false;
    await guarded.plex.listen();
    await guarded.gateway.line((line) => line['state'] === 'signed-out');
    await pause(1_000);
  });
  const outcomes = await traffic(scene);
  assert.equal(
    scene.whileUnclaimed.map(({ method, url }) => `${method} ${url}`),
    [],
  );
  const let2xx = outcomes.filter(({ status }) => status === 101 || (status >= 200 && status < 300));
  const own = let2xx.filter(({ visit }) => !/^\/(?:identity|\.lockgate\/(?:health|signin))/.test(visit.path));
  assert.equal(
    own.filter(({ visit }) => visit.method !== 'OPTIONS'),
    [],
  );
  guarded.plex.claimed = true;
  await serves(guarded);
});

test('the server is signed out while it runs: what is on its way had rights, and soon there is nothing more', async (scene) => {
  const { guarded } = scene;
  await trafficDuring(scene, async () => {
    guarded.plex.claimed = false;
    const since = performance.now();
    while (await isServerUsable(scene)) await pause(5);
    assert.ok(performance.now() - since < 15_000);
    for (let turn = 0; turn < TURNS_ON_THE_WAY; turn += 1) await pause(10);
    const arrived = scene.whileUnclaimed.length;
    await pause(1_500);
    assert.is(scene.whileUnclaimed.length, arrived);
  });
  const tokens = new Set(
    scene.whileUnclaimed.filter((seen) => !isPublic(seen)).flatMap((seen) => seen.values('x-plex-token')),
  );
  for (const token of tokens) assert.ok(SECRETS.includes(token), token);
  guarded.plex.claimed = true;
  await serves(guarded);
});

test('a friend loses the rights, and the rest of the evening goes on', async (scene) => {
  const { guarded } = scene;
  guarded.plex.tokens.delete(FRIEND_TOKEN);
  await trafficDuring(scene, () => pause(11_000));
  const outcomes = await traffic(scene);
  assert.equal(statusesOf(outcomes, 'friend'), [401]);
  // Visits are drawn by lot: there may be no WebSocket among so few.
  const ofTheApp = statusesOf(outcomes, 'app').filter((status) => status !== 101);
  assert.equal(ofTheApp, [200]);
});

test('at the end of the day the server has seen no request without rights, and the log no secret', async (scene) => {
  const { guarded, outcomes } = scene;
  const forwarded = guarded.plex.requests.filter(isForwarded);
  const revoked = (seen: SeenRequest) => seen.values('x-plex-token').includes(FRIEND_TOKEN);
  const withoutRights = forwarded.filter((seen) => !seen.authenticated && !isPublic(seen) && !revoked(seen));
  assert.equal(
    withoutRights.map(({ method, url, rawHeaders }) => `${method} ${url} ${rawHeaders.join('|')}`),
    [],
  );
  const lent = forwarded.filter((seen) => seen.values('x-plex-token').includes(VIEWER_TOKEN));
  assert.equal(
    lent.filter((seen) => !isViewing(seen)).map(({ method, url }) => `${method} ${url}`),
    [],
  );
  assert.ok(forwarded.length > 500, String(forwarded.length));
  assert.ok(outcomes.length > 2000, String(outcomes.length));
  assert.not(outcomes.some(({ status }) => status === 500));
  const log = JSON.stringify(guarded.gateway.lines);
  for (const secret of SECRETS) assert.not.match(log, secret);
  const sent = once(guarded.plex, 'request');
  await guarded.ask('203.0.113.250', '/library/sections', '-H', `X-Plex-Token: ${OWNER_TOKEN}`);
  await sent;
});

test.run();
