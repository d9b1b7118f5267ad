/** What `lockgate openwrt apply` writes into a router's configuration, and that undoing takes back this and nothing else. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Steering } from '../../src/dns/steering.ts';
import { routerCheck } from '../../src/gateway/dns-check.ts';
import { GatewayError } from '../../src/lib/errors.ts';
import { StateFolder } from '../../src/lib/state-folder.ts';
import { appliedNames, Router, type RouterSettings } from '../../src/ops/openwrt.ts';

const ZONE = '0123456789abcdef0123456789abcdef.plex.direct';
const SETTINGS: RouterSettings = {
  zones: [ZONE],
  resolver: '127.0.0.1#5354',
  names: [],
  openPorts: undefined,
  lease: undefined,
};
const LEASE = { hardwareAddress: '00:11:22:aa:bb:cc', address: '192.168.1.10' };
const NAMES = [{ name: 'films.example.org', address: '192.168.1.1' }];

interface Scene {
  folder: string;
  router: Router;
  formerPath: string | undefined;
  /** Lines of the router's configuration, sorted. */
  uci(): string[];
  /** Which services were told what, since the last look. */
  services(): string[];
}

const test = suite<Scene>("a router's settings");

test.before.each((scene) => {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-uci-'));
  scene.folder = folder;
  for (const name of ['bin', 'init.d', 'state']) mkdirSync(join(folder, name));
  copyFileSync(join(import.meta.dirname, 'router/uci'), join(folder, 'bin/uci'));
  for (const service of ['dnsmasq', 'firewall']) {
    writeFileSync(join(folder, 'init.d', service), `#!/bin/sh\necho "${service} $1" >> ${folder}/services\n`);
    chmodSync(join(folder, 'init.d', service), 0o755);
  }
  scene.formerPath = process.env['PATH'];
  process.env['PATH'] = `${join(folder, 'bin')}:${scene.formerPath}`;
  process.env['UCI_DB'] = join(folder, 'db');
  scene.router = new Router(new StateFolder(join(folder, 'state')), join(folder, 'init.d'));
  scene.uci = () => linesOf(join(folder, 'db'));
  scene.services = () => {
    const lines = linesOf(join(folder, 'services'));
    rmSync(join(folder, 'services'), { force: true });
    return lines;
  };
});
test.after.each(({ folder, formerPath }) => {
  process.env['PATH'] = formerPath;
  delete process.env['UCI_DB'];
  rmSync(folder, { recursive: true });
});

function linesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').sort();
}

test('a zone is led here and may answer with private addresses; dnsmasq is restarted', async ({
  router,
  uci,
  services,
}) => {
  assert.is((await router.apply(SETTINGS)).length, 2);
  assert.equal(uci(), [`dhcp.@dnsmasq[0].rebind_domain=${ZONE}`, `dhcp.@dnsmasq[0].server=/${ZONE}/127.0.0.1#5354`]);
  assert.equal(services(), ['dnsmasq restart']);
});

test('the same again changes nothing and restarts nothing', async ({ router, services }) => {
  await router.apply({ ...SETTINGS, names: NAMES, openPorts: [32400] });
  services();
  assert.equal(await router.apply({ ...SETTINGS, names: NAMES, openPorts: [32400] }), []);
  assert.equal(services(), []);
});

test('another zone takes the place of the former one', async ({ router, uci }) => {
  await router.apply(SETTINGS);
  await router.apply({ ...SETTINGS, zones: ['other.plex.direct'] });
  assert.equal(uci(), [
    'dhcp.@dnsmasq[0].rebind_domain=other.plex.direct',
    'dhcp.@dnsmasq[0].server=/other.plex.direct/127.0.0.1#5354',
  ]);
});

test('names that are in no zone become entries of their own', async ({ router, uci }) => {
  await router.apply({ ...SETTINGS, names: NAMES });
  assert.ok(uci().includes('dhcp.lockgate_name0.name=films.example.org'));
  assert.ok(uci().includes('dhcp.lockgate_name0.ip=192.168.1.1'));
  await router.apply(SETTINGS);
  assert.not.ok(uci().some((line) => line.startsWith('dhcp.lockgate_name')));
});

