/** A worker that hangs is ended and replaced; the others serve meanwhile, and nobody waits for it to say how things stand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GuardedHome } from '../support/guarded-home.ts';
import { eventually, isRunning, oneOnEach, startWithWorkers, workersOf } from './two-workers.ts';

/** Seventeen seconds until it is noticed, and some until the next one is ready. */
const REPLACED_WITHIN_MS = 60_000;

const test = suite<{ guarded: GuardedHome }>('a worker that hangs');

test.before(async (scene) => {
  scene.guarded = await startWithWorkers();
});
test.after(async ({ guarded }) => {
  await guarded.close();
});

test('is replaced', async ({ guarded }) => {
  const [first, second] = await oneOnEach(guarded);
  const [stopped] = (await workersOf(guarded)).map(({ pid }) => pid);
  assert.ok(stopped !== undefined);
  process.kill(stopped, 'SIGSTOP');
  const answers = [first, second].map((client) => client.ask('/.lockgate/health').then(() => client));
  const served = await Promise.race(answers);
  assert.is((await served.ask('/library/sections')).status, 401);
  assert.is((await workersOf(guarded)).length, 2, 'status does not wait for it');
  await guarded.gateway.line((line) => line['event'] === 'worker-ended' && line['pid'] === stopped, REPLACED_WITHIN_MS);
  assert.not(isRunning(stopped));
  await eventually(async () => (await workersOf(guarded)).length === 2, 'two workers again');
  await Promise.allSettled(answers);
  for (const client of [first, second]) client.close();
});

test.run();
