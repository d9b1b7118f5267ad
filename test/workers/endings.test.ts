/** Workers come and go: a killed one is replaced, all end with the main process, and what runs may finish. */
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GuardedHome, isForwarded } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { connectSteadily, eventually, isRunning, oneOnEach, startWithWorkers, workersOf } from './two-workers.ts';

const TOKEN = [`X-Plex-Token: ${OWNER_TOKEN}`];
const DRAIN_MS = 10_000;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const;

const test = suite<{ guarded: GuardedHome }>('workers end');

test.before.each(async (scene) => {
  scene.guarded = await startWithWorkers();
});
test.after.each(async ({ guarded }) => {
  await guarded.close();
});

async function pidsOf(guarded: GuardedHome): Promise<number[]> {
  return (await workersOf(guarded)).map(({ pid }) => pid);
}

test('a killed worker takes its connections with it and no others, and another comes for it', async ({ guarded }) => {
  const [first, second] = await oneOnEach(guarded);
  for (const client of [first, second]) assert.is((await client.ask('/library/sections', TOKEN)).status, 200);
  const pids = await pidsOf(guarded);
  process.kill(pids[0] as number, 'SIGKILL');
  await guarded.gateway.line((line) => line['event'] === 'worker-ended' && line['pid'] === pids[0]);
  await Promise.race([first.raw.closed(), second.raw.closed()]);
  const [lost, kept] = first.raw.isClosed ? [first, second] : [second, first];
  assert.ok(lost.raw.isClosed);
  assert.is((await kept.ask('/library/sections', TOKEN)).status, 200);
  assert.is((await guarded.ask('127.0.0.4', '/library/sections', '-H', TOKEN[0] as string)).status, 200, 'meanwhile');
  await eventually(async () => (await pidsOf(guarded)).length === 2, 'two workers again');
  assert.ok(!(await pidsOf(guarded)).includes(pids[0] as number));
  const again = await connectSteadily(guarded, '127.0.0.5');
  assert.is((await again.ask('/library/sections', TOKEN)).status, 200);
  assert.is((await guarded.ask('127.0.0.6', '/library/sections')).status, 401);
  const counts = async () => (await workersOf(guarded)).map(({ connections }) => connections);
  await eventually(async () => (await counts()).join() === '1,1', 'one on each');
  again.close();
  kept.close();
});

test('with all of them killed nothing is let through, connections wait for the next, and it decides as before', async ({
  guarded,
}) => {
  const asked = guarded.reached.length;
  for (const pid of await pidsOf(guarded)) process.kill(pid, 'SIGKILL');
  const answers = await Promise.all(
    ['127.0.0.2', '127.0.0.3', '127.0.0.4'].map((client) => guarded.ask(client, '/library/sections')),
  );
  for (const { status, exit } of answers) assert.ok(status === 401 || exit !== 0, `${status} ${exit}`);
  assert.is(guarded.reached.length, asked);
  await eventually(async () => (await pidsOf(guarded)).length === 2, 'two workers again');
  assert.is((await guarded.ask('127.0.0.2', '/library/sections', '-H', TOKEN[0] as string)).status, 200);
});

test('workers end with the main process, however that ends', async ({ guarded }) => {
  const pids = await pidsOf(guarded);
  const client = await connectSteadily(guarded);
  await guarded.gateway.kill();
  await client.raw.closed();
  await eventually(() => !pids.some(isRunning), 'no worker is left');
  await guarded.run();
  assert.is((await guarded.ask('127.0.0.2', '/library/sections')).status, 401);
});

test('SIGTERM lets both finish what runs, and nothing is left', async ({ guarded }) => {
  const pids = await pidsOf(guarded);
  const clients = await oneOnEach(guarded);
  const size = 60_000_000;
  const streams = clients.map(async ({ raw }, viewer) => {
    const film = `/library/parts/1/film.mkv?bytes=${size}&viewer=${viewer}`;
    raw.socket.pause();
    raw.write(`GET ${film} HTTP/1.1\r\nHost: ${guarded.authority}\r\n${TOKEN[0]}\r\n\r\n`);
    await guarded.plex.waitForRequest((seen) => isForwarded(seen) && seen.url === film);
  });
  await Promise.all(streams);
  // Once: the second would end the gateway where it stands.
  guarded.gateway.signal('SIGTERM');
  const received = clients.map(async ({ raw }) => {
    let bytes = 0;
    raw.socket.removeAllListeners('data');
    raw.socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes >= size) raw.destroy();
    });
    raw.socket.resume();
    await once(raw.socket, 'close');
    return bytes;
  });
  for (const bytes of await Promise.all(received)) assert.ok(bytes >= size, String(bytes));
  assert.is(await guarded.gateway.ended(DRAIN_MS), 0);
  assert.not(pids.some(isRunning));
  const ended = guarded.gateway.lines.findLast((line) => line['event'] === 'stopped');
  assert.ok(ended !== undefined);
});

test('signals for the whole group are for the main process: a worker that gets one goes on', async ({ guarded }) => {
  const pids = await pidsOf(guarded);
  for (const pid of pids) for (const signal of SIGNALS) process.kill(pid, signal);
  assert.is((await guarded.ask('127.0.0.2', '/library/sections', '-H', TOKEN[0] as string)).status, 200);
  assert.equal(await pidsOf(guarded), pids);
  assert.ok(guarded.plex.requests.some(isForwarded));
});

test('workers are the user that the gateway became', async ({ guarded }) => {
  if (process.getuid?.() !== 0) return;
  guarded.gateway.signal('SIGTERM');
  await guarded.gateway.ended();
  chmodSync(guarded.home.installation.folder, 0o755);
  guarded.configure({ sections: '[run]\nworkers = 2\nuser = "nobody"\n' });
  await guarded.run();
  for (const pid of await pidsOf(guarded)) {
    assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\s+65534\s+65534\s+65534\s+65534$/m);
  }
  assert.is((await guarded.ask('127.0.0.2', '/library/sections', '-H', TOKEN[0] as string)).status, 200);
});

test('a worker is nothing that a person starts', async ({ guarded }) => {
  const { status, stderr } = await guarded.home.installation.command(['worker']);
  assert.is(status, 2);
  assert.match(stderr, /by itself/);
  assert.not.match((await guarded.home.installation.command(['--help'])).stdout, /worker/);
});

test.run();
