/** The image's root file system: runs as any user, on a root that cannot be written, and its health check is true. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { INSTALL_FOLDER, imageTree, USER_ID } from '../../docker/image/root-files.ts';
import { RUN_SETTINGS } from '../../docker/image/settings.ts';
import { writeTree } from '../../docker/program/write-tree.ts';
import { startPlex } from '../support/plex.ts';
import { RunningProgram } from '../support/program.ts';
import { programFor } from './programs.ts';

const CHROOT = '/usr/sbin/chroot';
const [PROGRAM = ''] = RUN_SETTINGS['Entrypoint'] as string[];
const ENV = Object.fromEntries((RUN_SETTINGS['Env'] as string[]).map((pair) => pair.split('=') as [string, string]));
/** The image's own user, and one as a media server's container has it. */
const USERS = [USER_ID, 1000];
const ENGINE_FOLDERS = ['dev', 'proc'];

const test = suite<{ root: string }>('the image');
const built = await programFor(process.arch === 'arm64' ? 'arm64' : 'x64', INSTALL_FOLDER);
const missing = 'missing' in built ? built.missing : process.getuid?.() === 0 ? undefined : 'not root';
if (missing !== undefined) console.log(`skipped: the image (${missing})`);
const inImage = missing === undefined ? test : test.skip;

test.before((scene) => {
  scene.root = mkdtempSync(join(tmpdir(), 'lockgate-image-'));
  if ('missing' in built || missing !== undefined) return;
  writeTree(imageTree(built.tree), scene.root);
  execFileSync('chmod', ['0755', scene.root]);
  // What a container engine adds.
  for (const folder of ENGINE_FOLDERS) mkdirSync(join(scene.root, folder));
  execFileSync('mount', ['--bind', scene.root, scene.root]);
  execFileSync('mount', ['--bind', '/dev', join(scene.root, 'dev')]);
  execFileSync('mount', ['-t', 'proc', 'proc', join(scene.root, 'proc')]);
  execFileSync('mount', ['-o', 'remount,bind,ro', scene.root]);
});
test.before.each(({ root }) => {
  if (missing === undefined) execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', join(root, 'data')]);
});
test.after.each(({ root }) => {
  if (missing === undefined) execFileSync('umount', ['--lazy', join(root, 'data')]);
});
test.after(({ root }) => {
  if (missing === undefined)
    for (const path of [...ENGINE_FOLDERS, '']) execFileSync('umount', ['--lazy', join(root, path)]);
  rmSync(root, { recursive: true });
});

for (const user of USERS) {
  inImage(`as user ${user} it serves, is healthy, and ends with SIGTERM`, async ({ root }) => {
    const plex = await startPlex();
    const enter = [`--userspec=${user}:${user}`, root, PROGRAM];
    // The file of the image, and one more line.
    const config = join(root, 'data/lockgate.toml');
    execFileSync('tee', [config], {
      input: `[server]\nurl = "${plex.url}"\n[listen]\naddresses = ["127.0.0.1"]\nport = 0\n`,
    });
    const env = { ...ENV, LOCKGATE_CONFIG: '/data/lockgate.toml' };
    const gateway = new RunningProgram(spawn(CHROOT, [...enter, 'run'], { env }));
    try {
      await gateway.line((line) => line['event'] === 'ready', 30_000);
      const { Test } = RUN_SETTINGS['Healthcheck'] as { Test: string[] };
      const health = spawnSync(CHROOT, [...enter, ...Test.slice(2)], { env, encoding: 'utf8' });
      assert.is(health.status, 0, health.stderr);
      gateway.signal(String(RUN_SETTINGS['StopSignal']) as NodeJS.Signals);
      assert.is(await gateway.ended(), 0);
      const after = spawnSync(CHROOT, [...enter, ...Test.slice(2)], { env, encoding: 'utf8' });
      assert.is(after.status, 1);
    } finally {
      await gateway.kill();
      await plex.close();
    }
  });
}

inImage('the file that it carries is without fault', ({ root }) => {
  const enter = [`--userspec=${USER_ID}:${USER_ID}`, root, PROGRAM];
  const check = spawnSync(CHROOT, [...enter, 'check', '--paths'], { env: ENV, encoding: 'utf8' });
  assert.is(check.status, 0, check.stderr);
  assert.match(check.stdout, /^\/etc\/lockgate\/lockgate\.toml$/m);
});

test.run();
