/** A port that is kept open: found, renewed in time, made anew when the router forgot it, removed at the end. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLog } from '../../src/lib/log.ts';
import { RouterEpoch } from '../../src/remote/epoch.ts';
import { NatPmpMapper } from '../../src/remote/nat-pmp.ts';
import { PcpMapper } from '../../src/remote/pcp.ts';
import { PortKeeper, type PortState } from '../../src/remote/port-keeper.ts';
import { inTime } from '../support/in-time.ts';
import { PcpRouter } from '../support/pcp-router.ts';
import { until } from '../support/until.ts';

interface Scene {
  router: PcpRouter;
  keepers: PortKeeper[];
}

const NONCE = Buffer.from('lockgate-key');
const WISH = { internalPort: 32443, externalPort: 32400 };
const CHECK_MS = 40;

const keeper = suite<Scene>('port keeper');

keeper.before.each(async (scene) => {
  scene.router = await PcpRouter.start('127.0.0.41');
  scene.keepers = [];
});
keeper.after.each(async ({ router, keepers }) => {
  for (const kept of keepers) await kept.close();
  await router.close();
});

function keep({ router, keepers }: Scene, onMoved = () => {}, checkIntervalMs = CHECK_MS): PortKeeper {
  const made = new PortKeeper({
    wish: WISH,
    log: silentLog,
    onMoved,
    checkIntervalMs,
    mappers: async function* () {
      yield new PcpMapper(router.way, NONCE);
      yield new NatPmpMapper(router.way);
    },
  });
  keepers.push(made);
  return made;
}

async function opened(kept: PortKeeper): Promise<Extract<PortState, { state: 'open' }>> {
  await until(() => kept.state.state === 'open', 'open');
  return kept.state as Extract<PortState, { state: 'open' }>;
}

keeper('PCP comes first, with the nonce that makes the mapping ours', async (scene) => {
  const { protocol, mapping } = await opened(keep(scene));
  assert.is(protocol, 'PCP');
  assert.equal(mapping, { ...WISH, externalAddress: '9.0.0.2', leaseSeconds: 3600, isOurs: true });
  assert.equal([...scene.router.mappings.values()], [{ ...WISH, nonce: NONCE.toString('hex') }]);
});

keeper('a router that knows only NAT-PMP is spoken to in that', async (scene) => {
  scene.router.speaksPcp = false;
  const { protocol, mapping } = await opened(keep(scene));
  assert.is(protocol, 'NAT-PMP');
  assert.is(mapping.externalAddress, '9.0.0.2');
});

keeper('a lease is renewed at its half', async (scene) => {
  scene.router.leaseSeconds = 2;
  scene.router.speaksPcp = false;
  const startedMs = performance.now();
  await opened(keep(scene));
  const renewed = until(() => scene.router.asked.filter((what) => what === 'map').length > 1, 'renewed');
  await inTime(2000, renewed);
  assert.ok(performance.now() - startedMs >= 1000);
});

keeper('a lease that is shorter than the time between two looks is renewed at its half too', async (scene) => {
  scene.router.leaseSeconds = 10;
  scene.router.speaksPcp = false;
  await opened(keep(scene, () => {}, 60_000));
  const renewals = () => scene.router.asked.filter((what) => what === 'map').length;
  const before = renewals();
  await until(() => renewals() > before, 'renewed');
});

for (const speaksPcp of [true, false]) {
  keeper(`a router that restarted gets its mapping again (${speaksPcp ? 'PCP' : 'NAT-PMP'})`, async (scene) => {
    const { router } = scene;
    router.speaksPcp = speaksPcp;
    router.age(5000);
    await opened(keep(scene));
    router.restart();
    assert.is(router.mappings.size, 0);
    await until(() => router.mappings.size === 1, 'mapped again');
  });

  keeper(`another outside address is noticed and told (${speaksPcp ? 'PCP' : 'NAT-PMP'})`, async (scene) => {
    let moves = 0;
    scene.router.speaksPcp = speaksPcp;
    const kept = keep(scene, () => {
      moves += 1;
    });
    await opened(kept);
    scene.router.wanAddress = '9.0.0.77';
    await until(() => kept.state.state === 'open' && kept.state.mapping.externalAddress === '9.0.0.77', 'moved');
    assert.is(moves, 2);
  });
}

keeper('a port that somebody else has is refused with its reason, and nothing of it is left', async (scene) => {
  scene.router.taken.add(32400);
  const kept = keep(scene);
  await until(() => kept.state.state === 'refused', 'refused');
  assert.match((kept.state as { reason: string }).reason, 'gives port 32401 instead of 32400');
  assert.is(scene.router.mappings.size, 0);
});

keeper('a refusal names the outside address when the router does', async (scene) => {
  Object.assign(scene.router, { resultCode: 8, wanAddress: '10.0.0.2' });
  const kept = keep(scene);
  await until(() => kept.state.state === 'refused', 'refused');
  assert.is((kept.state as { externalAddress?: string }).externalAddress, '10.0.0.2');
});

for (const speaksPcp of [true, false]) {
  keeper(`a yes for no time at all is no open port (${speaksPcp ? 'PCP' : 'NAT-PMP'})`, async (scene) => {
    Object.assign(scene.router, { speaksPcp, leaseSeconds: 0 });
    const kept = keep(scene);
    await until(() => kept.state.state === 'refused', 'refused');
    assert.match((kept.state as { reason: string }).reason, 'for no time at all');
  });
}

keeper('a router that answers nothing is silent, and is asked again when told to look', async (scene) => {
  scene.router.isSilent = true;
  const kept = keep(scene);
  await until(() => kept.state.state === 'silent', 'silent');
  scene.router.isSilent = false;
  kept.look();
  await opened(kept);
});

keeper('a look that is wanted while the router is asked is not lost: it comes next', async (scene) => {
  scene.router.isSilent = true;
  const kept = keep(scene);
  await until(() => scene.router.questions > 0, 'asked');
  kept.look();
  assert.is(kept.state.state, 'searching');
  await until(() => kept.state.state === 'silent', 'silent');
  scene.router.isSilent = false;
  await opened(kept);
});

keeper('the end removes the mapping', async (scene) => {
  const kept = keep(scene);
  await opened(kept);
  await kept.close();
  assert.is(scene.router.mappings.size, 0);
  assert.is(scene.router.asked.at(-1), 'unmap');
});

keeper.run();

const epoch = suite('router epoch');

/** Seconds here and there. */
function clock() {
  let nowMs = 0;
  const router = new RouterEpoch(() => nowMs);
  return (hereSeconds: number, thereSeconds: number) => {
    nowMs = hereSeconds * 1000;
    return router.note(thereSeconds);
  };
}

epoch('a clock that goes on is no restart, drift included', () => {
  const note = clock();
  assert.is(note(0, 1000), false);
  assert.is(note(60, 1060), false);
  assert.is(note(1060, 2030), false);
  assert.is(note(1061, 2030), false);
});

epoch('a clock that went back, or runs by leaps, is a restart', () => {
  const back = clock();
  back(0, 1000);
  assert.is(back(60, 3), true);
  const behind = clock();
  behind(0, 1000);
  assert.is(behind(3600, 1500), true);
  const ahead = clock();
  ahead(0, 1000);
  assert.is(ahead(60, 9000), true);
});

epoch.run();
