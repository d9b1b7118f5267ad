/** The monitor against servers that come, go, change, lie and fall silent. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLog } from '../../src/lib/log.ts';
import { StateFolder } from '../../src/lib/state-folder.ts';
import { generic } from '../../src/server/generic.ts';
import { plex } from '../../src/server/plex.ts';
import { SERVER_MEMORY_FILE } from '../../src/server/server-memory.ts';
import type { FoundServer } from '../../src/server/server-state.ts';
import { inTime } from '../support/in-time.ts';
import { startJellyfin } from '../support/jellyfin.ts';
import { MACHINE_IDENTIFIER, type PlexStandIn, startPlex } from '../support/plex.ts';
import {
  changeOf,
  closeScene,
  monitorOf,
  openScene,
  restart,
  summary,
  type Watched,
  watch,
} from '../support/watched-server.ts';

const test = suite<Watched>('server monitor');

test.before.each(openScene);
test.after.each(closeScene);

const foundAt = (server: PlexStandIn): FoundServer => ({
  kind: plex,
  url: server.url,
  identity: { id: server.machineIdentifier, name: undefined, version: server.version, claimed: true, basePath: '' },
});

test('unknown until the first good probe, then claimed', async (scene) => {
  const monitor = monitorOf(scene);
  assert.is(summary(monitor.snapshot), 'unknown starting');
  await monitor.start();
  assert.is(summary(await changeOf(monitor)), 'claimed');
  assert.is(monitor.snapshot.identity?.id, MACHINE_IDENTIFIER);
  assert.is(monitor.snapshot.url, scene.server.url);
});

test('a server that was never there is starting; one that went is down', async (scene) => {
  await scene.server.stop();
  const monitor = await watch(scene);
  assert.is(summary(monitor.snapshot), 'unknown starting');
  await scene.server.listen();
  assert.is(summary(await monitor.probe()), 'claimed');
  await scene.server.stop();
  assert.is(summary(await monitor.probe()), 'unknown down');
  assert.match(monitor.snapshot.detail ?? '', 'ECONNREFUSED');
});

test('a reset connection closes at once', async (scene) => {
  const monitor = await watch(scene);
  scene.server.connections = 'reset';
  assert.is(summary(await monitor.probe()), 'unknown down');
});

test('two silent probes are borne, the third closes', async (scene) => {
  const monitor = await watch(scene);
  const busy = 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n';
  scene.server.misbehave({ kind: 'raw', bytes: busy });
  assert.is(summary(await monitor.probe()), 'claimed');
  assert.is(summary(await monitor.probe()), 'claimed');
  assert.is(summary(await monitor.probe()), 'unknown down');
  scene.server.misbehave();
  assert.is(summary(await monitor.probe()), 'claimed');
  scene.server.misbehave({ kind: 'raw', bytes: busy });
  assert.is(summary(await monitor.probe()), 'claimed');
});

test('something else on the port closes at once', async (scene) => {
  const monitor = await watch(scene);
  for (const bytes of [
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ok>',
    'SSH-2.0-x\r\n',
    'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n',
  ]) {
    scene.server.misbehave({ kind: 'raw', bytes });
    assert.is(summary(await monitor.probe()), 'unknown down', bytes);
    scene.server.misbehave();
    assert.is(summary(await monitor.probe()), 'claimed');
  }
});

test('never claimed is unclaimed; claimed once is signed out, over restarts', async (scene) => {
  scene.server.claimed = false;
  assert.is(summary((await watch(scene)).snapshot), 'unclaimed');
  assert.is(summary((await restart(scene)).snapshot), 'unclaimed');
  scene.server.claimed = true;
  assert.is(summary((await restart(scene)).snapshot), 'claimed');
  scene.server.claimed = false;
  assert.is(summary((await restart(scene)).snapshot), 'signed-out');
  assert.is(summary((await restart(scene)).snapshot), 'signed-out');
});

test('the first server found is remembered; another one in its place is not served', async (scene) => {
  await watch(scene);
  scene.server.machineIdentifier = 'f'.repeat(40);
  const monitor = await restart(scene);
  assert.is(summary(monitor.snapshot), 'unknown other-server');
  scene.server.machineIdentifier = MACHINE_IDENTIFIER;
  assert.is(summary(await monitor.probe()), 'claimed');
  scene.server.machineIdentifier = 'f'.repeat(40);
  assert.is(summary(await monitor.probe()), 'unknown other-server');
  assert.is(monitor.snapshot.identity?.id, MACHINE_IDENTIFIER);
});

test('a request that waits before the start does not make another server the remembered one', async (scene) => {
  await watch(scene);
  await scene.monitors[0]?.close();
  scene.server.machineIdentifier = 'f'.repeat(40);
  const monitor = monitorOf(scene);
  assert.is(summary(await monitor.waitUntilKnown()), 'unknown other-server');
});

test('forgetting the server takes the next one, and what was claimed is forgotten with it', async (scene) => {
  const monitor = await watch(scene);
  scene.server.machineIdentifier = 'f'.repeat(40);
  scene.server.claimed = false;
  await monitor.probe();
  await monitor.forget();
  assert.is(summary(monitor.snapshot), 'unclaimed');
  assert.is(monitor.snapshot.identity?.id, 'f'.repeat(40));
  assert.is(summary((await restart(scene)).snapshot), 'unclaimed');
});

test('a pinned id counts more than the memory, and the memory of another server does not count for it', async (scene) => {
  await watch(scene);
  assert.is(summary((await restart(scene, { id: 'e'.repeat(40) })).snapshot), 'unknown other-server');
  scene.server.machineIdentifier = 'e'.repeat(40);
  scene.server.claimed = false;
  assert.is(summary((await restart(scene, { id: 'e'.repeat(40) })).snapshot), 'unclaimed');
});

test('a damaged memory is no memory', async (scene) => {
  for (const content of [
    '',
    '{',
    '[]',
    '{"kind":"x","url":"http://a","id":"b"}',
    '{"kind":"plex","url":"","id":"b"}',
    'null',
  ]) {
    await scene.state.write(SERVER_MEMORY_FILE, content);
    assert.is(summary((await restart(scene)).snapshot), 'claimed', content);
  }
});

test('a failed connection closes before anything was asked, and a good probe opens again', async (scene) => {
  const monitor = await watch(scene);
  monitor.noteConnectFailure();
  assert.is(summary(monitor.snapshot), 'unknown down');
  assert.is(summary(await changeOf(monitor)), 'claimed');
});

test('a passing identity that says unclaimed closes at once; one that says claimed opens nothing', async (scene) => {
  const monitor = await watch(scene);
  const claimedBody = Buffer.from(plex.renderIdentity(monitor.snapshot.identity!, undefined).body);
  scene.server.claimed = false;
  monitor.noteIdentityAnswer(Buffer.from(claimedBody.toString().replace('claimed="1"', 'claimed="0"')));
  assert.is(summary(monitor.snapshot), 'signed-out');
  monitor.noteIdentityAnswer(claimedBody);
  assert.is(summary(monitor.snapshot), 'signed-out');
});

test('a passing identity of another server closes at once; what is no identity does nothing', async (scene) => {
  const monitor = await watch(scene);
  for (const body of ['', 'not found', '{"MediaContainer":{}}']) monitor.noteIdentityAnswer(Buffer.from(body));
  const { body } = plex.renderIdentity({ ...monitor.snapshot.identity!, claimed: undefined }, undefined);
  monitor.noteIdentityAnswer(Buffer.from(body));
  assert.is(summary(monitor.snapshot), 'claimed');
  monitor.noteIdentityAnswer(Buffer.from(body.replace(MACHINE_IDENTIFIER, 'other')));
  assert.is(summary(monitor.snapshot), 'unknown other-server');
});

test('an answer that was given before the evidence does not open again', async (scene) => {
  const monitor = await watch(scene);
  const { length } = scene.server.requests;
  const { promise, resolve } = Promise.withResolvers<void>();
  const changes: string[] = [];
  scene.server.misbehave({ kind: 'late', until: promise });
  const probe = monitor.probe();
  await scene.server.waitForRequest((request) => scene.server.requests.indexOf(request) === length);
  monitor.on('change', (snapshot) => changes.push(summary(snapshot)));
  monitor.noteConnectFailure();
  scene.server.claimed = false;
  resolve();
  await probe;
  assert.equal(changes, ['unknown down', 'signed-out']);
});

test('after a claim action the server is asked at once', async (scene) => {
  const monitor = await watch(scene);
  scene.server.claimed = false;
  monitor.noteClaimAction();
  assert.is(summary(await changeOf(monitor)), 'signed-out');
});

test('claimed at this very moment is what an answer says that was asked for now; silence does not', async (scene) => {
  const monitor = await watch(scene);
  assert.is(await monitor.confirmClaimed(), true);
  const stale = monitor.probe();
  scene.server.claimed = false;
  assert.is(await monitor.confirmClaimed(), false);
  await stale;
  scene.server.claimed = true;
  assert.is(await monitor.confirmClaimed(), true);
  scene.server.misbehave({ kind: 'raw', bytes: 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n' });
  assert.is(await monitor.confirmClaimed(), false);
  assert.is(monitor.snapshot.state, 'claimed', 'a silence is borne all the same');
});

test('requests that wait share one probe, and wait two seconds at most', async (scene) => {
  await scene.server.stop();
  const monitor = await watch(scene);
  await scene.server.listen();
  const snapshots = await Promise.all(Array.from({ length: 50 }, () => monitor.waitUntilKnown()));
  assert.ok(snapshots.every((snapshot) => summary(snapshot) === 'claimed'));
  assert.is(scene.server.requests.length, 1);
  monitor.noteConnectFailure();
  scene.server.connections = 'deaf';
  await scene.server.stop();
  await scene.server.listen();
  assert.is(summary(await inTime(2500, monitor.waitUntilKnown())), 'unknown down');
});

test('a request does not depend on a probe that began before the server was there', async (scene) => {
  const monitor = await watch(scene);
  const { machineIdentifier } = scene.server;
  scene.server.machineIdentifier = 'f'.repeat(40);
  assert.is(summary(await monitor.probe()), 'unknown other-server');
  const { length } = scene.server.requests;
  const { promise, resolve } = Promise.withResolvers<void>();
  scene.server.misbehave({ kind: 'late', until: promise });
  const early = monitor.probe();
  await scene.server.waitForRequest((request) => scene.server.requests.indexOf(request) === length);
  scene.server.misbehave();
  scene.server.machineIdentifier = machineIdentifier;
  const known = monitor.waitUntilKnown();
  resolve();
  assert.is(summary(await early), 'unknown other-server');
  assert.is(summary(await known), 'claimed');
});

test('a change is told once, with what was before', async (scene) => {
  const monitor = await watch(scene);
  const changes: [string, string][] = [];
  monitor.on('change', (next, former) => changes.push([summary(former), summary(next)]));
  await monitor.probe();
  await monitor.probe();
  scene.server.claimed = false;
  await monitor.probe();
  await monitor.probe();
  assert.equal(changes, [['claimed', 'signed-out']]);
});

test('without a kind, the one that answers is taken, and remembered', async (scene) => {
  const jellyfin = await startJellyfin();
  const monitor = await watch(scene, { kind: undefined, url: jellyfin.url });
  assert.is(monitor.snapshot.kind.name, 'jellyfin');
  await jellyfin.stop();
  assert.is((await restart(scene, { kind: undefined, url: jellyfin.url })).snapshot.kind.name, 'jellyfin');
  await jellyfin.close();
});

test('without a URL the one server found is used, remembered, and not looked for again', async (scene) => {
  let searches = 0;
  const discover = async () => {
    searches++;
    return [foundAt(scene.server)];
  };
  assert.is(summary((await watch(scene, { url: undefined, discover })).snapshot), 'claimed');
  const monitor = await restart(scene, { url: undefined, discover });
  assert.is(summary(monitor.snapshot), 'claimed');
  assert.is(monitor.snapshot.url, scene.server.url);
  assert.is(searches, 1);
});

test('several found: none is used, all are listed; a pinned id chooses', async (scene) => {
  const other = await startPlex({ machineIdentifier: 'e'.repeat(40) });
  const discover = async () => [foundAt(scene.server), foundAt(other)];
  const monitor = await watch(scene, { url: undefined, discover });
  assert.is(summary(monitor.snapshot), 'unknown starting');
  assert.is(monitor.snapshot.url, undefined);
  assert.is(monitor.snapshot.candidates.length, 2);
  const pinned = await restart(scene, { url: undefined, discover, id: 'e'.repeat(40) });
  assert.is(pinned.snapshot.url, other.url);
  assert.is(summary(pinned.snapshot), 'claimed');
  await other.close();
});

test('once several were found, the last one left is not taken, but for who chooses it', async (scene) => {
  const other = await startPlex({ machineIdentifier: 'e'.repeat(40) });
  let found = [foundAt(scene.server), foundAt(other)];
  const discover = async () => found;
  const monitor = await watch(scene, { url: undefined, discover });
  found = found.slice(0, 1);
  assert.is(summary(await monitor.probe()), 'unknown starting');
  assert.is(monitor.snapshot.url, undefined);
  assert.is(monitor.snapshot.candidates.length, 2);
  assert.match(monitor.snapshot.detail ?? '', 'none is chosen');
  await monitor.forget();
  assert.is(summary(monitor.snapshot), 'unknown starting');
  const { choices } = monitor;
  assert.is(summary((await restart(scene, { url: undefined, discover, choices })).snapshot), 'unknown starting');
  assert.is(summary((await restart(scene, { url: scene.server.url, discover, choices })).snapshot), 'claimed');
  assert.is(summary((await restart(scene, { url: undefined, discover, choices })).snapshot), 'claimed');
  await other.close();
});

test('a moved server is followed only when it proves itself; its id proves nothing', async (scene) => {
  await watch(scene, { url: undefined, discover: async () => [foundAt(scene.server)] });
  const impostor = await startPlex({ machineIdentifier: MACHINE_IDENTIFIER });
  await scene.server.stop();
  const moved = { url: undefined, discover: async () => [foundAt(impostor)] };
  const monitor = await restart(scene, moved);
  assert.is(summary(monitor.snapshot), 'unknown other-server');
  assert.equal(
    monitor.snapshot.candidates.map(({ url }) => url),
    [impostor.url],
  );
  const followed = await restart(scene, { ...moved, provesItself: async ({ url }) => url === impostor.url });
  assert.is(summary(followed.snapshot), 'claimed');
  assert.is(followed.snapshot.url, impostor.url);
  await impostor.close();
});

test('another web server has no claim state to wait for, and nothing of it is remembered', async (scene) => {
  const monitor = await watch(scene, { kind: generic });
  assert.is(summary(monitor.snapshot), 'claimed');
  await scene.server.stop();
  assert.is(summary(await monitor.probe()), 'unknown down');
  assert.is(await scene.state.readJson(SERVER_MEMORY_FILE), undefined);
});

test('a state folder that cannot be written does not stop the watch', async (scene) => {
  const state = new StateFolder('/proc/lockgate-cannot-be-here');
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_fields: object, message: string) => void warnings.push(message) };
  const monitor = await watch(scene, { state, log });
  assert.is(summary(monitor.snapshot), 'claimed');
  scene.server.claimed = false;
  await monitor.probe();
  await monitor.close();
  assert.ok(warnings.includes('media server could not be remembered'));
});

test('a closed monitor asks no more', async (scene) => {
  const monitor = await watch(scene);
  await monitor.close();
  const { length } = scene.server.requests;
  scene.server.claimed = false;
  assert.is(summary(await monitor.probe()), 'claimed');
  assert.is(scene.server.requests.length, length);
});

test.run();
