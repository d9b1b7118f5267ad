/** Homes whose way in is barred: two routers, a carrier's NAT; what `status` and `doctor` say, and when nobody is asked. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GatewayHome, makeGatewayHome } from '../support/gateway-in-home.ts';
import { evaluateLater } from '../support/home-network.ts';
import { againstMiniupnpd, forwarded } from '../support/mappers-in-namespace.ts';
import { doctor, SERVER, STUN, statusWhen, withGateway } from '../support/remote-status.ts';

const barred = suite('barred ways');
const test = againstMiniupnpd(barred);

test('double NAT: red, with both addresses and the ways out in order', () =>
  withGateway('double', `[remote]\nmap_port = 32400\n${STUN}\n`, async (home) => {
    const status = await statusWhen(
      home,
      ({ nat, publicAddress }) => nat.situation === 'double-nat' && publicAddress.state === 'known',
    );
    assert.is(status.light, 'red');
    assert.match(status.nat.evidence, /10\.0\.0\.2 is private: another router .*; the Internet sees 9\.0\.0\.2/);
    assert.match(status.waysOut[0] ?? '', 'bridge mode, or forward TCP 32400 in it to 10.0.0.2');
    const nat = (await doctor(home)).find(({ name }) => name === 'nat');
    assert.match(nat?.evidence ?? '', /^double NAT/);
    assert.match(nat?.remedy ?? '', /\(1\) put the outer router .* \(2\) IPv6/);
  }));

test('carrier NAT: red, and the first way out is IPv6', () =>
  withGateway('carrier', `[remote]\nmap_port = 32400\n${STUN}\n`, async (home) => {
    const status = await statusWhen(home, ({ nat }) => nat.situation === 'carrier-nat');
    assert.is(status.light, 'red');
    assert.match(status.waysOut[0] ?? '', /^IPv6: /);
    assert.is((await doctor(home)).find(({ name }) => name === 'remote access')?.verdict, 'fault');
  }));

test('doctor finds the same without a running gateway, and opens no port', async () => {
  const home = await makeGatewayHome('double');
  try {
    await home.startPortMapping();
    await home.startServer();
    home.configure(`${SERVER}[remote]\n${STUN}\n`);
    const checks = await doctor(home);
    assert.match(checks.find(({ name }) => name === 'nat')?.evidence ?? '', /^double NAT: .*10\.0\.0\.2/);
    assert.equal(forwarded(home), []);
  } finally {
    await home.close();
  }
});

test('with public_address = "none" and no port to map, nobody is asked', async () => {
  const home = await makeGatewayHome('public');
  try {
    await home.startServer();
    home.configure(`${SERVER}[remote]\npublic_address = "none"\n[dns]\nenabled = false\n`);
    const before = udpReceived(home);
    await doctor(home);
    assert.is(udpReceived(home), before);
  } finally {
    await home.close();
  }
});

test('on the router itself the verdict comes from its own interfaces, and nothing is mapped', async () => {
  const home = await makeGatewayHome('carrier');
  try {
    await home.startPortMapping();
    const [wan, mapping] = (await evaluateLater(
      home.router,
      `import { isForwardingHost } from './src/net/interfaces.ts';
       import { lookOutside } from './src/remote/outside-look.ts';
       import { planMapping } from './src/remote/port-plan.ts';
       import { wayOut } from './src/remote/way-out.ts';
       const facts = { mapPort: 32400, publicAddress: 'none', autoUrl: undefined, isRouter: isForwardingHost(), portsAt: () => [32443] };
       const { wan } = await lookOutside(facts, Buffer.alloc(12));
       console.log(JSON.stringify([wan, planMapping(facts, wayOut(4))]));`,
    )) as [object, { state: string; remedy: string }];
    assert.equal(wan, { address: '100.64.0.2', isOwn: true, from: 'its own interface' });
    assert.is(mapping.state, 'off');
    assert.match(mapping.remedy, 'through its firewall (OpenWrt: lockgate openwrt apply --wan)');
  } finally {
    await home.close();
  }
});

/** Datagrams that the router got, for ports that are closed too. */
function udpReceived({ router }: GatewayHome): number {
  const [, values] = router
    .run('cat', '/proc/net/snmp')
    .split('\n')
    .filter((line) => line.startsWith('Udp: '));
  const [inDatagrams, noPorts] = (values ?? '').split(' ').slice(1).map(Number);
  return (inDatagrams ?? 0) + (noPorts ?? 0);
}

barred.run();
