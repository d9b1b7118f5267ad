/** Looking for servers: on this host first, then on the LAN, where nobody's word is taken for it. */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type DiscoveryOptions,
  discoverServers,
  type LanTarget,
  lanTargets,
  localEndpoints,
} from '../../src/server/discovery.ts';
import { emby } from '../../src/server/emby.ts';
import { jellyfin } from '../../src/server/jellyfin.ts';
import { RECOGNIZABLE_KINDS } from '../../src/server/kinds.ts';
import { plex } from '../../src/server/plex.ts';
import { type Responder, startResponder } from '../support/discovery-responder.ts';
import { type JellyfinStandIn, startEmby, startJellyfin } from '../support/jellyfin.ts';
import { type PlexStandIn, startPlex } from '../support/plex.ts';

const test = suite<{ server: PlexStandIn; media: JellyfinStandIn; responders: Responder[] }>('discovery');

test.before.each(async (context) => {
  context.server = await startPlex({ host: '127.0.0.2' });
  context.media = await startJellyfin({ host: '127.0.0.3' });
  context.responders = [];
});
test.after.each(async ({ server, media, responders }) => {
  for (const responder of responders) await responder.close();
  await server.close();
  await media.close();
});

/** Pairs of kind and URL. */
async function discover(changes: Partial<DiscoveryOptions>): Promise<string[]> {
  const options = {
    kinds: RECOGNIZABLE_KINDS,
    localEndpoints: [],
    lanTargets: [],
    isOwnEndpoint: () => false,
    ...changes,
  };
  return (await discoverServers(options)).map(({ kind, url }) => `${kind.name} ${url}`);
}

const target = (kind: LanTarget['kind'], responder: Responder, address: string): LanTarget => ({
  kind,
  localAddress: '127.0.0.1',
  address,
  port: responder.port,
});

test('this host is asked first, and one server on many addresses is one', async ({ server, media }) => {
  const gdm = await media.answerDiscovery({ address: '127.0.0.3', port: 0 });
  const endpoints = [
    { address: '127.0.0.9', port: server.port },
    { address: '127.0.0.2', port: server.port },
    { address: '127.0.0.2', port: server.port },
  ];
  const lan = [target(jellyfin, gdm, '127.0.0.3')];
  assert.equal(await discover({ localEndpoints: endpoints, lanTargets: lan }), [`plex ${server.url}`]);
  assert.equal(gdm.questions, []);
});

test('several servers on this host are all found', async ({ server, media }) => {
  const endpoints = [
    { address: '127.0.0.2', port: server.port },
    { address: '127.0.0.3', port: media.port },
  ];
  assert.equal(await discover({ localEndpoints: endpoints }), [`plex ${server.url}`, `jellyfin ${media.url}`]);
});

test('the gateway does not find itself', async ({ server }) => {
  const localEndpoint = { address: '127.0.0.2', port: server.port };
  const responder = await server.answerDiscovery({ address: '127.0.0.2', port: 0 });
  const found = await discover({
    localEndpoints: [localEndpoint],
    lanTargets: [target(plex, responder, '127.0.0.2')],
    isOwnEndpoint: (address, port) => address === localEndpoint.address && port === localEndpoint.port,
  });
  assert.equal(found, []);
  assert.is(server.requests.length, 0);
});

test('each protocol is spoken on the LAN', async ({ server, media }) => {
  const embyServer = await startEmby({ host: '127.0.0.4' });
  const [gdm, jellyfinAnswers] = [
    await server.answerDiscovery({ address: '127.0.0.2', port: 0 }),
    await media.answerDiscovery({ address: '127.0.0.3', port: 0 }),
  ];
  const embyAnswers = await embyServer.answerDiscovery({ address: '127.0.0.4', port: 0 });
  const found = await discover({
    lanTargets: [
      target(plex, gdm, '127.0.0.2'),
      target(jellyfin, jellyfinAnswers, '127.0.0.3'),
      target(emby, embyAnswers, '127.0.0.4'),
    ],
  });
  await embyServer.close();
  assert.equal(found, [`plex ${server.url}`, `jellyfin ${media.url}`, `emby ${embyServer.url}`]);
  assert.equal(
    [gdm, jellyfinAnswers, embyAnswers].flatMap(({ questions }) => questions),
    ['M-SEARCH * HTTP/1.0\r\n\r\n', 'who is JellyfinServer?', 'who is EmbyServer?'],
  );
});

test('an answer that the server itself does not confirm is nothing', async ({ server, media }) => {
  const lies = [
    await server.answerDiscovery({ address: '127.0.0.2', port: 0, claims: { machineIdentifier: 'f'.repeat(40) } }),
    await server.answerDiscovery({ address: '127.0.0.2', port: 0, claims: { port: 9 } }),
    await server.answerDiscovery({ address: '127.0.0.2', port: 0, claims: { port: 70_000 } }),
  ];
  const jellyfinLie = await media.answerDiscovery({ address: '127.0.0.3', port: 0, claims: { id: 'other' } });
  const targets = lies.map((responder) => target(plex, responder, '127.0.0.2'));
  assert.equal(await discover({ lanTargets: [...targets, target(jellyfin, jellyfinLie, '127.0.0.3')] }), []);
});

