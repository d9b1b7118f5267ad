import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalAddress, networkOf } from '../../src/net/address.ts';
import { type LocalNetwork, localAddresses, localNetworks } from '../../src/net/interfaces.ts';
import { inNamespaces, makeNamespace, type Namespace } from '../support/netns.ts';

const test = suite('interfaces');
const testInNamespaces = inNamespaces(test);

let host: Namespace;
let street: Namespace;

/** Two machines: the one under test, and one that is at the other end of all its links. */
testInNamespaces('two machines can be made', async () => {
  host = await makeNamespace();
  street = await makeNamespace();
});

function ask<T>(expression: string): T {
  return host.evaluate(
    `import * as interfaces from './src/net/interfaces.ts'; console.log(JSON.stringify(interfaces.${expression}))`,
  ) as T;
}

function describe(interfaceName: string): string[] {
  return ask<LocalNetwork[]>('localNetworks()')
    .filter((network) => network.interfaceName === interfaceName && !network.address.startsWith('fe80:'))
    .map(({ address, network, isTunnel, isContainerBridge }) => {
      const kind = isTunnel ? ' tunnel' : isContainerBridge ? ' container bridge' : '';
      return `${address} in ${network}${kind}`;
    });
}

/** A bridge with a port, so that it is running. */
function addBridge(name: string, port: string): void {
  host.ip(`link add ${name} type bridge`, `link set ${name} up`);
  host.connect(port, street, port);
  host.ip(`link set ${port} master ${name}`);
}

/** Options of unshare for a process that is the first one, as in a container. */
const FIRST_PROCESS = ['--pid', '--fork', '--mount-proc'];

function tellContainerNetworks(): string[] {
  const source = `import { localNetworks } from './src/net/interfaces.ts'; const own = localNetworks().filter(
    ({ isContainerBridge, address }) => isContainerBridge && /^(10.5|192.168.1)/.test(address));
    console.log(own.map(({ interfaceName }) => interfaceName).join())`;
  return [process.execPath, '--input-type=module-typescript', '--eval', source];
}

test("this machine's own addresses are canonical and in their networks", () => {
  assert.ok(localAddresses().includes('127.0.0.1'));
  for (const { address, prefixLength, network, family, isLoopback } of localNetworks()) {
    assert.is(canonicalAddress(address), address);
    assert.is(networkOf(address, prefixLength), network);
    assert.is(family, address.includes(':') ? 6 : 4);
    if (address === '127.0.0.1' || address === '::1') assert.ok(isLoopback);
  }
});

testInNamespaces('an Ethernet link is told with both families and its aliases', () => {
  host.connect('eth0', street, 'lan0');
  host.ip('addr add 192.168.1.5/24 dev eth0', 'addr add 192.168.7.5/24 dev eth0 label eth0:1');
  host.ip('addr add fd00:1::5/64 dev eth0 nodad');
  assert.equal(describe('eth0').sort(), [
    '192.168.1.5 in 192.168.1.0/24',
    '192.168.7.5 in 192.168.7.0/24',
    'fd00:1::5 in fd00:1::/64',
  ]);
  assert.ok(ask<string[]>('localAddresses()').includes('fd00:1::5'));
});

testInNamespaces("a router's LAN bridge is no container bridge, and an engine's is", () => {
  addBridge('br-lan', 'lan1');
  addBridge('docker0', 'veth1');
  addBridge('br-0123456789ab', 'veth2');
  host.ip('addr add 10.1.0.1/24 dev br-lan', 'addr add 172.17.0.1/16 dev docker0');
  host.ip('addr add 172.18.0.1/16 dev br-0123456789ab');
  assert.equal(describe('br-lan'), ['10.1.0.1 in 10.1.0.0/24']);
  assert.equal(describe('docker0'), ['172.17.0.1 in 172.17.0.0/16 container bridge']);
  assert.equal(describe('br-0123456789ab'), ['172.18.0.1 in 172.18.0.0/16 container bridge']);
});

testInNamespaces('a tunnel is a tunnel', async () => {
  await host.addTunnel('vpn0');
  host.ip('addr add 10.8.0.1/24 dev vpn0');
  assert.equal(describe('vpn0'), ['10.8.0.1 in 10.8.0.0/24 tunnel']);
});

testInNamespaces('default routers are found in both families, on every interface', () => {
  assert.equal(ask('defaultRouters()'), []);
  host.ip('route add default via 192.168.1.1', 'route add default via 10.1.0.254 metric 200');
  host.ip('-6 route add default via fd00:1::1', '-6 route add default via fe80::1 dev br-lan metric 2000');
  host.ip('route add 10.99.0.0/16 via 192.168.1.2', 'route add blackhole 0.0.0.0/1');
  assert.equal(ask<string[]>('defaultRouters()').sort(), ['10.1.0.254', '192.168.1.1', 'fd00:1::1', 'fe80::1']);
});

testInNamespaces('a host forwards only with forwarding on and a private network behind it', () => {
  assert.is(ask('isForwardingHost()'), false);
  host.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
  assert.is(ask('isForwardingHost()'), false, 'both private interfaces have a default route');
  host.ip('route del default via 10.1.0.254');
  host.ip('-6 route del default dev br-lan');
  assert.is(ask('isForwardingHost()'), true);
  host.ip('addr flush dev br-lan');
  assert.is(ask('isForwardingHost()'), false, 'a container bridge and a tunnel are no networks behind it');
});

testInNamespaces('inside a container, the link to the engine is a container network', () => {
  const folder = `/run/containers/${'0123456789abcdef'.repeat(4)}`;
  host.run('mkdir', '-p', folder);
  host.run('cp', '/etc/hosts', `${folder}/hosts`);
  host.run('mount', '--bind', `${folder}/hosts`, '/etc/hosts');
  assert.is(host.run('unshare', ...FIRST_PROCESS, ...tellContainerNetworks()), 'eth0\n');
});

testInNamespaces('a network that somebody made inside a container is their own', () => {
  const links = 'ip link add eth1 type veth peer name eth2 && ip addr add 10.5.0.1/24 dev eth1 && ip link set eth1 up';
  const inner = `mount -t sysfs sysfs /sys && ${links} && ip link set eth2 up && exec "$@"`;
  const outer = 'unshare --net --mount sh -c "$0" inner "$@"; exit $?';
  assert.is(host.run('unshare', ...FIRST_PROCESS, 'sh', '-c', outer, inner, ...tellContainerNetworks()), '\n');
});

testInNamespaces('the machines end', async () => {
  await host.close();
  await street.close();
});

test.run();
