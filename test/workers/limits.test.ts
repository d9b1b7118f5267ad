/** Limits hold for all workers together: guesses, PINs, connections. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GuardedHome, LAN_CLIENT, OUTSIDER, PROXY } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { connectRaw } from '../support/raw.ts';
import {
  connectSteadily,
  eventually,
  oneOnEach,
  type SteadyClient,
  startWithWorkers,
  withWorkers,
  workersOf,
} from './two-workers.ts';

const FAILURES = 4;
const CONNECTIONS = 12;
/** Two that are open, and two that are about to be gone. */
const PER_CLIENT = 4;
const LIMITS = `[limits]\nauth_failures = ${FAILURES}\nconnections = ${CONNECTIONS}\nconnections_per_client = ${PER_CLIENT}\n`;
const BALANCER = '127.0.0.8';
const PIN = '4711';

const test = suite<{ guarded: GuardedHome }>('limits of workers');

test.before.each(async (scene) => {
  scene.guarded = await startWithWorkers({ sections: LIMITS, listen: `proxy_protocol_from = "${BALANCER}"` });
});
test.after.each(async ({ guarded }) => {
  await guarded.close();
});

const token = (value: string) => `X-Plex-Token: ${value}`;

/** Wrong tokens that came to the server for verification. */
function guessesAtServer({ plex }: GuardedHome): Set<string> {
  const tokens = plex.requests.flatMap((seen) => seen.values('x-plex-token'));
  return new Set(tokens.filter((value) => value.startsWith('guess-')));
}

/** Guesses through both in turns until nothing more is looked at; answers how many were. */
async function guess(clients: readonly SteadyClient[], headers: readonly string[]): Promise<number> {
  for (let number = 0; number < FAILURES * 3; number += 1) {
    const client = clients[number % clients.length] as SteadyClient;
    const { status } = await client.ask('/library/sections', [...headers, token(`guess-${number}`)]);
    if (status === 429) return number;
    assert.is(status, 401);
  }
  return FAILURES * 3;
}

test('a client that guesses through both has as many guesses as through one', async ({ guarded }) => {
  const clients = await oneOnEach(guarded, ['127.0.0.2', '127.0.0.2']);
  assert.is(await guess(clients, []), FAILURES);
  for (const client of clients) {
    assert.is((await client.ask('/library/sections', [token('guess-more')])).status, 429);
    client.close();
  }
  assert.is(guessesAtServer(guarded).size, FAILURES);
  assert.is((await guarded.ask('127.0.0.3', '/library/sections', '-H', token(OWNER_TOKEN))).status, 200);
});

test('so it is behind a trusted proxy, and other clients of it are not meant', async ({ guarded }) => {
  const clients = await oneOnEach(guarded, [PROXY, PROXY]);
  assert.is(await guess(clients, [`X-Forwarded-For: ${OUTSIDER}`]), FAILURES);
  for (const client of clients) {
    const answer = await client.ask('/library/sections', [`X-Forwarded-For: ${OUTSIDER}`, token('guess-more')]);
    assert.is(answer.status, 429);
    assert.ok(Number(answer.header('retry-after')) > 0);
    const other = await client.ask('/library/sections', ['X-Forwarded-For: 203.0.113.77', token(OWNER_TOKEN)]);
    assert.is(other.status, 200);
    client.close();
  }
});

test('guesses that come all at once are no more', async ({ guarded }) => {
  const clients = await oneOnEach(guarded, [PROXY, PROXY]);
  const more = [await connectSteadily(guarded, PROXY), await connectSteadily(guarded, PROXY)];
  const asked = [...clients, ...more].map(async (client, index) => {
    const statuses = [];
    for (let number = 0; number < 5; number += 1) {
      const headers = [`X-Forwarded-For: ${OUTSIDER}`, token(`guess-${index}-${number}`)];
      statuses.push((await client.ask('/library/sections', headers)).status);
    }
    client.close();
    return statuses;
  });
  const statuses = (await Promise.all(asked)).flat();
  assert.is(statuses.filter((status) => status === 401).length, FAILURES);
  assert.is(statuses.filter((status) => status === 429).length, statuses.length - FAILURES);
  assert.is(guessesAtServer(guarded).size, FAILURES);
});