test('an answer that points to another host is only about its sender', async ({ media }) => {
  const victim = await startJellyfin({ host: '127.0.0.5', id: media.id });
  const responder = await media.answerDiscovery({ address: '127.0.0.3', port: 0, claims: { address: victim.url } });
  assert.equal(await discover({ lanTargets: [target(jellyfin, responder, '127.0.0.3')] }), []);
  assert.is(victim.requests.length, 0);
  await victim.close();
});

test('garbage, giants and floods are survived, and answers are counted', async (context) => {
  const { server } = context;
  const good = `HTTP/1.0 200 OK\r\nContent-Type: plex/media-server\r\nResource-Identifier: ${server.machineIdentifier}\r\nPort: `;
  const garbage = [
    '',
    '\0',
    'HTTP/1.0 200 OK\r\n\r\n',
    `${good}0\r\n`,
    `${good}x\r\n`,
    `${good}${server.port}\r\nX: ${'x'.repeat(5000)}\r\n`,
  ];
  const flood = Array.from({ length: 200 }, (_value, index) => `${good}${index + 1}\r\n\r\n`);
  const responder = await startResponder({
    address: '127.0.0.2',
    port: 0,
    answer: () => [...garbage, ...flood, `${good}${server.port}\r\n\r\n`],
  });
  context.responders.push(responder);
  assert.equal(await discover({ lanTargets: [target(plex, responder, '127.0.0.2')] }), []);
});

test('a neighbour that floods drowns nobody else', async (context) => {
  const { server } = context;
  const claim = (id: string, port: number) =>
    `HTTP/1.0 200 OK\r\nContent-Type: plex/media-server\r\nResource-Identifier: ${id}\r\nPort: ${port}\r\n\r\n`;
  const [neighbour, honest] = [createSocket('udp4').bind(0, '127.0.0.9'), createSocket('udp4').bind(0, '127.0.0.2')];
  await Promise.all([once(neighbour, 'listening'), once(honest, 'listening')]);
  const responder = await startResponder({
    address: '127.0.0.2',
    port: 0,
    answer: (_question, { port }) => {
      for (let index = 0; index < 40; index += 1)
        neighbour.send(claim('e'.repeat(40), 1000 + index), port, '127.0.0.1');
      setTimeout(() => honest.send(claim(server.machineIdentifier, server.port), port, '127.0.0.1'), 50);
      return [];
    },
  });
  context.responders.push(responder);
  assert.equal(await discover({ lanTargets: [target(plex, responder, '127.0.0.2')] }), [`plex ${server.url}`]);
  neighbour.close();
  honest.close();
});

test('a network that cannot be asked is no reason to stop', async ({ server }) => {
  const responder = await server.answerDiscovery({ address: '127.0.0.2', port: 0 });
  const gone = { kind: plex, localAddress: '192.0.2.1', address: '239.0.0.250', port: 32414 };
  const unreachable = { kind: plex, localAddress: '127.0.0.1', address: '192.0.2.255', port: 0 };
  const found = await discover({ lanTargets: [gone, unreachable, target(plex, responder, '127.0.0.2')] });
  assert.equal(found, [`plex ${server.url}`]);
});

test('the questions of a network go to its group and its broadcast address', () => {
  const targets = lanTargets(
    [plex, jellyfin],
    [
      { address: '192.168.1.10', prefixLength: 24 },
      { address: '10.20.30.40', prefixLength: 20 },
      { address: '172.16.5.6', prefixLength: 31 },
      { address: 'fd00::1', prefixLength: 64 },
    ],
  );
  assert.equal(
    targets.map(({ kind, localAddress, address, port }) => `${kind.name} ${localAddress} ${address}:${port}`),
    [
      'plex 192.168.1.10 239.0.0.250:32414',
      'jellyfin 192.168.1.10 192.168.1.255:7359',
      'plex 10.20.30.40 239.0.0.250:32414',
      'jellyfin 10.20.30.40 10.20.31.255:7359',
      'plex 172.16.5.6 239.0.0.250:32414',
      'jellyfin 172.16.5.6 172.16.5.7:7359',
    ],
  );
});

test('this host has the usual port of each kind on every address, the first address first', () => {
  assert.equal(localEndpoints(RECOGNIZABLE_KINDS, ['127.0.0.1', '::1']), [
    { address: '127.0.0.1', port: 32400 },
    { address: '127.0.0.1', port: 8096 },
    { address: '::1', port: 32400 },
    { address: '::1', port: 8096 },
  ]);
});

const needsNamespace = canUnshare() ? test : test.skip;
needsNamespace('real multicast and broadcast reach the servers of a network', () => {
  const script = join(import.meta.dirname, '../support/discovery-in-namespace.ts');
  const output = execFileSync('unshare', ['--net', process.execPath, script], {
    encoding: 'utf8',
    timeout: 60_000,
    stdio: 'pipe',
  });
  const { servers, expected } = JSON.parse(output) as { servers: unknown; expected: unknown };
  assert.equal(servers, expected);
});

function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['--net', 'ip', 'link'], { stdio: 'ignore' });
    return true;
  } catch {
    process.stdout.write('skipped: multicast and broadcast (a network namespace needs root, unshare and ip)\n');
    return false;
  }
}

test.run();
