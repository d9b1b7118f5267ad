/** What workers have open ends when it would not be opened now: no rights, no owner, no server. */
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import { type GuardedHome, isForwarded } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { noneConnected, oneOnEach, startWithWorkers, withWorkers, workersOf } from './two-workers.ts';

const OTHER_TOKEN = 'other-token-12345678';
const TOKEN = [`X-Plex-Token: ${OWNER_TOKEN}`];
/** Credentials that were verified lately are not doubted at once. */
const ASK_INTERVAL_MS = 500;
const CUT_WITHIN_MS = 15_000;

const test = suite<{ guarded: GuardedHome }>('workers cut');

test.before.each(async (scene) => {
  scene.guarded = await startWithWorkers({ tokens: [OWNER_TOKEN, OTHER_TOKEN] });
});
test.after.each(async ({ guarded }) => {
  await guarded.close();
});

async function webSocket(guarded: GuardedHome, token: string): Promise<WebSocket> {
  const options = {
    servername: guarded.home.name('127-0-0-1'),
    ca: guarded.home.rootPem,
    headers: { Host: guarded.authority, 'X-Plex-Token': token },
  };
  const socket = new WebSocket(`wss://127.0.0.1:${guarded.gateway.port}/:/websockets/notifications`, options);
  socket.on('error', () => {});
  await once(socket, 'message');
  return socket;
}

/** One on each worker. */
async function webSockets(guarded: GuardedHome, token: string): Promise<WebSocket[]> {
  const sockets = [await webSocket(guarded, token), await webSocket(guarded, token)];
  const counts = (await workersOf(guarded)).map(({ connections }) => connections);
  assert.is(Math.max(...counts) - Math.min(...counts), 0);
  return sockets;
}

test('credentials that turn out bad in one worker are bad in the other, and end what was opened with them', async ({
  guarded,
}) => {
  const others = await webSockets(guarded, OTHER_TOKEN);
  const sockets = await webSockets(guarded, OWNER_TOKEN);
  guarded.plex.tokens.delete(OWNER_TOKEN);
  let isOver = false;
  const closed = Promise.all(sockets.map((socket) => once(socket, 'close'))).then(() => {
    isOver = true;
  });
  const since = performance.now();
  while (!isOver && performance.now() - since < CUT_WITHIN_MS) {
    assert.is((await guarded.ask('127.0.0.5', '/library/sections', '-H', TOKEN[0] as string)).status, 401);
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, ASK_INTERVAL_MS))]);
  }
  assert.ok(isOver, 'they are cut');
  const reached = guarded.reached.length;
  assert.is((await guarded.ask('127.0.0.5', '/library/sections', '-H', TOKEN[0] as string)).status, 401);
  assert.is(guarded.reached.length, reached, 'nothing more is forwarded with them');
  for (const socket of others) {
    assert.is(socket.readyState, WebSocket.OPEN);
    socket.terminate();
  }
});

test('a server that loses its owner is reached through no worker, and what was open is cut', async ({ guarded }) => {
  const sockets = await webSockets(guarded, OWNER_TOKEN);
  guarded.plex.claimed = false;
  const since = performance.now();
  await Promise.all(sockets.map((socket) => once(socket, 'close')));
  assert.ok(performance.now() - since < CUT_WITHIN_MS);
  await noneConnected(guarded);
  const arrived = guarded.plex.requests.filter(isForwarded).length;
  for (const client of await oneOnEach(guarded)) {
    const answer = await client.ask('/library/sections', TOKEN);
    assert.is(answer.status, 403);
    assert.is(answer.header('x-lockgate-reason'), 'unclaimed');
    client.close();
  }
  assert.is(guarded.plex.requests.filter(isForwarded).length, arrived);
});

test('a server without an owner from the start is never reached', async ({ guarded }) => {
  await guarded.gateway.kill();
  guarded.plex.claimed = false;
  guarded.configure(withWorkers({}));
  await guarded.run({ isUnclaimed: true });
  for (const client of await oneOnEach(guarded)) {
    for (const path of ['/library/sections', '/web/index.html', '/']) {
      assert.ok([403, 503].includes((await client.ask(path, TOKEN)).status), path);
    }
    client.close();
  }
  assert.equal(guarded.reached, []);
});

test('a server that is away is an error that says so, and is there again when it comes back', async ({ guarded }) => {
  const clients = await oneOnEach(guarded);
  for (const client of clients) assert.is((await client.ask('/library/sections', TOKEN)).status, 200);
  await guarded.plex.close();
  for (const client of clients) {
    const { status } = await client.ask('/library/sections', TOKEN);
    assert.ok([502, 503].includes(status), String(status));
  }
  await guarded.plex.listen();
  const since = performance.now();
  for (const client of clients) {
    let status = 0;
    while (status !== 200 && performance.now() - since < CUT_WITHIN_MS) {
      ({ status } = await client.ask('/library/sections', TOKEN));
    }
    assert.is(status, 200);
    client.close();
  }
});

test.run();
