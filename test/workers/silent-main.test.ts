/** A main process that says nothing any more: what it told its workers is not true for ever. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GuardedHome } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { eventually, oneOnEach, type SteadyClient, startWithWorkers, workersOf } from './two-workers.ts';

const TOKEN = [`X-Plex-Token: ${OWNER_TOKEN}`];
const CLOSED_WITHIN_MS = 15_000;
const ASK_INTERVAL_MS = 500;

const test = suite<{ guarded: GuardedHome }>('a silent main process');

test.before(async (scene) => {
  scene.guarded = await startWithWorkers();
});
test.after(async ({ guarded }) => {
  guarded.gateway.signal('SIGCONT');
  await guarded.close();
});

/** When `client` got its last answer from the media server, in milliseconds from now; gives up after `CLOSED_WITHIN_MS`. */
async function lastServedMs(client: SteadyClient): Promise<number> {
  const since = performance.now();
  let lastMs = 0;
  while (lastMs < CLOSED_WITHIN_MS) {
    const lost = client.raw.closed(CLOSED_WITHIN_MS).catch(() => undefined);
    const answer = await Promise.race([client.ask('/library/sections', TOKEN).catch(() => undefined), lost]);
    if (answer?.status !== 200) break;
    lastMs = performance.now() - since;
    await new Promise((resolve) => setTimeout(resolve, ASK_INTERVAL_MS));
  }
  return lastMs;
}

test('a server that loses its owner meanwhile is reached for seconds, not for as long as it stands still', async ({
  guarded,
}) => {
  const clients = await oneOnEach(guarded);
  for (const client of clients) assert.is((await client.ask('/library/sections', TOKEN)).status, 200);
  guarded.gateway.signal('SIGSTOP');
  guarded.plex.claimed = false;
  for (const lastMs of await Promise.all(clients.map(lastServedMs))) assert.ok(lastMs < CLOSED_WITHIN_MS);
  await Promise.all(clients.map((client) => client.raw.closed(CLOSED_WITHIN_MS)));
  guarded.gateway.signal('SIGCONT');
  await eventually(async () => (await workersOf(guarded)).length === 2, 'two workers again');
  const { status } = await guarded.ask('127.0.0.4', '/library/sections', '-H', TOKEN[0] as string);
  assert.is(status, 403);
});

test.run();
