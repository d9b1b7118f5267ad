/** The life of the package on a NAS: installed, started, looked at, upgraded with its data kept, stopped. All of it as its own user. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { below, file, program, tree } from '../../docker/program/tree.ts';
import { writeTree } from '../../docker/program/write-tree.ts';
import { readFiles } from '../../openwrt/package/payload.ts';
import { INSTALL_FOLDER } from '../../synology/package/packages.ts';
import { type PlexStandIn, startPlex } from '../support/plex.ts';
import { Jail, whyNoJail } from './jail.ts';
import { programFor } from './programs.ts';

const SYNOLOGY = join(import.meta.dirname, '../../synology');
const PACKAGE = 'var/packages/lockgate';
const USER = '27001:27001';
const MESSAGES = '/tmp/messages';
const RUNNING = 0;
const DIED = 1;
const STOPPED = 3;

interface Scene {
  nas: Jail;
  plex: PlexStandIn;
}

const test = suite<Scene>('the package on DSM');
const built = await programFor(process.arch === 'arm64' ? 'arm64' : 'x64', INSTALL_FOLDER);
const missing = 'missing' in built ? built.missing : whyNoJail();
if (missing !== undefined) console.log(`skipped: the package on DSM (${missing})`);
const onNas = missing === undefined ? test : test.skip;

test.before(async (scene) => {
  scene.plex = await startPlex();
  if (missing !== undefined) return;
  scene.nas = new Jail(tree(file('etc/passwd', 'root:x:0:0:::\nsc-lockgate:x:27001:27001:::\n')));
  scene.nas.mount('proc', '-t', 'proc', 'proc');
  install(scene.nas);
  for (const folder of ['etc', 'var']) mkdirSync(join(scene.nas.root, PACKAGE, folder));
  execFileSync('chown', ['-R', USER, join(scene.nas.root, PACKAGE, 'etc'), join(scene.nas.root, PACKAGE, 'var')]);
});
test.after(async ({ nas, plex }) => {
  if (nas !== undefined) call(nas, 'start-stop-status', 'stop');
  nas?.remove();
  await plex.close();
});

/** Puts the files where DSM puts them: the target belongs to nobody but root. */
function install(nas: Jail): void {
  if ('missing' in built) return;
  const wrapper = readFileSync(join(SYNOLOGY, 'files/bin/lockgate'), 'utf8');
  const files = tree(
    ...built.tree,
    program('bin/lockgate', wrapper.replace('@PROGRAM@', `${INSTALL_FOLDER}/lockgate`)),
  );
  const scripts = below('scripts', readFiles(join(SYNOLOGY, 'scripts')));
  writeTree(files, join(nas.root, INSTALL_FOLDER));
  writeTree(tree(...scripts), join(nas.root, 'dsm'));
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
  ] as const) {
    assert.is(call(nas, 'preinst', '', wizard).status, 1, JSON.stringify(wizard));
    assert.match(messages(nas), complaint);
  }
});

onNas('installing writes a file from what was typed', ({ nas, plex }) => {
  const wizard = { wizard_server: plex.url, wizard_port: '32987' };
  assert.is(call(nas, 'preinst', '', wizard).status, 0);
  assert.is(call(nas, 'postinst', '', wizard).status, 0);
  const text = nas.read(`${PACKAGE}/etc/lockgate.toml`);
  assert.ok(text.includes(`url = "${plex.url}"`) && text.includes('port = 32987'), text);
  assert.is(nas.run(['/bin/sh', `${INSTALL_FOLDER}/bin/lockgate`, 'check', '--paths'], { user: USER }).status, 0);
});

onNas('a folder of Plex that cannot be read is told, with the way to mend it', ({ nas, plex }) => {
  const folder = join(nas.root, 'volume1/PlexMediaServer/AppData/Plex Media Server');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'Preferences.xml'), '<Preferences/>');
  execFileSync('chmod', ['-R', 'go-rwx', join(nas.root, 'volume1/PlexMediaServer/AppData')]);
  call(nas, 'postinst', '', { wizard_server: plex.url, wizard_port: '32987' });
  assert.match(
    messages(nas),
    /Shared Folder > PlexMediaServer > Edit > Permissions > System internal user > sc-lockgate: Read only/,
  );
  execFileSync('chmod', ['-R', 'a+rX', join(nas.root, 'volume1')]);
  call(nas, 'postinst', '', {});
  assert.is(messages(nas), '');
});

onNas('it starts, says that it runs, and where its log is', ({ nas }) => {
  assert.is(call(nas, 'start-stop-status', 'status').status, STOPPED);
  const { status } = call(nas, 'start-stop-status', 'start');
  assert.is(status, 0, messages(nas) || nas.read(`${PACKAGE}/var/lockgate.log`));
  assert.is(call(nas, 'start-stop-status', 'status').status, RUNNING);
  const log = call(nas, 'start-stop-status', 'log').stdout.trim();
  assert.match(nas.read(log.slice(1)), /"event":"ready"/);
  const shown = nas.run(['/bin/sh', `${INSTALL_FOLDER}/bin/lockgate`, 'status', '--gateway'], { user: USER });
  assert.is(shown.status, 0, shown.stderr);
});

onNas('starting what runs starts nothing', ({ nas }) => {
  const pid = nas.read(`${PACKAGE}/var/lockgate.pid`);
  assert.is(call(nas, 'start-stop-status', 'start').status, 0);
  assert.is(nas.read(`${PACKAGE}/var/lockgate.pid`), pid);
});

onNas('an upgrade keeps the file and the state', ({ nas }) => {
  const config = nas.read(`${PACKAGE}/etc/lockgate.toml`);
  assert.is(call(nas, 'start-stop-status', 'stop').status, 0);
  for (const script of ['preupgrade', 'preuninst', 'postuninst', 'preinst'])
    assert.is(call(nas, script).status, 0, script);
  install(nas);
  for (const script of ['postinst', 'postupgrade']) assert.is(call(nas, script).status, 0, script);
  assert.is(nas.read(`${PACKAGE}/etc/lockgate.toml`), config);
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

test.run();
