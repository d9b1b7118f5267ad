/** The OpenWrt service on a stand-in router: real shell, real mount, real program; procd, uci and addresses are stand-ins. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { file, program, type Tree, tree } from '../../docker/program/tree.ts';
import { writeTree } from '../../docker/program/write-tree.ts';
import { INSTALL_FOLDER, readFiles } from '../../openwrt/package/payload.ts';
import { makePlexHome, type PlexHome } from '../support/program.ts';
import { Jail, whyNoJail } from './jail.ts';
import { programFor } from './programs.ts';
import { hasCommand } from './system.ts';

const ROUTER = join(import.meta.dirname, 'router');
const PROGRAM_FILES = 'usr/share/lockgate';
const SERVICE_USER = 32_443;
const WAIT_MS = 30_000;

interface Scene {
  router: Jail;
  home: PlexHome;
}

const test = suite<Scene>('the service on OpenWrt');
const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const built = await programFor(architecture, INSTALL_FOLDER);
const missing = 'missing' in built ? built.missing : whyNoRouter();
if (missing !== undefined) console.log(`skipped: the service on OpenWrt (${missing})`);
const onRouter = missing === undefined ? test : test.skip;

test.before(async (scene) => {
  if (missing !== undefined || 'missing' in built) return;
  scene.home = await makePlexHome();
  scene.router = makeRouter(built.tree);
  cpSync(scene.home.dataDir, join(scene.router.root, 'mnt/my nas/plex'), { recursive: true });
  execFileSync('chown', ['-R', String(SERVICE_USER), join(scene.router.root, 'mnt')]);
  configure(scene);
});
test.after(async ({ router, home }) => {
  router?.run(['/etc/init.d/lockgate', 'stop']);
  router?.remove();
  await home?.close();
});

onRouter('a router that the package is not for is told so before anything is unpacked', ({ router, home }) => {
  const machine = router.run(['uname', '-m']).stdout.trim();
  const script = readFileSync(join(ROUTER, '../../../openwrt/scripts/preinst'), 'utf8');
  const attempt = (changes: Readonly<Record<string, string>>, env = {}) => {
    const settings = { MACHINE: machine, NEEDED_FLASH_KIB: '1000', ...changes };
    const text = Object.entries(settings).reduce(
      (all, [name, value]) => all.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}=${value}`),
      script,
    );
    return router.run(['sh', '-c', text], { env });
  };
  const refusal = (changes: Readonly<Record<string, string>>) => {
    const { status, stderr } = attempt(changes);
    assert.is(status, 1);
    return stderr;
  };
  assert.is(attempt({}).status, 0);
  assert.match(refusal({ MACHINE: 'mips' }), /is for mips processors; this router has/);
  assert.match(refusal({ NEEDED_FLASH_KIB: '99999999999' }), /MB of free flash; \d+ MB are free/);
  assert.match(refusal({ NEEDED_MEMORY_KIB: '99999999999' }), /256 MB of memory or more; this one has \d+ MB/);
  const taken = { USUAL_PORT: new URL(home.plex.url).port };
  assert.is(attempt(taken).status, 0, 'the file says which port is wanted');
  const file = join(router.root, 'etc/lockgate/lockgate.toml');
  renameSync(file, `${file}.away`);
  assert.match(refusal(taken), /is in use on this router: is a media server running on it\?/);
  renameSync(`${file}.away`, file);
  assert.is(attempt({ MACHINE: 'mips' }, { LOCKGATE_FORCE: '1' }).status, 0);
});

onRouter(
  'starting mounts the program and runs it as a user of its own, in a jail that shows what it needs',
  async ({ router }) => {
    const { status, stderr } = router.run(['/etc/init.d/lockgate', 'start']);
    assert.is(status, 0, stderr);
    await logLine(router, '"event":"ready"');
    const owner = readFileSync(`/proc/${pidOf(router)}/status`, 'utf8');
    assert.match(owner, new RegExp(`^Uid:\\s+${SERVICE_USER}\\s`, 'm'));
    const instance = router.read('tmp/procd.instance');
    for (const line of [
      `mount ${INSTALL_FOLDER}`,
      'mount /etc/lockgate',
      'mount-rw /etc/lockgate/state',
      'mount /mnt/my nas/plex',
      'no_new_privs 1',
      'env LOCKGATE_LAN_NETWORKS=192.168.1.1/24 fd00:1::1/60 192.168.9.1/24',
    ]) {
      assert.ok(instance.split('\n').includes(line), `${line}\n${instance}`);
    }
    assert.equal(router.read('tmp/procd.triggers').trim().split('\n'), ['lan', 'guest']);
  },
);

onRouter('the command of the shell finds the running service', ({ router }) => {
  const { status, stdout, stderr } = router.run(['lockgate', 'status', '--gateway']);
  assert.is(status, 0, stderr);
  assert.match(stdout, /^lockgate /);
});

onRouter('a reload keeps the process; a file with faults changes nothing', async (scene) => {
  const { router } = scene;
  const pid = pidOf(router);
  configure(scene, '[log]\nlevel = "debug"\n');
  assert.is(router.run(['/etc/init.d/lockgate', 'reload']).status, 0);
  await logLine(router, '"event":"reloaded"');
  assert.is(pidOf(router), pid);
  configure(scene, 'nonsense = [\n');
  const refused = router.run(['/etc/init.d/lockgate', 'reload']);
  assert.is(refused.status, 1);
  assert.match(refused.stderr, /lockgate\.toml:\d+:\d+/);
  assert.ok(existsSync(`/proc/${pid}`));
  configure(scene);
});

onRouter('another LAN is another service: it is started anew', async ({ router }) => {
  const pid = pidOf(router);
  writeFileSync(join(router.root, 'tmp/networks'), 'lan 4 192.168.2.1/24\n');
  assert.is(router.run(['/etc/init.d/lockgate', 'reload']).status, 0);
  assert.is.not(pidOf(router), pid);
  assert.is(router.read('var/run/lockgate.lan'), '192.168.2.1/24\n');
});

onRouter('an upgrade mounts the new program and starts it', async ({ router }) => {
  if ('missing' in built) return;
  const pid = pidOf(router);
  installProgram(router, built.tree, 'second');
  assert.is(router.run(['/etc/init.d/lockgate', 'start']).status, 0);
  assert.is.not(pidOf(router), pid);
  assert.is(router.read(`${INSTALL_FOLDER.slice(1)}/build`), 'second');
  await answering(router);
});

onRouter('an upgrade that was interrupted leaves the former program at work', ({ router }) => {
  const pid = pidOf(router);
  const files = join(router.root, PROGRAM_FILES);
  const whole = readFileSync(join(files, 'second.squashfs'));
  writeFileSync(join(files, 'build'), 'third');
  for (const written of [0, 4096, Math.floor(whole.length / 2), whole.length - 4096]) {
    writeFileSync(join(files, 'third.squashfs'), whole.subarray(0, written));
    assert.is(router.run(['/etc/init.d/lockgate', 'start']).status, 0, `${written} bytes`);
    assert.is(router.read(`${INSTALL_FOLDER.slice(1)}/build`), 'second');
    assert.is(router.run(['lockgate', 'status', '--gateway']).status, 0);
  }
  rmSync(join(files, 'third.squashfs'));
  assert.is(router.run(['/etc/init.d/lockgate', 'start']).status, 0, 'nothing of the new one has come');
  assert.is(pidOf(router), pid, 'it was not even started anew');
  writeFileSync(join(files, 'build'), 'second');
});

onRouter('apply leads the names here and opens the port; undo and removal leave nothing', ({ router, home }) => {
  const uci = () => router.read('tmp/uci.db');
  assert.is(router.run(['/etc/uci-defaults/60-lockgate']).status, 0);
  assert.match(uci(), /^firewall\.lockgate\.enabled=0$/m);
  const due = /this router's DNS does not lead \S+ here yet\n +run as root: lockgate openwrt apply$/m;
  assert.match(router.run(['lockgate', 'status']).stdout, due);
  const applied = router.run(['lockgate', 'openwrt', 'apply', '--wan']);
  assert.is(applied.status, 0, applied.stderr);
  assert.not.match(router.run(['lockgate', 'status']).stdout, due);
  const zone = home.name('x').slice(2);
  assert.match(uci(), new RegExp(`^dhcp\\.@dnsmasq\\[0\\]\\.server=/${zone}/127\\.0\\.0\\.1#5354$`, 'm'));
  assert.match(uci(), new RegExp(`^dhcp\\.@dnsmasq\\[0\\]\\.rebind_domain=${zone}$`, 'm'));
  assert.match(uci(), /^firewall\.lockgate\.enabled=1$/m);
  assert.match(router.run(['lockgate', 'openwrt', 'apply']).stdout, /^nothing to change$/m);
  const removed = router.run(['sh', '-c', readFileSync(join(ROUTER, '../../../openwrt/scripts/prerm'), 'utf8')]);
  assert.is(removed.status, 0, removed.stderr);
  assert.is(uci(), '');
  assert.not.match(readFileSync('/proc/mounts', 'utf8'), new RegExp(` ${router.root}${INSTALL_FOLDER} `));
});

onRouter("a certificate that is the server's alone is told of, and taken from root", async (scene) => {
  const { router } = scene;
  const file = '/mnt/my nas/plex/Cache/cert-v2.p12';
  execFileSync('chown', ['1000:1000', join(router.root, file)]);
  execFileSync('chmod', ['0600', join(router.root, file)]);
  assert.is(router.run(['/etc/init.d/lockgate', 'restart']).status, 0);
  await answering(router);
  assert.match(router.run(['lockgate', 'status']).stdout, /this user may not read it/);
  const imported = await router.runAlong(['lockgate', 'certificate', 'import', file]);
  assert.is(imported.status, 0, imported.output);
  assert.match(
    router.run(['lockgate', 'status']).stdout,
    new RegExp(`^\\S+ +certificate +.*${scene.home.name('\\*')}`, 'm'),
  );
  const kept = router.run(['find', '/etc/lockgate/state', '-name', '*.p12', '-o', '-name', '*.pem']).stdout.trim();
  for (const path of kept.split('\n')) {
    const { uid, mode } = statSync(join(router.root, path));
    assert.equal([uid, mode & 0o777], [SERVICE_USER, 0o600], path);
  }
});

onRouter('stopping ends it in good order', async ({ router }) => {
  const pid = pidOf(router);
  assert.is(router.run(['/etc/init.d/lockgate', 'stop']).status, 0);
  assert.not.ok(existsSync(`/proc/${pid}`));
  await logLine(router, '"event":"stopped"');
});

/** A jail with the package's files, the stand-ins, and devices to mount with. */
function makeRouter(programFiles: Tree): Jail {
  const standIn = (name: string) => readFileSync(join(ROUTER, name));
  const router = new Jail(
    tree(
      ...readFiles(join(ROUTER, '../../../openwrt/files')),
      program('etc/rc.common', standIn('rc.common')),
      file('lib/functions.sh', standIn('functions.sh')),
      file('lib/functions/network.sh', standIn('network.sh')),
      program('sbin/uci', standIn('uci')),
      program('etc/init.d/dnsmasq', '#!/bin/sh\n'),
      program('etc/init.d/firewall', '#!/bin/sh\n'),
      file('etc/passwd', `root:x:0:0:::\nlockgate:x:${SERVICE_USER}:${SERVICE_USER}:::\n`),
      file('etc/group', `root:x:0:\nlockgate:x:${SERVICE_USER}:\n`),
      file('tmp/networks', 'lan 4 192.168.1.1/24\nlan 6 fd00:1::1/60\nguest 4 192.168.9.1/24\n'),
    ),
  );
  // A mount point of its own, as a router's root is: df looks for it.
  router.mount('', '--bind', router.root);
  router.mount('dev', '--bind', '/dev');
  router.mount('proc', '-t', 'proc', 'proc');
  installProgram(router, programFiles, 'first');
  return router;
}

