/** The zone that the media server shows: where it is now counts, however late an answer from elsewhere comes. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AddressZones } from '../../src/gateway/address-zones.ts';
import { plex } from '../../src/server/plex.ts';
import { selfSigned } from '../support/self-signed.ts';
import { until } from '../support/until.ts';
import { closeScene, monitorOf, openScene, type Watched } from '../support/watched-server.ts';

const FORMER = `${'0'.repeat(32)}.plex.direct`;
const LATTER = `${'f'.repeat(32)}.plex.direct`;

interface Shown {
  readonly url: string;
  /** Handshakes that have not begun yet. */
  readonly waiting: Socket[];
  /** Begins them, and those to come. */
  answer(): void;
  close(): void;
}

/** What shows a certificate for `zone`, once it is told to. */
async function startShowing(zone: string): Promise<Shown> {
  const tls = createTlsServer(selfSigned([`*.${zone}`])).on('tlsClientError', () => {});
  const waiting: Socket[] = [];
  let isAnswering = false;
  const begin = (socket: Socket) => void tls.emit('connection', socket);
  const server: Server = createServer((socket) => (isAnswering ? begin(socket) : waiting.push(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waiting,
    answer() {
      isAnswering = true;
      for (const socket of waiting) begin(socket);
    },
    close: () => server.close(),
  };
}

const test = suite<Watched & { former: Shown; latter: Shown }>('address zones');

test.before.each(async (scene) => {
  await openScene(scene);
  scene.former = await startShowing(FORMER);
  scene.latter = await startShowing(LATTER);
});
test.after.each(async (scene) => {
  scene.former.close();
  scene.latter.close();
  await closeScene(scene);
});

/** A monitor whose server is wherever the test says. */
function movable(scene: Watched & { former: Shown }) {
  const monitor = monitorOf(scene);
  let { url } = scene.former;
  Object.defineProperty(monitor, 'snapshot', { get: () => ({ kind: plex, url }) });
  const move = (to: string) => {
    url = to;
    monitor.emit('change', monitor.snapshot, monitor.snapshot);
  };
  return { monitor, move };
}

test('what the former address shows after the server has moved is not taken', async (scene) => {
  const { former, latter } = scene;
  const { monitor, move } = movable(scene);
  const zones = new AddressZones(monitor);
  const look = zones.look();
  await until(() => former.waiting.length === 2, 'the former address is asked');
  latter.answer();
  move(latter.url);
  await until(() => zones.ofServer === LATTER, 'the latter address is seen');
  former.answer();
  await look;
  assert.is(zones.ofServer, LATTER);
  zones.close();
});

test('a look that is under way at the end comes to nothing', async (scene) => {
  const { former } = scene;
  const zones = new AddressZones(movable(scene).monitor);
  const look = zones.look();
  await until(() => former.waiting.length === 2, 'it is asked');
  zones.close();
  former.answer();
  await look;
  assert.is(zones.ofServer, undefined);
});

test.run();
