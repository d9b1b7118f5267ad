/** Looks at the public address: when the next one comes. Nobody is asked but an echo on loopback. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLog } from '../../src/lib/log.ts';
import { StateFolder } from '../../src/lib/state-folder.ts';
import { RemoteAccess } from '../../src/remote/remote-access.ts';
import type { RemoteFacts } from '../../src/remote/remote-facts.ts';
import { until } from '../support/until.ts';

interface Scene {
  echo: Server;
  origin: string;
  /** Questions not answered yet, by path. */
  asked: Map<string, ServerResponse>;
  setting: string;
  access: RemoteAccess;
}

const looks = suite<Scene>('looks at the public address');

looks.before.each(async (scene) => {
  scene.asked = new Map();
  scene.echo = createServer((request, response) => scene.asked.set(request.url ?? '', response));
  scene.echo.listen(0, '127.0.0.1');
  await once(scene.echo, 'listening');
  scene.origin = `http://127.0.0.1:${(scene.echo.address() as AddressInfo).port}`;
  scene.setting = `${scene.origin}/former`;
  const facts = (): RemoteFacts => ({
    mapPort: 0,
    publicAddress: scene.setting,
    autoUrl: undefined,
    publishedPort: 32443,
    isRouter: true,
    portsAt: () => [],
    isNear: () => false,
    urlOf: () => undefined,
  });
  scene.access = new RemoteAccess({
    facts,
    state: new StateFolder('/proc/lockgate-cannot-be-here'),
    log: silentLog,
    onPublicAddress: () => {},
    firstLookMs: 100,
    retryMs: 100,
  });
});

looks.after.each(async ({ access, echo }) => {
  await access.close();
  echo.closeAllConnections();
  echo.close();
});

looks(
  'what changed while a look was under way is looked at in its own time, not after the next interval',
  async (scene) => {
    const { access, asked, origin } = scene;
    await access.start();
    await until(() => asked.has('/former'), 'the first look');
    scene.setting = `${origin}/latter`;
    access.refresh();
    asked.get('/former')?.end('9.0.0.2');
    await until(() => access.publicAddress === '9.0.0.2', 'the first answer');
    await until(() => asked.has('/latter'), 'the look at what changed');
    asked.get('/latter')?.end('9.0.0.3');
    await until(() => access.publicAddress === '9.0.0.3', 'the second answer');
  },
);

looks('a look that is asked for while another is under way follows it', async (scene) => {
  const { access, asked, origin } = scene;
  await access.start();
  await until(() => asked.has('/former'), 'the first look');
  scene.setting = `${origin}/latter`;
  access.refresh();
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.not.ok(asked.has('/latter'), 'one at a time');
  asked.get('/former')?.end('9.0.0.2');
  await until(() => asked.has('/latter'), 'the look at what changed');
});

looks(
  'a look that brings no address is taken again soon, also when the one before it, under way when it was asked for, brought one',
  async (scene) => {
    const { access, asked, origin } = scene;
    await access.start();
    await until(() => asked.has('/former'), 'the first look');
    scene.setting = `${origin}/latter`;
    access.refresh();
    await new Promise((resolve) => setTimeout(resolve, 200));
    asked.get('/former')?.end('9.0.0.2');
    await until(() => asked.has('/latter'), 'the look at what changed');
    const refused = new Set<ServerResponse>();
    await until(() => {
      const response = asked.get('/latter');
      if (response !== undefined && !response.writableEnded) refused.add(response.writeHead(404).end());
      return refused.size >= 2;
    }, 'another look');
  },
);

looks.run();
