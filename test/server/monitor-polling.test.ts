/** The monitor left to itself: what it notices by polling, and how soon. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inTime } from '../support/in-time.ts';
import { changeOf, closeScene, openScene, summary, type Watched, watch } from '../support/watched-server.ts';

const test = suite<Watched>('server monitor polling');

test.before.each(openScene);
test.after.each(closeScene);

test('a server that turns unclaimed is noticed by polling, and was signed out', async (scene) => {
  const monitor = await watch(scene);
  scene.server.claimed = false;
  assert.is(summary(await changeOf(monitor)), 'signed-out');
  scene.server.claimed = true;
  assert.is(summary(await changeOf(monitor)), 'claimed');
});

test('a server that accepts and says nothing is silent, which is borne once', async (scene) => {
  const monitor = await watch(scene);
  scene.server.connections = 'deaf';
  assert.is(summary(await inTime(5000, monitor.probe())), 'claimed');
});

test('it asks soon after a change and seldom while all is quiet', async (scene) => {
  await watch(scene);
  const began = performance.now();
  const asked: number[] = [];
  scene.server.on('request', () => asked.push((performance.now() - began) / 1000));
  await inTime(
    2500,
    scene.server.waitForRequest(() => asked.length >= 1),
  );
  await scene.server.waitForRequest(() => asked.length >= 2);
  assert.ok(asked[1]! - asked[0]! > 1.5, String(asked));
});

test.run();
