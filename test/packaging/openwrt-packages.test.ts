/** What the OpenWrt packages carry: scripts as OpenWrt's build writes them, the user's file, the notes that apk needs, LuCI's pages. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { file, tree } from '../../docker/program/tree.ts';
import { gatewayPackages, luciPackage, routerVersion, toApk, toIpk } from '../../openwrt/package/packages.ts';
import { CONFIG_FILE, readFiles } from '../../openwrt/package/payload.ts';
import { writeSquashfs } from '../../openwrt/package/squashfs.ts';
import { readApk, text } from './apk-reader.ts';
import { SAMPLE, SAMPLE_TIME } from './sample.ts';
import { hasCommand, readFromArchive } from './system.ts';

const OPENWRT = join(import.meta.dirname, '../../openwrt');
const PACKED = Buffer.alloc(5 * 1024 * 1024, 'packed ');
const PAYLOAD = tree(...readFiles(join(OPENWRT, 'files')), file('usr/share/lockgate/0123.squashfs', PACKED));
const GATEWAYS = gatewayPackages('arm64', PAYLOAD);
const GATEWAY = GATEWAYS.at(-1)!;

test('opkg gets the steps as OpenWrt calls them, and a user for the service', () => {
  const { name, bytes } = toIpk(GATEWAY, SAMPLE_TIME);
  assert.match(name, /^lockgate_\d+\.\d+\.\d+\S*_aarch64_generic\.ipk$/);
  const control = readFromArchive(bytes, './control.tar.gz');
  const read = (part: string) => readFromArchive(control, `./${part}`).toString();
  assert.match(read('control'), /^Require-User: lockgate=32443:lockgate=32443$/m);
  assert.match(read('control'), /^Depends: kmod-loop$/m);
  assert.is(read('conffiles'), `${CONFIG_FILE}\n`);
  assert.match(read('postinst'), /default_postinst \$0 \$@$/m);
  assert.match(read('prerm'), /default_prerm \$0 \$@$/m);
  assert.match(read('prerm-pkg'), /openwrt undo/);
});

test('every name that OpenWrt has for a machine gets a package of the same files', () => {
  assert.equal(
    GATEWAYS.map(({ arch }) => arch),
    ['aarch64_cortex-a53', 'aarch64_cortex-a72', 'aarch64_cortex-a76', 'aarch64_generic'],
  );
  assert.ok(GATEWAYS.every(({ files, steps }) => files === PAYLOAD && /^MACHINE=aarch64$/m.test(steps.preinst ?? '')));
});

test('the needed flash is that of the files and a little more', () => {
  const control = readFromArchive(toIpk(GATEWAY, SAMPLE_TIME).bytes, './control.tar.gz');
  const needed = Number(/^NEEDED_FLASH_KIB=(\d+)$/m.exec(readFromArchive(control, './preinst').toString())?.[1]);
  assert.ok(needed > 6 * 1024 && needed < 7 * 1024, String(needed));
});

test('apk gets the same, with the notes that its functions read', () => {
  const { name, bytes } = toApk(GATEWAY, SAMPLE_TIME);
  assert.match(name, /^lockgate-\d+\.\d+\.\d+\S*-aarch64_generic\.apk$/);
  const { files, scripts } = readApk(bytes);
  const note = (kind: string) =>
    files.find(({ path }) => path === `lib/apk/packages/lockgate.${kind}`)?.content?.toString() ?? '';
  assert.is(note('rusers'), 'lockgate=32443:lockgate=32443\n');
  assert.is(note('conffiles'), `${CONFIG_FILE}\n`);
  assert.match(note('conffiles_static'), /^\/etc\/lockgate\/lockgate\.toml [0-9a-f]{64}\n$/);
  assert.ok(note('list').split('\n').includes('/etc/init.d/lockgate'));
  assert.match(text(scripts[3]), /add_group_and_user\ndefault_postinst\n/);
  assert.match(text(scripts[7]), /^#!\/bin\/sh\nexport PKG_UPGRADE=1\n/);
  assert.match(text(scripts[4]), /default_prerm\n[\s\S]*openwrt undo/);
  const service = files.find(({ path }) => path === 'etc/init.d/lockgate');
  assert.is(service?.mode, 0o755);
});

test('versions are said in the words of apk', () => {
  assert.is(routerVersion('1.2.3'), '1.2.3-r1');
  assert.is(routerVersion('1.2.3-rc.1'), '1.2.3_rc1-r1');
  assert.throws(() => routerVersion('1.2.3-nightly'), /cannot be said/);
});

test("LuCI's menu leads to its pages, and its rights name only what they call", () => {
  const { files, arch } = luciPackage();
  assert.is(arch, undefined);
  const json = (path: string) => JSON.parse(readFileSync(join(OPENWRT, 'luci/root/usr/share', path), 'utf8'));
  const menu = json('luci/menu.d/luci-app-lockgate.json') as Record<string, { action: { type: string; path: string } }>;
  for (const { action } of Object.values(menu)) {
    if (action.type !== 'view') continue;
    assert.ok(
      files.some(({ path }) => path === `www/luci-static/resources/view/${action.path}.js`),
      action.path,
    );
  }
  const { read, write } = json('rpcd/acl.d/luci-app-lockgate.json')['luci-app-lockgate'];
  const allowed = [...Object.keys(read.file), ...Object.keys(write.file)];
  for (const command of ['status', 'check', 'reload', 'openwrt apply'])
    assert.ok(allowed.includes(`/usr/bin/lockgate ${command}`));
});

const canPack = hasCommand('mksquashfs');
if (!canPack) console.log('skipped: the packed file system (mksquashfs is not installed)');
(canPack ? test : test.skip)('the packed file system is the same bytes for the same files', () => {
  const first = writeSquashfs(SAMPLE, SAMPLE_TIME);
  assert.is(first.toString('latin1', 0, 4), 'hsqs');
  assert.is(first.readUInt32LE(8), SAMPLE_TIME);
  assert.is(first.readUInt16LE(20), 4, 'packed with xz');
  assert.ok(writeSquashfs(SAMPLE, SAMPLE_TIME).equals(first));
});

test.run();
