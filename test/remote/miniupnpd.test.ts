/** Port mapping against the real miniupnpd, in a home made of network namespaces: each protocol, its renewal and its end. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluateLater, HOST, HOST_IPV6, OUTSIDE, PUBLIC_ADDRESS, ROUTER } from '../support/home-network.ts';
import { againstMiniupnpd, forwarded, onHost, PRELUDE, withHome } from '../support/mappers-in-namespace.ts';

const mapping = suite('miniupnpd');
const test = againstMiniupnpd(mapping);

test('PCP, NAT-PMP and IGD 2 each open the port, renew it and remove it', () =>
  withHome('public', async (home) => {
    await home.startPortMapping();
    const answers = (await onHost(
      home,
      `const answers = [];
       for (const mapper of await collect(natMappers(way, nonce))) {
         const [first, again] = [await mapper.map(wish, 3600), await mapper.map(wish, 3600)];
         answers.push([mapper.protocol, first, again, await mapper.check(first.mapping), await askForwardings(await findIgdMappers(way))]);
         await mapper.unmap(first.mapping);
       }
       console.log(JSON.stringify(answers));`,
    )) as [string, { mapping: object }, object, object, { externalPort: number; internalAddress: string }[]][];
    assert.equal(
      answers.map(([protocol]) => protocol),
      ['PCP', 'NAT-PMP', 'UPnP IGD 2'],
    );
    for (const [protocol, first, again, health, forwardings] of answers) {
      const expected = {
        outcome: 'mapped',
        mapping: {
          internalPort: 32443,
          externalPort: 32400,
          externalAddress: PUBLIC_ADDRESS,
          leaseSeconds: 3600,
          isOurs: true,
        },
      };
      assert.equal(first, expected, protocol);
      assert.equal(again, expected, protocol);
      assert.equal(health, { state: 'kept', externalAddress: PUBLIC_ADDRESS }, protocol);
      assert.equal(
        forwardings.map(({ externalPort, internalAddress }) => [externalPort, internalAddress]),
        [[32400, HOST]],
        protocol,
      );
    }
    assert.equal(forwarded(home), []);
  }));

test('through the open port a connection from outside arrives, and none after its end', () =>
  withHome('public', async (home) => {
    await home.startPortMapping();
    const script = `
      import { createServer } from 'node:net';
      const server = createServer((socket) => socket.end('hello')).listen(32443, '0.0.0.0');
      const [mapper] = await collect(natMappers(way, nonce));
      const { mapping } = await mapper.map(wish, 3600);
      console.log('open');
      process.stdin.once('data', async () => { await mapper.unmap(mapping); console.log('shut'); server.close(); process.stdin.destroy(); });`;
    const child = home.host.start(process.execPath, '--input-type=module-typescript', '--eval', PRELUDE + script);
    const says = (word: string) =>
      new Promise<void>((resolve) => {
        child.stdout?.on('data', (chunk: Buffer) => {
          if (chunk.toString().includes(word)) resolve();
        });
      });
    await says('open');
    const ask = (timeoutMs: number) => `import { connect } from 'node:net';
      const socket = connect({ host: '${PUBLIC_ADDRESS}', port: 32400, timeout: ${timeoutMs} });
      const end = (word) => { console.log(JSON.stringify(word)); socket.destroy(); };
      socket.once('data', (data) => end(String(data)));
      socket.once('timeout', () => end('nothing'));
      socket.once('error', () => end('nothing'));`;
    assert.is(await evaluateLater(home.outside, ask(20_000)), 'hello');
    const shut = says('shut');
    child.stdin?.write('end\n');
    await shut;
    assert.is(await evaluateLater(home.outside, ask(1500)), 'nothing');
  }));

test('with NAT-PMP and PCP switched off, UPnP opens the port and tells the outside address', () =>
  withHome('public', async (home) => {
    await home.startPortMapping(['enable_natpmp=no']);
    const { found, wan } = (await onHost(
      home,
      `const found = [];
       for (const mapper of await collect(natMappers(way, nonce))) found.push([mapper.protocol, (await mapper.map(wish, 3600)).outcome]);
       console.log(JSON.stringify({ found, wan: await askWanAddress(way, nonce, () => findIgdMappers(way)) }));`,
    )) as { found: string[][]; wan: object };
    assert.equal(found, [
      ['PCP', 'silent'],
      ['NAT-PMP', 'silent'],
      ['UPnP IGD 2', 'mapped'],
    ]);
    assert.equal(wan, { address: PUBLIC_ADDRESS, from: 'UPnP IGD 2' });
    assert.equal(forwarded(home), [`32400 ${HOST}:32443`]);
  }));

test('a router that calls itself an IGD 1 is spoken to as one', () =>
  withHome('public', async (home) => {
    await home.startPortMapping(['enable_natpmp=no', 'force_igd_desc_v1=yes']);
    const found = (await onHost(
      home,
      `const [mapper] = await findIgdMappers(way);
       const { outcome } = await mapper.map(wish, 3600);
       console.log(JSON.stringify([mapper.protocol, outcome]));`,
    )) as string[];
    assert.equal(found, ['UPnP IGD 1', 'mapped']);
  }));

test('a pinhole opens the same port in the IPv6 firewall, by PCP and by IGD 2', () =>
  withHome('public', async (home) => {
    await home.startPortMapping();
    const answers = (await onHost(
      home,
      `const port = { internalPort: 32443, externalPort: 32443 };
       const answers = [];
       for (const mapper of await collect(firewallMappers(wayOut(6), way, nonce))) {
         const first = await mapper.map(port, 3600);
         answers.push([mapper.protocol, first, (await mapper.map(port, 3600)).outcome, (await mapper.check(first.mapping)).state]);
         await mapper.unmap(first.mapping);
       }
       console.log(JSON.stringify(answers));`,
    )) as [string, { mapping: { externalAddress: string } }, string, string][];
    assert.equal(
      answers.map(([protocol, first, again, health]) => [protocol, first.mapping.externalAddress, again, health]),
      [
        ['PCP', HOST_IPV6, 'mapped', 'kept'],
        ['UPnP IGD 2', HOST_IPV6, 'mapped', 'kept'],
      ],
    );
    assert.not.match(home.router.run('nft', 'list', 'chain', 'inet', 'home', 'miniupnpd'), /32443/);
  }));

test('a daemon that starts anew and has forgotten everything gets its mapping again', () =>
  withHome('public', async (home) => {
    const daemon = await home.startPortMapping();
    const child = home.host.start(
      process.execPath,
      '--input-type=module-typescript',
      '--eval',
      `${PRELUDE}
       import { PortKeeper } from './src/remote/port-keeper.ts';
       const log = { debug() {}, info(fields) { console.log('open', JSON.stringify(fields)); }, warn(fields) { console.log('shut', JSON.stringify(fields)); }, error() {} };
       const keeper = new PortKeeper({ wish, log, onMoved() {}, mappers: () => natMappers(way, nonce), checkIntervalMs: 300 });
       process.stdin.once('data', async () => { await keeper.close(); console.log('closed'); process.stdin.destroy(); });`,
    );
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const until = async (isSo: () => boolean, what: string) => {
      const deadline = performance.now() + 20_000;
      while (!isSo()) {
        if (performance.now() > deadline) throw new Error(`never: ${what}\n${text}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await until(() => forwarded(home).length === 1, 'open');
    await daemon.stop({ forget: true });
    assert.equal(forwarded(home), []);
    await home.startPortMapping(['system_uptime=no']);
    await until(() => forwarded(home).length === 1, 'open again');
    child.stdin?.write('end\n');
    await until(() => text.includes('closed'), 'closed');
    assert.equal(forwarded(home), []);
  }));

test('the way out of a host is its router, and of the IPv6 addresses the one that lasts', () =>
  withHome('public', async (home) => {
    const ways = (await onHost(home, 'console.log(JSON.stringify([wayOut(4), wayOut(6)]));')) as object[];
    assert.equal(ways, [
      { router: ROUTER, routerSocketAddress: ROUTER, localAddress: HOST, isContainerBridge: false },
      { router: 'fe80::1', routerSocketAddress: 'fe80::1%lan0', localAddress: HOST_IPV6, isContainerBridge: false },
    ]);
    assert.match(home.host.run('ip', 'route', 'get', OUTSIDE), ROUTER);
  }));

mapping.run();