test('what somebody else wrote stays after undoing, even when it is what was wanted', async ({
  router,
  uci,
  services,
}) => {
  const others = [`dhcp.@dnsmasq[0].rebind_domain=${ZONE}`, 'dhcp.@dnsmasq[0].server=/corp/10.0.0.1'];
  writeFileSync(process.env['UCI_DB'] ?? '', `${others.join('\n')}\n`);
  await router.apply({ ...SETTINGS, names: NAMES, openPorts: [32400, 443] });
  services();
  assert.ok((await router.undo()).length > 0);
  assert.equal(services(), ['dnsmasq restart', 'firewall reload']);
  assert.equal(
    uci().filter((line) => line.startsWith('dhcp.')),
    others,
  );
  assert.ok(uci().includes('firewall.lockgate.enabled=0'));
  assert.equal(await router.undo(), []);
});

test('the firewall opens the ports when asked to, and follows them after that', async ({ router, uci, services }) => {
  await router.apply(SETTINGS);
  assert.not.ok(uci().some((line) => line.startsWith('firewall')));
  await router.apply({ ...SETTINGS, openPorts: [32400] });
  assert.ok(uci().includes('firewall.lockgate.dest_port=32400'));
  assert.ok(uci().includes('firewall.lockgate.enabled=1'));
  services();
  assert.equal(await router.apply(SETTINGS), [], 'without --wan the port stays as it is');
  await router.apply({ ...SETTINGS, openPorts: [32443] });
  assert.ok(uci().includes('firewall.lockgate.dest_port=32443'));
  assert.equal(services(), ['firewall reload']);
});

test("the media server's address is kept for it, and given up by undoing", async ({ router, uci, services }) => {
  await router.apply(SETTINGS);
  services();
  await router.apply({ ...SETTINGS, lease: LEASE });
  const kept = [
    'dhcp.lockgate_server.ip=192.168.1.10',
    'dhcp.lockgate_server.mac=00:11:22:aa:bb:cc',
    'dhcp.lockgate_server.name=media-server',
    'dhcp.lockgate_server=host',
  ];
  assert.equal(
    uci().filter((line) => line.startsWith('dhcp.lockgate_server')),
    kept,
  );
  assert.equal(services(), ['dnsmasq restart']);
  assert.equal(await router.apply(SETTINGS), [], 'a server that is not heard of keeps its address');
  await router.apply({ ...SETTINGS, lease: { ...LEASE, address: '192.168.1.11' } });
  assert.ok(uci().includes('dhcp.lockgate_server.ip=192.168.1.11'));
  await router.undo();
  assert.equal(uci(), []);
});

test('a device or an address that somebody else has given a lease keeps that one', async ({ router, uci }) => {
  for (const others of ['dhcp.@host[0].mac=00:11:22:AA:BB:CC', 'dhcp.@host[0].ip=192.168.1.10']) {
    writeFileSync(process.env['UCI_DB'] ?? '', `${others}\n`);
    await router.apply({ ...SETTINGS, zones: [], lease: LEASE });
    assert.equal(uci(), [others]);
    await router.undo();
    assert.equal(uci(), [others]);
  }
});

test('status says when it is due again: never called, taken back, another zone, another port of the gateway', async ({
  folder,
  router,
}) => {
  const state = new StateFolder(join(folder, 'state'));
  const verdict = (zone = ZONE, resolver = SETTINGS.resolver) => {
    const steering: Steering = { zone, leadsTo: 'gateway', reason: '' };
    return routerCheck({ zones: [steering], isRunning: true }, { applied: appliedNames(state), resolver })?.verdict;
  };
  assert.is(verdict(), 'warning');
  await router.apply(SETTINGS);
  assert.is(verdict(), 'ok');
  assert.is(verdict('other.plex.direct'), 'warning');
  assert.is(verdict(ZONE, '127.0.0.1#5355'), 'warning');
  await router.apply({ ...SETTINGS, resolver: '127.0.0.1#5355' });
  assert.is(verdict(ZONE, '127.0.0.1#5355'), 'ok');
  await router.undo();
  assert.is(verdict(), 'warning');
});

test('a machine that is no router says so', async ({ folder, router }) => {
  rmSync(join(folder, 'bin/uci'));
  const error = await router.apply(SETTINGS).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  assert.instance(error, GatewayError);
  assert.match((error as GatewayError).sentence, /uci is not there: this is no OpenWrt router/);
});

test.run();
