/** The life of the package on a NAS: installed, started, looked at, upgraded with its data kept, stopped. All of it as its own user. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { file, tree } from '../../docker/program/tree.ts';
import { writeTree } from '../../docker/program/write-tree.ts';
import { INSTALL_FOLDER, nasFiles, nasScripts } from '../../synology/package/packages.ts';
import { makePlexHome, type PlexHome } from '../support/program.ts';
import { Jail, whyNoJail } from './jail.ts';
import { programFor } from './programs.ts';

const PACKAGE = 'var/packages/lockgate';
const USER = '27001:27001';
const PLEX_USER = '27002:27002';
const PLEX_FOLDER = 'volume1/PlexMediaServer/AppData/Plex Media Server';
const MESSAGES = '/tmp/messages';
const RUNNING = 0;
const DIED = 1;
const STOPPED = 3;

interface Scene {
  nas: Jail;
  home: PlexHome;
}

const test = suite<Scene>('the package on DSM');
const built = await programFor(process.arch === 'arm64' ? 'arm64' : 'x64', INSTALL_FOLDER);
const missing = 'missing' in built ? built.missing : whyNoJail();
if (missing !== undefined) console.log(`skipped: the package on DSM (${missing})`);
const onNas = missing === undefined ? test : test.skip;

test.before(async (scene) => {
  scene.home = await makePlexHome();
  if (missing !== undefined) return;
  scene.nas = new Jail(
    tree(file('etc/synoinfo.conf', ''), file('etc/passwd', 'root:x:0:0:::\nsc-lockgate:x:27001:27001:::\n')),
  );
  // A mount point of its own, as a volume is: df looks for it.
  scene.nas.mount('', '--bind', scene.nas.root);
  scene.nas.mount('proc', '-t', 'proc', 'proc');
  install(scene.nas);
  for (const folder of ['etc', 'var']) mkdirSync(join(scene.nas.root, PACKAGE, folder));
  execFileSync('chown', ['-R', USER, join(scene.nas.root, PACKAGE, 'etc'), join(scene.nas.root, PACKAGE, 'var')]);
});
test.after(async ({ nas, home }) => {
  if (nas !== undefined) call(nas, 'start-stop-status', 'stop');
  nas?.remove();
  await home.close();
});

/** Puts the files where DSM puts them. `machines`: what the package says it is for. */
function install(nas: Jail, machines = 'x86_64 aarch64'): void {
  if ('missing' in built) return;
  const files = nasFiles(built.tree);
  writeTree(files, join(nas.root, INSTALL_FOLDER));
  for (const name of ['config', 'lockgate.sc'])
    execFileSync('chown', [USER, join(nas.root, INSTALL_FOLDER, 'ui', name)]);
  writeTree(tree(...nasScripts(machines, files)), join(nas.root, 'dsm'));
}

/** Calls a script of the package as DSM does. */
function call(nas: Jail, script: string, argument = '', wizard: Readonly<Record<string, string>> = {}) {
  const env = { SYNOPKG_TEMP_LOGFILE: MESSAGES, ...wizard };
  return nas.run(['sh', `/dsm/scripts/${script}`, argument], { user: USER, env });
}

function messages(nas: Jail): string {
  const path = join(nas.root, MESSAGES);
  if (!existsSync(path)) return '';
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, '');
  return text;
}

onNas('what was mistyped into the wizard stops the installation with a sentence', ({ nas }) => {
  for (const [wizard, complaint] of [
    [{ wizard_port: '443' }, /DSM gives packages ports from 1024/],
    [{ wizard_port: '5001' }, /belongs to DSM/],
    [{ wizard_port: '99999' }, /ports from 1024 to 65535/],
    [{ wizard_port: '12a' }, /is no port/],
    [{ wizard_server: 'ftp://x' }, /is no address of a server/],
    [{ wizard_server: 'http://x"\nport = 1' }, /is no address of a server/],
    [{ wizard_folder: 'PlexMediaServer' }, /is no folder/],
    [{ wizard_folder: '/volume1/a"\nport = 1' }, /a character that cannot be used/],
    [{ wizard_folder: '/volume1/a\\' }, /a character that cannot be used/],
    [{ wizard_folder: '/volume9/Plex' }, /There is no \/volume9 on this NAS/],
  ] as const) {
    assert.is(call(nas, 'preinst', '', wizard).status, 1, JSON.stringify(wizard));
    assert.match(messages(nas), complaint);
  }
});