/** Not packed: that takes a minute, and changes nothing here. As a package manager does, what is no longer of the package goes last. */
function installProgram(router: Jail, programFiles: Tree, build: string): void {
  const former = readdirSync(join(router.root, PROGRAM_FILES)).filter((name) => name.endsWith('.squashfs'));
  const scratch = mkdtempSync(join(tmpdir(), 'lockgate-content-'));
  writeTree(tree(...programFiles, file('build', build)), scratch);
  const image = join(router.root, PROGRAM_FILES, `${build}.squashfs`);
  execFileSync('mksquashfs', [
    scratch,
    image,
    '-noI',
    '-noD',
    '-noF',
    '-all-root',
    '-quiet',
    '-no-progress',
    '-noappend',
  ]);
  rmSync(scratch, { recursive: true });
  writeFileSync(join(router.root, PROGRAM_FILES, 'build'), build);
  for (const name of former) rmSync(join(router.root, PROGRAM_FILES, name));
}

function configure({ router, home }: Scene, more = ''): void {
  mkdirSync(join(router.root, 'etc/lockgate'), { recursive: true });
  const text = `[server]\nurl = "${home.plex.url}"\ndata_dir = "/mnt/my nas/plex"\n[listen]\naddresses = ["127.0.0.1"]\nport = 0\n${more}`;
  // The program is a real one, on the network of this machine: it asks nobody.
  const quiet = '\n[remote]\npublic_address = "none"\n';
  writeFileSync(join(router.root, 'etc/lockgate/lockgate.toml'), text + quiet);
}

function pidOf(router: Jail): number {
  return Number(router.read('tmp/procd.pid'));
}

async function logLine(router: Jail, wanted: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const log = existsSync(join(router.root, 'tmp/service.log')) ? router.read('tmp/service.log') : '';
    if (log.includes(wanted)) return;
    if (performance.now() > deadline) throw new Error(`the log never said ${wanted}:\n${log}`);
    await sleep(50);
  }
}

/** Until the service has met the media server, now or earlier, and answers on its socket. */
async function answering(router: Jail): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  const isThere = () => existsSync(join(router.root, 'etc/lockgate/state/server.json'));
  while (!isThere() || router.run(['lockgate', 'status', '--gateway']).status !== 0) {
    if (performance.now() > deadline) throw new Error('the service never answered');
    await sleep(50);
  }
}

function whyNoRouter(): string | undefined {
  if (!hasCommand('mksquashfs')) return 'mksquashfs is not installed';
  if (!existsSync('/dev/loop-control')) return 'this machine has no loop devices';
  return whyNoJail();
}

test.run();
