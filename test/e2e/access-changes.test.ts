/** What is open when the world changes: streams, event streams and WebSockets end when they would not be opened now, and only then. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import {
  GuardedHome,
  type GuardedHomeOptions,
  LAN_CLIENT,
  OUTSIDER,
  OWN_TOKEN,
  PROXY,
} from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';

/** The policy's promise. */
const CUT_WITHIN_MS = 15_000;
const VIEWER_TOKEN = 'viewer-token-1234567';
const OTHER_TOKEN = 'other-viewer-1234567';
const LISTED = 'allowed_networks = "192.168.7.0/24"\n';
const OPTIONS: GuardedHomeOptions = {
  server: `token = "${VIEWER_TOKEN}"`,
  tokens: [OWNER_TOKEN, VIEWER_TOKEN, OTHER_TOKEN],
  access: LISTED,
};
/** Far more than any buffer between the server and the client holds. */
const FILM_BYTES = 1_000_000_000;

interface Scene {
  guarded: GuardedHome;
}

/** Something that is open, and that says when it was cut. */
interface Open {
  readonly isOpen: boolean;
  /** Resolves with how long it took from now. */
  cut(): Promise<number>;
  close(): void;
}

const test = suite<Scene>('changes');

test.before.each(async (scene) => {
  scene.guarded = await GuardedHome.start(OPTIONS);
});
test.after.each(async ({ guarded }) => {
  await guarded.close();
});

function headersOf(client: string, token: string | undefined): Record<string, string> {
  return { 'X-Forwarded-For': client, ...(token === undefined ? {} : { 'X-Plex-Token': token }) };
}

/** A film that a viewer has paused: its first bytes have come, and the server holds the rest. Whether it is open, the server says. */
async function stream(guarded: GuardedHome, client: string, token?: string): Promise<Open> {
  const url = `/library/parts/1/film.mkv?bytes=${FILM_BYTES}&viewer=${randomUUID()}`;
  const asked = request({
    host: '127.0.0.1',
    localAddress: PROXY,
    port: guarded.gateway.port,
    path: url,
    servername: guarded.home.name('127-0-0-1'),
    ca: guarded.home.rootPem,
    agent: false,
    headers: { Host: guarded.authority, ...headersOf(client, token) },
  });
  asked.on('error', () => {});
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
  await once(answer, 'readable');
  const ended = new Promise<void>((resolve) => {
    guarded.plex.on('settled', (seen) => {
      if (seen.url === url) resolve();
    });
  });
  return openUntil(ended, () => asked.destroy());
}

async function webSocket(guarded: GuardedHome, client: string, token?: string): Promise<Open> {
  const options = {
    localAddress: PROXY,
    servername: guarded.home.name('127-0-0-1'),
    ca: guarded.home.rootPem,
    headers: { Host: guarded.authority, ...headersOf(client, token) },
  };
  const socket = new WebSocket(`wss://127.0.0.1:${guarded.gateway.port}/:/websockets/notifications`, options);
  await once(socket, 'message');
  socket.on('error', () => {});
  return openUntil(
    once(socket, 'close').then(() => {}),
    () => socket.terminate(),
  );
}

function openUntil(ended: Promise<void>, close: () => void): Open {
  let isOpen = true;
  const noted = ended.then(() => {
    isOpen = false;
  });
  return {
    get isOpen() {
      return isOpen;
    },
    cut: async () => {
      const from = performance.now();
      await noted;
      return performance.now() - from;
    },
    close,
  };
}

async function assertCut(open: readonly Open[]): Promise<void> {
  const took = await Promise.all(open.map((one) => one.cut()));
  assert.ok(Math.max(...took) < CUT_WITHIN_MS, `${Math.round(Math.max(...took))} ms`);
}

test('a reload that takes a network from the list cuts what it had opened, and leaves the rest', async ({
  guarded,
}) => {
  const cut = await Promise.all([stream(guarded, LAN_CLIENT), webSocket(guarded, LAN_CLIENT)]);
  const kept = await Promise.all([
    stream(guarded, OUTSIDER, OWNER_TOKEN),
    webSocket(guarded, LAN_CLIENT, OWNER_TOKEN),
    stream(guarded, '192.168.7.60'),
  ]);
  await guarded.reload({ ...OPTIONS, access: 'allowed_networks = "192.168.7.60"\n' });
  await assertCut(cut);
  assert.equal(
    kept.map(({ isOpen }) => isOpen),
    [true, true, true],
  );
  for (const one of kept) one.close();
});

test('another server.token ends what was opened with the former one', async ({ guarded }) => {
  const lent = await Promise.all([stream(guarded, LAN_CLIENT), webSocket(guarded, LAN_CLIENT)]);
  await guarded.reload({ ...OPTIONS, server: `token = "${OTHER_TOKEN}"` });
  await assertCut(lent);
  const again = await webSocket(guarded, LAN_CLIENT);
  again.close();
});

test('a server that is signed out while everything runs is left alone within 15 seconds', async ({ guarded }) => {
  const open = await Promise.all([
    stream(guarded, LAN_CLIENT),
    webSocket(guarded, LAN_CLIENT),
    webSocket(guarded, OUTSIDER, OWNER_TOKEN),
  ]);
  guarded.plex.claimed = false;
  await assertCut(open);
  assert.is((await guarded.ask(OUTSIDER, '/library', ...OWN_TOKEN)).status, 403);
});

test('a token that the server does not know any more ends what it had opened, also for who may come in by network', async ({
  guarded,
}) => {
  const open = await Promise.all([
    webSocket(guarded, OUTSIDER, OTHER_TOKEN),
    webSocket(guarded, LAN_CLIENT, OTHER_TOKEN),
  ]);
  const other = await webSocket(guarded, OUTSIDER, OWNER_TOKEN);
  guarded.plex.tokens.delete(OTHER_TOKEN);
  const cut = assertCut(open);
  // The app goes on with its token; the server's 401 is what makes the gateway look again.
  while (open.some(({ isOpen }) => isOpen)) {
    await guarded.ask(OUTSIDER, '/library', '-H', `X-Plex-Token: ${OTHER_TOKEN}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await cut;
  assert.ok(other.isOpen);
  other.close();
});

test('requests that race with reloads are decided by one file or the other, or end with the change', async ({
  guarded,
}) => {
  const statuses = new Set<number>();
  let isOver = false;
  const asking = [1, 2].map(async () => {
    while (!isOver) statuses.add((await guarded.ask(LAN_CLIENT, '/library/sections')).status);
  });
  for (let turn = 0; turn < 4; turn += 1) {
    await guarded.reload({ ...OPTIONS, access: turn % 2 === 0 ? '' : LISTED });
    const answer = await guarded.ask(LAN_CLIENT, '/library/sections');
    assert.is(answer.status, turn % 2 === 0 ? 401 : 200, 'once reload has returned, the new file holds');
  }
  isOver = true;
  await Promise.all(asking);
  const cut = 0;
  assert.equal(
    [...statuses].filter((status) => ![200, 401, cut].includes(status)),
    [],
  );
});

test.run();