onNas('a NAS that the package is not for is told so before anything is installed', ({ nas, home: { plex } }) => {
  const refusal = (environment: Record<string, string>) => {
    assert.is(call(nas, 'preinst', '', environment).status, 1, JSON.stringify(environment));
    return messages(nas);
  };
  assert.match(refusal({ SYNOPKG_DSM_VERSION_MAJOR: '6' }), /needs DSM 7\.0 or later; this NAS has DSM 6/);
  assert.match(refusal({ wizard_port: new URL(plex.url).port }), /is in use by another program on this NAS/);
  install(nas, 'sparc64');
  assert.match(refusal({}), /for other processors \(sparc64\).*noarch\.spk/);
  const script = join(nas.root, 'dsm/scripts/preinst');
  install(nas, 'any');
  writeFileSync(script, readFileSync(script, 'utf8').replace(/^NEEDED_KIB=\d+$/m, 'NEEDED_KIB=999999999999'));
  assert.match(refusal({}), /needs \d+ MB on the volume; \d+ MB are free/);
  install(nas);
});

onNas('a full volume stops the installation, and leaves no half of a file', ({ nas, home: { plex } }) => {
  const etc = join(nas.root, PACKAGE, 'etc');
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k,nr_inodes=3,uid=27001,gid=27001', 'tmpfs', etc]);
  writeFileSync(join(etc, 'filler'), Buffer.alloc(4096));
  const { status } = call(nas, 'postinst', '', { wizard_server: plex.url });
  const left = readdirSync(etc);
  execFileSync('umount', [etc]);
  assert.is(status, 1);
  assert.match(messages(nas), /is the volume full\?/);
  assert.equal(left, ['filler']);
});

onNas('installing writes a file from what was typed', ({ nas, home: { plex } }) => {
  const wizard = { wizard_server: plex.url, wizard_port: '32987' };
  assert.is(call(nas, 'preinst', '', wizard).status, 0);
  assert.is(call(nas, 'postinst', '', wizard).status, 0);
  const text = nas.read(`${PACKAGE}/etc/lockgate.toml`);
  assert.ok(text.includes(`url = "${plex.url}"`) && text.includes('port = 32987'), text);
  assert.match(nas.read(`${INSTALL_FOLDER}/ui/config`.slice(1)), /"port": "32987"/);
  assert.match(nas.read(`${INSTALL_FOLDER}/ui/lockgate.sc`.slice(1)), /dst\.ports="32987\/tcp"/);
  assert.is(nas.run(['/bin/sh', `${INSTALL_FOLDER}/bin/lockgate`, 'check', '--paths'], { user: USER }).status, 0);
});

onNas('a folder of Plex that cannot be read is told, with the way to mend it', ({ nas, home: { plex, dataDir } }) => {
  const folder = join(nas.root, PLEX_FOLDER);
  cpSync(dataDir, folder, { recursive: true });
  execFileSync('chmod', ['-R', 'go-rwx', join(nas.root, 'volume1/PlexMediaServer/AppData')]);
  call(nas, 'postinst', '', { wizard_server: plex.url, wizard_port: '32987' });
  assert.match(
    messages(nas),
    /Shared Folder > PlexMediaServer > Edit > Permissions > System internal user > sc-lockgate: Read only/,
  );
  execFileSync('chmod', ['-R', 'a+rX', join(nas.root, 'volume1')]);
  // What a renewal leaves: a file that is Plex's alone.
  execFileSync('chown', ['-R', PLEX_USER, folder]);
  execFileSync('chmod', ['0600', join(folder, 'Cache/cert-v2.p12')]);
  call(nas, 'postinst', '', {});
  assert.is(messages(nas), '');
});

onNas('a folder in the file is looked at before the usual ones, by the name of its share', ({ nas }) => {
  const config = nas.read(`${PACKAGE}/etc/lockgate.toml`);
  const share = join(nas.root, 'volume1/Films and more');
  mkdirSync(join(share, 'plex'), { recursive: true });
  const path = join(nas.root, PACKAGE, 'etc/lockgate.toml');
  writeFileSync(path, config.replace('[server]\n', '[server]\ndata_dir = "/volume1/Films and more/plex"\n'));
  execFileSync('chmod', ['0700', share]);
  call(nas, 'postinst');
  assert.match(
    messages(nas),
    /may not read \/volume1\/Films and more\/plex yet.*Shared Folder > Films and more > Edit/,
  );
  execFileSync('chmod', ['0755', share]);
  call(nas, 'postinst');
  assert.is(messages(nas), '', 'one without a file of Plex is no concern of this');
  writeFileSync(path, config);
});

onNas('root does not start it: what root leaves behind, the package could not write', ({ nas }) => {
  const { status } = nas.run(['sh', '/dsm/scripts/start-stop-status', 'start'], {
    env: { SYNOPKG_TEMP_LOGFILE: MESSAGES },
  });
  assert.is(status, 1);
  assert.match(messages(nas), /synopkg start lockgate/);
  assert.is(call(nas, 'start-stop-status', 'status').status, STOPPED);
});

