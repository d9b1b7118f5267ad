import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addressFamily, networkOf } from '../../src/net/address.ts';
import type { LocalNetwork } from '../../src/net/interfaces.ts';
import { lanNetworks, parseLanSetting } from '../../src/net/lan.ts';
import { chooseLan, type LanNetworks } from '../../src/net/lan-choice.ts';
import type { Route } from '../../src/net/routes.ts';
import { inNamespaces, makeNamespace, type Namespace } from '../support/netns.ts';

const setting = suite('lan_networks');

setting('reads auto, none, a list, and auto with more', () => {
  const read = (text: string | string[]) => {
    const { isAuto, named, errors } = parseLanSetting(text);
    return [isAuto, named.entries, errors.length];
  };
  assert.equal(read('auto'), [true, [], 0]);
  assert.equal(read('Auto, 10.8.0.0/24'), [true, ['10.8.0.0/24'], 0]);
  assert.equal(read(['auto', '10.8.0.0/24']), [true, ['10.8.0.0/24'], 0]);
  assert.equal(read('none'), [false, [], 0]);
  assert.equal(read('192.168.1.0/24, fd00::/64'), [false, ['192.168.1.0/24', 'fd00::/64'], 0]);
  assert.equal(read('none, 10.8.0.0/24'), [false, ['10.8.0.0/24'], 1]);
  assert.equal(read('lan'), [false, [], 1]);
});

setting('lists count as they are', () => {
  const list = lanNetworks({ setting: '192.168.1.0/24, 203.0.113.0/24', serverAddress: undefined });
  assert.equal(list.networks, ['192.168.1.0/24', '203.0.113.0/24']);
  const none = lanNetworks({ setting: 'none', serverAddress: undefined });
  assert.equal(none.networks, []);
  assert.match(none.reason, /no client counts as LAN/);
});

setting("OpenWrt's zone wins over auto, and a router's address stands for its network", () => {
  const openwrtLanNetworks = '192.168.1.1/24 fd12:3456::1/60,10.0.0.0/8';
  const { networks, reason } = lanNetworks({ setting: 'auto', serverAddress: '127.0.0.1', openwrtLanNetworks });
  assert.equal(networks, ['192.168.1.0/24', 'fd12:3456::/60', '10.0.0.0/8']);
  assert.match(reason, /firewall zone lan/);
  const more = lanNetworks({ setting: 'auto, 10.8.0.0/24', serverAddress: '127.0.0.1', openwrtLanNetworks });
  assert.equal(more.networks, [...networks, '10.8.0.0/24']);
  const listed = lanNetworks({ setting: '10.9.0.0/24', serverAddress: '127.0.0.1', openwrtLanNetworks });
  assert.equal(listed.networks, ['10.9.0.0/24']);
});

setting('an OpenWrt zone without a network leaves no LAN', () => {
  const { networks, reason } = lanNetworks({ setting: 'auto', serverAddress: '127.0.0.1', openwrtLanNetworks: '' });
  assert.equal(networks, []);
  assert.match(reason, /zone lan has no network; set lan_networks/);
});

setting.run();

const choice = suite('lan choice');

type LinkKind = 'ordinary' | 'tunnel' | 'container';

function link(interfaceName: string, addresses: string, kind: LinkKind = 'ordinary'): LocalNetwork[] {
  return addresses.split(' ').map((text) => {
    const [address = '', bits] = text.split('/');
    return {
      interfaceName,
      address,
      prefixLength: Number(bits),
      network: networkOf(address, Number(bits)) ?? '',
      family: addressFamily(address),
      isLoopback: interfaceName === 'lo',
      isTunnel: kind === 'tunnel',
      isContainerBridge: kind === 'container',
    };
  });
}

/** On-link routes of all links, and default routes through the named ones, the first preferred. */
function choose(options: {
  links: LocalNetwork[][];
  defaults?: string[];
  router?: boolean;
  server?: string;
}): LanNetworks {
  const networks = [link('lo', '127.0.0.1/8 ::1/128'), ...options.links].flat();
  const onLink = networks.map(({ family, network, prefixLength, interfaceName }): Route => {
    return { family, destination: network, prefixLength, router: undefined, interfaceName, metric: 0 };
  });
  const defaults = (options.defaults ?? []).map((interfaceName, metric): Route => {
    return { family: 4, destination: '0.0.0.0/0', prefixLength: 0, router: '192.0.2.1', interfaceName, metric };
  });
  const routes = [...onLink, ...defaults];
  return chooseLan({ networks, routes, isRouter: options.router ?? false, serverAddress: options.server });
}

