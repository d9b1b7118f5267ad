/** What is remembered of a media server that moved: a damaged memory is no memory, and nobody searches after the end. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { moveCheck } from '../../src/gateway/move-check.ts';
import { ServerMoves, type ServerMovesOptions } from '../../src/gateway/server-moves.ts';
import { silentLog } from '../../src/lib/log.ts';
import { closeScene, monitorOf, openScene, type Watched } from '../support/watched-server.ts';

const moves = suite<Watched>('server moves');

moves.before.each(openScene);
moves.after.each(closeScene);

const movesOf = (scene: Watched, changes: Partial<ServerMovesOptions> = {}) =>
  new ServerMoves({
    monitor: monitorOf(scene),
    configuredUrl: scene.server.url,
    discover: async () => [],
    state: scene.state,
    log: silentLog,
    ...changes,
  });

moves('a damaged memory is no memory, and brings no check down', async (scene) => {
  const whole = { from: 'http://192.168.7.20:32400', to: 'http://192.168.7.30:32400', at: Date.now() };
  const read = async (memory: object) => {
    await scene.state.write('server-moved.json', JSON.stringify(memory));
    const read = movesOf(scene);
    await read.load();
    read.close();
    return moveCheck(read.last, false);
  };
  for (const damage of [{ from: 'x' }, { to: '' }, { at: 1e300 }, { at: 'today' }]) {
    assert.is(await read({ ...whole, ...damage }), undefined, JSON.stringify(damage));
  }
  assert.match((await read(whole))?.evidence ?? '', 'from 192.168.7.20 to 192.168.7.30');
});

moves('a search that is under way at the end finds nothing any more', async (scene) => {
  const identity = { id: 'the-one', name: undefined, version: undefined };
  const found = { url: 'http://192.168.7.30:32400', identity } as never;
  const answer = Promise.withResolvers<readonly never[]>();
  const monitor = monitorOf(scene, { id: identity.id });
  const searching = movesOf(scene, { monitor, discover: () => answer.promise });
  const search = searching.search();
  searching.close();
  answer.resolve([found]);
  await search;
  assert.is(searching.last, undefined);
});

moves('a server that comes back while it is looked for is nowhere else', async (scene) => {
  const monitor = monitorOf(scene, { id: scene.server.machineIdentifier });
  const identity = { id: scene.server.machineIdentifier, name: undefined, version: undefined };
  const answer = Promise.withResolvers<readonly never[]>();
  const searching = movesOf(scene, { monitor, discover: () => answer.promise });
  const search = searching.search();
  await monitor.probe();
  assert.is(monitor.snapshot.state, 'claimed');
  answer.resolve([{ url: 'http://192.168.7.30:32400', identity } as never]);
  await search;
  assert.is(searching.last, undefined);
  searching.close();
});

moves.run();