onNas('it starts, says that it runs, and where its log is', ({ nas }) => {
  assert.is(call(nas, 'start-stop-status', 'status').status, STOPPED);
  // The program is a real one, on the network of this machine: it asks nobody.
  appendFileSync(join(nas.root, PACKAGE, 'etc/lockgate.toml'), '\n[remote]\npublic_address = "none"\n');
  const { status } = call(nas, 'start-stop-status', 'start');
  assert.is(status, 0, messages(nas) || nas.read(`${PACKAGE}/var/lockgate.log`));
  assert.is(call(nas, 'start-stop-status', 'status').status, RUNNING);
  const log = call(nas, 'start-stop-status', 'log').stdout.trim();
  assert.match(nas.read(log.slice(1)), /"event":"ready"/);
  const shown = nas.run(['/bin/sh', `${INSTALL_FOLDER}/bin/lockgate`, 'status', '--gateway'], { user: USER });
  assert.is(shown.status, 0, shown.stderr);
});

onNas("a certificate that is Plex's alone is told of, and taken from root", async ({ nas, home }) => {
  const lockgate = (...words: string[]) => nas.runAlong(['/bin/sh', `${INSTALL_FOLDER}/bin/lockgate`, ...words]);
  while (!existsSync(join(nas.root, PACKAGE, 'var/state/server.json'))) await sleep(100);
  const { output } = await lockgate('status');
  assert.match(output, /this user may not read it[\s\S]*System internal user > sc-lockgate: Read only/);
  const imported = await lockgate('certificate', 'import', `/${PLEX_FOLDER}/Cache/cert-v2.p12`);
  assert.is(imported.status, 0, imported.output);
  assert.match((await lockgate('status')).output, new RegExp(`^\\S+ +certificate +.*${home.name('\\*')}`, 'm'));
});

onNas('starting what runs starts nothing', ({ nas }) => {
  const pid = nas.read(`${PACKAGE}/var/lockgate.pid`);
  assert.is(call(nas, 'start-stop-status', 'start').status, 0);
  assert.is(nas.read(`${PACKAGE}/var/lockgate.pid`), pid);
});

onNas('an upgrade keeps the file and the state', ({ nas }) => {
  const config = nas.read(`${PACKAGE}/etc/lockgate.toml`);
  assert.is(call(nas, 'start-stop-status', 'stop').status, 0);
  const remembered = nas
    .run(['find', `/${PACKAGE}/var/state`, '-type', 'f'])
    .stdout.split('\n')
    .sort();
  assert.ok(remembered.length > 1);
  // What the wizard of another run answered is no answer to an upgrade.
  const upgrade = { SYNOPKG_PKG_STATUS: 'UPGRADE', wizard_port: '1', wizard_remove: 'true' };
  for (const script of ['preupgrade', 'preuninst', 'postuninst', 'preinst'])
    assert.is(call(nas, script, '', upgrade).status, 0, script);
  install(nas);
  for (const script of ['postinst', 'postupgrade']) assert.is(call(nas, script, '', upgrade).status, 0, script);
  assert.is(nas.read(`${PACKAGE}/etc/lockgate.toml`), config);
  assert.equal(
    nas
      .run(['find', `/${PACKAGE}/var/state`, '-type', 'f'])
      .stdout.split('\n')
      .sort(),
    remembered,
  );
  assert.match(
    nas.read(`${INSTALL_FOLDER}/ui/config`.slice(1)),
    /"port": "32987"/,
    "the new files have the file's port",
  );
  assert.is(call(nas, 'start-stop-status', 'start').status, 0);
});

onNas('one that was killed is dead, not stopped; stopping clears that up', ({ nas }) => {
  const pid = Number(nas.read(`${PACKAGE}/var/lockgate.pid`));
  process.kill(pid, 'SIGKILL');
  while (existsSync(`/proc/${pid}`)) execFileSync('sleep', ['0.05']);
  assert.is(call(nas, 'start-stop-status', 'status').status, DIED);
  assert.is(call(nas, 'start-stop-status', 'stop').status, 0);
  assert.is(call(nas, 'start-stop-status', 'status').status, STOPPED);
});

onNas('a file with faults keeps it down, and DSM shows why', ({ nas }) => {
  writeFileSync(join(nas.root, PACKAGE, 'etc/lockgate.toml'), '[listen]\nprot = 1\n');
  assert.is(call(nas, 'start-stop-status', 'start').status, 1);
  assert.match(messages(nas), /did not start: [\s\S]*prot: unknown key/);
  assert.is(call(nas, 'start-stop-status', 'status').status, STOPPED);
});

onNas('uninstalling keeps the data, unless its owner chose otherwise', ({ nas }) => {
  const isThere = () => ['etc/lockgate.toml', 'var/state'].map((path) => existsSync(join(nas.root, PACKAGE, path)));
  assert.is(call(nas, 'preuninst', '', { SYNOPKG_PKG_STATUS: 'UNINSTALL', wizard_keep: 'true' }).status, 0);
  assert.equal(isThere(), [true, true]);
  assert.is(call(nas, 'preuninst', '', { SYNOPKG_PKG_STATUS: 'UNINSTALL', wizard_remove: 'true' }).status, 0);
  assert.equal(isThere(), [false, false]);
});

test.run();
