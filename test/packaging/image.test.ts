/** The image's root file system: runs as any user, on a root that cannot be written, and its health check is true. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { INSTALL_FOLDER, imageTree, USER_ID } from '../../docker/image/root-files.ts';
import { RUN_SETTINGS } from '../../docker/image/settings.ts';
import { writeTree } from '../../docker/program/write-tree.ts';
import { makePlexHome, RunningProgram } from '../support/program.ts';
import { makeRoot, removeRoot } from './mounted-root.ts';
import { programFor } from './programs.ts';

const CHROOT = '/usr/sbin/chroot';
const [PROGRAM = ''] = RUN_SETTINGS['Entrypoint'] as string[];
const ENV = Object.fromEntries((RUN_SETTINGS['Env'] as string[]).map((pair) => pair.split('=') as [string, string]));
/** As a media server's container has it. */
const SERVER_USER = 1000;

const test = suite<{ root: string }>('the image');
const built = await programFor(process.arch === 'arm64' ? 'arm64' : 'x64', INSTALL_FOLDER);
const missing = 'missing' in built ? built.missing : process.getuid?.() === 0 ? undefined : 'not root';
if (missing !== undefined) console.log(`skipped: the image (${missing})`);
const inImage = missing === undefined ? test : test.skip;

test.before((scene) => {
  scene.root = makeRoot('image');
  if ('missing' in built || missing !== undefined) return;
  writeTree(imageTree(built.tree), scene.root);
  execFileSync('chmod', ['0755', scene.root]);
  // What a container engine adds.
  for (const folder of ['dev', 'proc', 'config']) mkdirSync(join(scene.root, folder));
  writeFileSync(join(scene.root, '.dockerenv'), '');
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
test.after(({ root }) => removeRoot(root));

inImage(
  "as the server's user it shows the server's certificate, is healthy, and ends with SIGTERM",
  async ({ root }) => {
    const { env, enter, home, gateway } = await start(root, SERVER_USER);
    try {
      await gateway.line((line) => line['source'] === 'server' && line['message'] === 'certificate in use', 30_000);
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
      execFileSync('umount', ['--lazy', join(root, 'config')]);
      await home.close();
    }
  },
);

inImage("as its own user it may not read the server's certificate, and says what to do", async ({ root }) => {
  const { env, enter, home, gateway } = await start(root, USER_ID);
  try {
    await gateway.line((line) => line['event'] === 'ready', 30_000);
    const status = spawnSync(CHROOT, [...enter, 'status'], { env, encoding: 'utf8' });
    assert.match(
      status.stdout,
      /this user may not read it[\s\S]*run the container as the server's user/,
      status.stderr,
    );
  } finally {
    await gateway.kill();
    execFileSync('umount', ['--lazy', join(root, 'config')]);
    await home.close();
  }
});

/** Runs the image as `user`, with the folder of a server whose files are open to `SERVER_USER` alone. */
async function start(root: string, user: number) {
  const home = await makePlexHome();
  execFileSync('chown', ['-R', `${SERVER_USER}:${SERVER_USER}`, home.dataDir]);
  execFileSync('chmod', ['0600', join(home.dataDir, 'Preferences.xml'), join(home.dataDir, 'Cache/cert-v2.p12')]);
  execFileSync('mount', ['--bind', '-o', 'ro', home.dataDir, join(root, 'config')]);
  writeFileSync(
    join(root, 'data/lockgate.toml'),
    `[server]\nurl = "${home.plex.url}"\ndata_dir = "/config"\n[listen]\naddresses = ["127.0.0.1"]\nport = 0\n[remote]\npublic_address = "none"\n`,
  );
  const env = { ...ENV, LOCKGATE_CONFIG: '/data/lockgate.toml' };
  const enter = [`--userspec=${user}:${user}`, root, PROGRAM];
  return { home, env, enter, gateway: new RunningProgram(spawn(CHROOT, [...enter, 'run'], { env })) };
}

inImage('the file that it carries is without fault', ({ root }) => {
  const enter = [`--userspec=${USER_ID}:${USER_ID}`, root, PROGRAM];
  const check = spawnSync(CHROOT, [...enter, 'check', '--paths'], { env: ENV, encoding: 'utf8' });
  assert.is(check.status, 0, check.stderr);
  assert.match(check.stdout, /^\/etc\/lockgate\/lockgate\.toml$/m);
});

test.run();
