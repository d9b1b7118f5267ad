/** UPnP against a gateway that is odd or hostile: leases, conflicts, locations that lead elsewhere, answers without measure. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { IgdMapper } from '../../src/remote/igd.ts';
import { readIgdServices, servicesIn } from '../../src/remote/igd-services.ts';
import type { Mapping } from '../../src/remote/port-mapper.ts';
import { findRouterDescriptions, readSearchAnswer, routerUrl } from '../../src/remote/ssdp.ts';
import { end, evaluateLater, makeHome } from '../support/home-network.ts';
import { descriptionWith, IgdStandIn } from '../support/igd.ts';
import { inNamespaces } from '../support/netns.ts';

const WISH = { internalPort: 32443, externalPort: 32400 };
const OURS: Mapping = { ...WISH, externalAddress: undefined, leaseSeconds: 3600, isOurs: true };

const igd = suite<{ router: IgdStandIn; mapper: IgdMapper }>('IGD');

igd.before.each(async (context) => {
  context.router = await IgdStandIn.start('127.0.0.51');
  const services = await readIgdServices(context.router.location, context.router.way);
  context.mapper = new IgdMapper(services!.connections[0]!, context.router.way);
});
igd.after.each(async ({ router }) => {
  await router.close();
});

igd('error 725 is answered with a lease that stays, and that one is removed at the end', async ({ router, mapper }) => {
  router.onlyPermanentLeases = true;
  const outcome = await mapper.map(WISH, 3600);
  assert.is(outcome.outcome === 'mapped' && outcome.mapping.leaseSeconds, 0);
  assert.is(router.mappings.get(32400)?.leaseSeconds, 0);
  await mapper.unmap(OURS);
  assert.is(router.mappings.size, 0);
});

igd('a port that leads elsewhere is refused without a try, and not removed', async ({ router, mapper }) => {
  router.mappings.set(32400, {
    internalClient: '192.168.7.9',
    internalPort: 32400,
    description: 'lockgate',
    leaseSeconds: 0,
  });
  const outcome = await mapper.map(WISH, 3600);
  assert.is(outcome.outcome, 'refused');
  assert.match((outcome as { reason: string }).reason, 'leads to 192.168.7.9:32400 already');
  await mapper.unmap(OURS);
  assert.is(router.mappings.size, 1);
  assert.not.ok(router.called.includes('AddPortMapping'));
});

igd('a forwarding that somebody made by hand is used, neither renewed nor removed', async ({ router, mapper }) => {
  router.mappings.set(32400, {
    internalClient: '127.0.0.1',
    internalPort: 32443,
    description: 'Plex',
    leaseSeconds: 0,
  });
  const outcome = await mapper.map(WISH, 3600);
  assert.is(outcome.outcome === 'mapped' && outcome.mapping.isOurs, false);
  await mapper.unmap(OURS);
  assert.is(router.mappings.size, 1);
  assert.not.ok(router.called.includes('AddPortMapping'));
});

igd('a mapping that has gone, or leads elsewhere now, is lost', async ({ router, mapper }) => {
  await mapper.map(WISH, 3600);
  assert.is((await mapper.check(OURS)).state, 'kept');
  router.mappings.set(32400, { internalClient: '192.168.7.9', internalPort: 1, description: '', leaseSeconds: 0 });
  assert.is((await mapper.check(OURS)).state, 'lost');
  router.mappings.clear();
  assert.is((await mapper.check(OURS)).state, 'lost');
});

igd('refusals are told in words with what to do', async ({ router, mapper }) => {
  for (const [code, words] of [
    [724, /same port.*\[listen\] port and \[remote\] map_port/],
    [501, /outside address is private/],
    [606, /does not let this host.*1024 to 65535/],
    [899, /UPnP error 899 \("no"\)/],
  ] as const) {
    router.refusal = code;
    const outcome = await mapper.map(WISH, 3600);
    assert.is(outcome.outcome, 'refused');
    const { reason, remedy } = outcome as { reason: string; remedy: string };
    assert.match(`${reason}; ${remedy}`, words);
  }
});

igd('answers that are no XML, or without measure, are refusals and not crashes', async ({ router, mapper }) => {
  for (const answer of [
    '',
    'nonsense',
    '<a>',
    '<!DOCTYPE a><a/>',
    `<s:Envelope>${'x'.repeat(300_000)}`,
    '<Envelope/>',
  ]) {
    router.soapAnswer = answer;
    assert.not.equal((await mapper.map(WISH, 3600)).outcome, 'mapped', answer.slice(0, 20));
    assert.is(await mapper.externalAddress(), undefined);
    assert.equal(await mapper.forwardings(5), []);
  }
});

igd('an outside address that is none is not believed', async ({ router, mapper }) => {
  for (const address of ['', '0.0.0.0', 'example.org', '999.1.1.1']) {
    router.externalAddress = address;
    assert.is(await mapper.externalAddress(), undefined, address);
  }
});

igd('a name of a host without measure is cut before anybody reads it', async ({ router, mapper }) => {
  router.mappings.set(32400, { internalClient: 'x'.repeat(9000), internalPort: 1, description: '', leaseSeconds: 0 });
  const found = await mapper.forwardingOf(32400);
  assert.is(found !== 'silent' && found?.internalAddress.length, 64);
});

igd('a router that has gone is silent', async ({ router, mapper }) => {
  await router.close();
  assert.is((await mapper.map(WISH, 3600)).outcome, 'silent');
  assert.is((await mapper.check(OURS)).state, 'silent');
  await mapper.unmap(OURS);
});

igd.run();

const location = suite('IGD location');
const BASE = new URL('http://192.168.7.1:5000/root.xml');

location('only the default router itself is spoken to, by its address, over plain HTTP', () => {
  const allowed = ['http://192.168.7.1:5000/root.xml', 'http://192.168.7.1/x'];
  const refused = [
    'http://192.168.7.9:5000/root.xml',
    'http://192.168.7.1.example.org/root.xml',
    'http://192.168.7.1@192.168.7.9/',
    'http://user@192.168.7.1/',
    'https://192.168.7.1/',
    'file:///etc/passwd',
    'http://127.0.0.1/',
    '//192.168.7.9/x',
    'nonsense',
    '',
  ];
  for (const url of allowed) assert.ok(routerUrl(url, undefined, '192.168.7.1'), url);
  for (const url of refused) assert.is(routerUrl(url, undefined, '192.168.7.1'), undefined, url);
});

location('the same holds for control URLs, and for a base URL that leads away', () => {
  const controls = (url: string, more = '') =>
    servicesIn(descriptionWith(url, more), BASE, '192.168.7.1')?.connections.map(({ controlUrl }) => controlUrl.href);
  assert.equal(controls('/ctl'), ['http://192.168.7.1:5000/ctl']);
  assert.equal(controls('ctl'), ['http://192.168.7.1:5000/ctl']);
  assert.equal(controls('http://192.168.7.9/ctl'), []);
  assert.equal(controls('//192.168.7.9/ctl'), []);
  assert.equal(controls('/ctl', '<URLBase>http://192.168.7.1:49000/</URLBase>'), ['http://192.168.7.1:49000/ctl']);
  assert.is(controls('/ctl', '<URLBase>http://192.168.7.9/</URLBase>'), undefined);
});

location('an answer to a search counts only for a gateway at the router', () => {
  const answer = (st: string, url: string) => `HTTP/1.1 200 OK\r\nST: ${st}\r\nLocation: ${url}\r\n\r\n`;
  const device = 'urn:schemas-upnp-org:device:InternetGatewayDevice:1';
  assert.ok(readSearchAnswer(answer(device, BASE.href), '192.168.7.1'));
  assert.is(readSearchAnswer(answer('upnp:rootdevice', BASE.href), '192.168.7.1'), undefined);
  assert.is(readSearchAnswer(answer(device, 'http://192.168.7.9/'), '192.168.7.1'), undefined);
  assert.is(
    readSearchAnswer(`NOTIFY * HTTP/1.1\r\nST: ${device}\r\nLocation: ${BASE.href}\r\n`, '192.168.7.1'),
    undefined,
  );
  assert.is(readSearchAnswer('', '192.168.7.1'), undefined);
});

location('a search on a host without such an address finds nothing, and does not fail', async () => {
  const way = {
    router: '192.0.2.1',
    routerSocketAddress: '192.0.2.1',
    localAddress: '192.0.2.99',
    isContainerBridge: false,
  };
  assert.equal(await findRouterDescriptions(way), []);
});

inNamespaces(location)('a neighbour that answers searches for the router is not heard, whatever it says', async () => {
  const home = await makeHome('public');
  const neighbour = await home.addHost(9);
  const liar = neighbour.start(
    process.execPath,
    '--input-type=module-typescript',
    '--eval',
    `import { createSocket } from 'node:dgram';
     const socket = createSocket({ type: 'udp4', reuseAddr: true });
     socket.on('message', (question, from) => {
       console.log('asked');
       for (const host of ['192.168.7.9', '192.168.7.1'])
         socket.send('HTTP/1.1 200 OK\\r\\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\\r\\nLOCATION: http://' + host + ':5000/root.xml\\r\\n\\r\\n', from.port, from.address);
     });
     socket.bind(1900, () => { socket.addMembership('239.255.255.250', '192.168.7.9'); console.log('ready'); });`,
  );
  let heard = '';
  liar.stdout?.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  try {
    await new Promise((resolve) => liar.stdout?.once('data', resolve));
    const found = await evaluateLater(
      home.host,
      `import { findRouterDescriptions } from './src/remote/ssdp.ts';
       import { wayOut } from './src/remote/way-out.ts';
       console.log(JSON.stringify((await findRouterDescriptions(wayOut(4))).map(String)));`,
    );
    assert.equal(found, []);
    assert.match(heard, /asked/);
  } finally {
    await end(liar);
    await home.close();
  }
});

inNamespaces(location)('a router that describes a thousand connections is asked about eight', async () => {
  const home = await makeHome('public');
  const router = home.router.start(
    process.execPath,
    '--input-type=module-typescript',
    '--eval',
    `import { createSocket } from 'node:dgram';
     import { createServer } from 'node:http';
     const service = '<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>/c</controlURL></service>';
     const description = '<root>' + service.repeat(1000) + '</root>';
     createServer((request, response) => response.end(description)).listen(5000, '192.168.7.1');
     const socket = createSocket({ type: 'udp4', reuseAddr: true });
     socket.on('message', (question, from) =>
       socket.send('HTTP/1.1 200 OK\\r\\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\\r\\nLOCATION: http://192.168.7.1:5000/root.xml\\r\\n\\r\\n', from.port, from.address));
     socket.bind(1900, () => { socket.addMembership('239.255.255.250', '192.168.7.1'); console.log('ready'); });`,
  );
  try {
    await new Promise((resolve) => router.stdout?.once('data', resolve));
    const count = await evaluateLater(
      home.host,
      `import { findIgdMappers } from './src/remote/mappers.ts';
       import { wayOut } from './src/remote/way-out.ts';
       console.log(JSON.stringify((await findIgdMappers(wayOut(4))).length));`,
    );
    assert.is(count, 8);
  } finally {
    await end(router);
    await home.close();
  }
});

location.run();