test('PINs are counted together', async ({ guarded }) => {
  const hashed = await guarded.home.installation.command(['hash-pin'], `${PIN}\n`);
  const hash = /\$scrypt\S*[^"\s]/.exec(hashed.stdout)?.[0];
  await guarded.reload(withWorkers({ sections: LIMITS, access: `pin_hash = "${hash}"\n` }));
  const clients = await oneOnEach(guarded, [PROXY, PROXY]);
  const form = [
    `X-Forwarded-For: ${LAN_CLIENT}`,
    'Content-Type: application/x-www-form-urlencoded',
    `Origin: https://${guarded.authority}`,
  ];
  const enter = async (pin: string, index: number) => {
    const client = clients[index % 2] as SteadyClient;
    return (await client.ask('POST /.lockgate/signin', form, `pin=${pin}`)).status;
  };
  for (let number = 0; number < FAILURES; number += 1) assert.is(await enter(`000${number}`, number), 401);
  assert.is(await enter('0009', 0), 429);
  assert.is(await enter(PIN, 1), 429, 'the right one, too');
  for (const client of clients) client.close();
});

test('connections are counted together, of one client and of all', async ({ guarded }) => {
  const clients = await oneOnEach(guarded, ['127.0.0.2', '127.0.0.2']);
  while (clients.length < PER_CLIENT) clients.push(await connectSteadily(guarded, '127.0.0.2'));
  const oneMore = await connectSteadily(guarded, '127.0.0.2');
  const refused = await oneMore.ask('/.lockgate/health');
  assert.is(refused.status, 429);
  assert.match(refused.body.toString(), 'limits.connections_per_client');
  await oneMore.raw.closed();
  const connected = async () => (await workersOf(guarded)).reduce((sum, { connections }) => sum + connections, 0);
  await eventually(async () => (await connected()) === clients.length, 'the one too many is gone');
  for (const address of ['127.0.0.3', '127.0.0.4']) {
    for (let number = 0; number < PER_CLIENT; number += 1) clients.push(await connectSteadily(guarded, address));
  }
  assert.is(await connected(), CONNECTIONS);
  const overAll = await connectSteadily(guarded, '127.0.0.6').then(
    () => 'served',
    () => 'closed',
  );
  assert.is(overAll, 'closed');
  for (const client of clients) client.close();
  let isServed = false;
  while (!isServed) isServed = (await guarded.ask('127.0.0.6', '/.lockgate/health')).status === 200;
});

test('clients that a balancer names are counted together', async ({ guarded }) => {
  const { port } = guarded.gateway;
  const open = [];
  for (let number = 0; number < PER_CLIENT; number += 1) {
    const client = await connectRaw({ port, localAddress: BALANCER });
    client.write(
      `PROXY TCP4 ${OUTSIDER} 192.0.2.1 4000 ${port}\r\nGET /.lockgate/health HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    );
    assert.is((await client.readAnswer()).status, 200);
    open.push(client);
  }
  const oneMore = await connectRaw({ port, localAddress: BALANCER });
  oneMore.write(
    `PROXY TCP4 ${OUTSIDER} 192.0.2.1 4000 ${port}\r\nGET /.lockgate/health HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  );
  assert.is((await oneMore.readAnswer()).status, 429);
  oneMore.destroy();
  const other = await connectRaw({ port, localAddress: BALANCER });
  other.write(
    `PROXY TCP4 203.0.113.78 192.0.2.1 4000 ${port}\r\nGET /.lockgate/health HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  );
  assert.is((await other.readAnswer()).status, 200);
  for (const client of [...open, other]) client.destroy();
});

test.run();