const NAS = link('eth0', '192.168.1.5/24 fd00::5/64 2a00:1::5/64 fe80::5/64');
const WAN = link('wan', '198.51.100.7/24 2a00:9::7/64');
const LAN = link('br-lan', '192.168.1.1/24 fd00::1/60');
const GUEST = link('br-guest', '192.168.3.1/24');
const DOCKER = link('docker0', '172.17.0.1/16', 'container');
const VPN = link('wg0', '10.8.0.1/24', 'tunnel');

choice('a host with one network counts it, IPv4 and IPv6, but not link-local addresses', () => {
  for (const server of ['127.0.0.1', '::1', '192.168.1.5', '192.168.1.9', 'fd00::9', '1.1.1.1', undefined]) {
    const lan = choose({ links: [NAS, DOCKER, VPN], defaults: ['eth0'], ...(server === undefined ? {} : { server }) });
    assert.equal(lan.networks, ['192.168.1.0/24', 'fd00::/64', '2a00:1::/64'], server);
    assert.is(lan.interfaceName, 'eth0');
    assert.match(lan.reason, /^the networks of eth0, which /);
  }
});

choice('forwarding for containers makes a NAS no router', () => {
  const lan = choose({ links: [NAS, DOCKER], defaults: ['eth0'], router: false, server: '127.0.0.1' });
  assert.is(lan.interfaceName, 'eth0');
});

choice("a server in a container of this host counts as this host's", () => {
  const lan = choose({ links: [NAS, DOCKER], defaults: ['eth0'], server: '172.17.0.2' });
  assert.is(lan.interfaceName, 'eth0');
});

choice('a router counts the network that the server is in, and neither WAN, guests, containers nor tunnels', () => {
  const links = [WAN, LAN, GUEST, DOCKER, VPN];
  for (const server of ['192.168.1.9', '192.168.1.1', 'fd00::9']) {
    const lan = choose({ links, defaults: ['wan'], router: true, server });
    assert.equal(lan.networks, ['192.168.1.0/24', 'fd00::/60'], server);
  }
});

choice('a router with the server on itself counts its one private network', () => {
  const lan = choose({ links: [WAN, LAN, DOCKER, VPN], defaults: ['wan'], router: true, server: '127.0.0.1' });
  assert.equal(lan.networks, ['192.168.1.0/24', 'fd00::/60']);
  const behindModem = choose({
    links: [link('ppp0', '198.51.100.9/32', 'tunnel'), LAN],
    defaults: ['ppp0'],
    router: true,
  });
  assert.is(behindModem.interfaceName, 'br-lan');
  const behindCarrierNat = choose({ links: [link('wan', '100.64.3.4/10'), LAN], defaults: ['wan'], router: true });
  assert.is(behindCarrierNat.interfaceName, 'br-lan');
});

function assertNone(lan: LanNetworks, reason: RegExp): void {
  assert.equal(lan.networks, []);
  assert.match(lan.reason, reason);
  assert.match(lan.reason, /; set lan_networks, for example/);
}

choice('several private networks behind a router are not guessed between', () => {
  assertNone(
    choose({ links: [WAN, LAN, GUEST], defaults: ['wan'], router: true }),
    /several private networks \(br-lan, br-guest\)/,
  );
});

choice('a private WAN beside another private network is never the LAN', () => {
  const links = [link('wan', '192.168.0.2/24'), LAN];
  for (const server of ['127.0.0.1', '192.168.0.9', '192.168.0.2', '1.1.1.1']) {
    const lan = choose({ links, defaults: ['wan'], router: true, server });
    assertNone(lan, /wan, which .*, leads outside too, beside br-lan with 192.168.1.0\/24/);
  }
  assert.is(choose({ links, defaults: ['wan'], router: true, server: '192.168.1.9' }).interfaceName, 'br-lan');
});

choice('two links into one network are one LAN', () => {
  const links = [NAS, link('wlan0', '192.168.1.6/24 fd00:7::6/64')];
  const lan = choose({ links, defaults: ['eth0', 'wlan0'], server: '127.0.0.1' });
  assert.is(lan.interfaceName, 'eth0');
});

choice('a tunnel is never the LAN', () => {
  assertNone(choose({ links: [NAS, VPN], defaults: ['eth0'], server: '10.8.0.9' }), /wg0, .* is a tunnel/);
  assertNone(choose({ links: [NAS, VPN], defaults: ['wg0'], server: '127.0.0.1' }), /wg0, .* is a tunnel/);
});

choice('the network of a container is never the LAN', () => {
  const inside = link('eth0', '172.18.0.3/16', 'container');
  for (const server of ['127.0.0.1', '172.18.0.2', '192.168.1.9']) {
    assertNone(choose({ links: [inside], defaults: ['eth0'], server }), /eth0, .* is a container network/);
  }
});

choice("a public address is no sign of a LAN, even when it is the server's", () => {
  const rented = link('eth0', '198.51.100.7/24 2a00:9::7/64');
  for (const server of ['127.0.0.1', '198.51.100.7', '203.0.113.9']) {
    assertNone(choose({ links: [rented], defaults: ['eth0'], server }), /eth0, .* has no private address/);
  }
  assertNone(choose({ links: [rented, LAN], defaults: ['eth0'], server: '198.51.100.9' }), /has no private address/);
});

choice('a server next door in a public network makes that network the LAN', () => {
  const campus = link('eth0', '131.234.5.7/24 2a00:9::7/64');
  const lan = choose({ links: [campus], defaults: ['eth0'], server: '131.234.5.9' });
  assert.equal(lan.networks, ['131.234.5.0/24', '2a00:9::/64']);
});

choice('a network wider than a home has does not count', () => {
  assertNone(choose({ links: [link('eth0', '10.0.0.5/8')], defaults: ['eth0'] }), /wider than a home's/);
  const lan = choose({ links: [link('eth0', '10.0.0.5/8 192.168.1.5/16 fd00::5/32 fd01::5/48')], defaults: ['eth0'] });
  assert.equal(lan.networks, ['192.168.0.0/16', 'fd01::/48']);
});

choice('public and carrier addresses beside a private one on the same link are left out', () => {
  const lan = choose({ links: [link('eth0', '192.168.1.5/24 198.51.100.7/24 100.64.1.2/16')], defaults: ['eth0'] });
  assert.equal(lan.networks, ['192.168.1.0/24']);
});

choice('says so when nothing leads to the server', () => {
  assertNone(choose({ links: [NAS], server: '10.0.0.9' }), /no route leads to the media server 10.0.0.9/);
  assertNone(choose({ links: [NAS], server: '127.0.0.1' }), /there is no default route/);
});

choice.run();

const machine = suite('lan of a real router');
const testInNamespaces = inNamespaces(machine);
let router: Namespace;
let street: Namespace;

function lanOf(serverAddress: string, setting = 'auto'): LanNetworks {
  const options = JSON.stringify({ setting, serverAddress });
  return router.evaluate(
    `import { lanNetworks } from './src/net/lan.ts'; console.log(JSON.stringify(lanNetworks(${options})))`,
  ) as LanNetworks;
}

testInNamespaces('a router can be built', async () => {
  router = await makeNamespace();
  street = await makeNamespace();
  router.connect('wan', street, 'wan');
  router.ip('addr add 198.51.100.7/24 dev wan', 'route add default via 198.51.100.1');
  for (const [bridge, port] of [
    ['br-lan', 'lan1'],
    ['br-guest', 'lan2'],
    ['docker0', 'veth1'],
  ] as const) {
    router.ip(`link add ${bridge} type bridge`, `link set ${bridge} up`);
    router.connect(port, street, port);
    router.ip(`link set ${port} master ${bridge}`);
  }
  router.ip('addr add 192.168.1.1/24 dev br-lan', 'addr add fd00:1::1/128 dev br-lan nodad');
  router.ip('-6 route add fd00:1::/64 dev br-lan', '-6 route add fd00:2::/56 via fd00:1::9');
  router.ip('addr add 192.168.3.1/24 dev br-guest', 'addr add 172.17.0.1/16 dev docker0');
  await router.addTunnel('vpn0');
  router.ip('addr add 10.8.0.1/24 dev vpn0');
  router.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
});

testInNamespaces('it counts the network of the server alone, with the IPv6 prefix that is on the link', () => {
  const lan = lanOf('192.168.1.9');
  assert.equal(lan.networks, ['192.168.1.0/24', 'fd00:1::/64']);
  assert.is(lan.interfaceName, 'br-lan');
  assert.equal(lanOf('fd00:2::9').interfaceName, 'br-lan');
  assert.equal(lanOf('192.168.3.9').networks, ['192.168.3.0/24']);
});

testInNamespaces('it does not guess between its LAN and its guests, and takes what is named', () => {
  assert.match(lanOf('127.0.0.1').reason, /several private networks/);
  assert.equal(lanOf('127.0.0.1', 'auto, 192.168.1.0/24').networks, ['192.168.1.0/24']);
  assert.match(lanOf('10.8.0.9').reason, /vpn0, .* is a tunnel/);
});

testInNamespaces('without guests it takes its LAN', () => {
  router.ip('link del br-guest');
  assert.equal(lanOf('127.0.0.1').networks, ['192.168.1.0/24', 'fd00:1::/64']);
});

testInNamespaces('the router ends', async () => {
  await router.close();
  await street.close();
});

machine.run();
