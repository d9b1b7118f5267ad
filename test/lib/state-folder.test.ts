import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { messageOf } from '../../src/lib/errors.ts';
import { StateFolder } from '../../src/lib/state-folder.ts';

const folderTest = suite('state folder');
let home = '';

folderTest.before.each(async () => {
  home = await mkdtemp(join(tmpdir(), 'lockgate-state-'));
});
folderTest.after.each(() => rm(home, { recursive: true, force: true }));

const refusal = (path: string) =>
  new StateFolder(path).prepare().then(
    () => 'none',
    (error: unknown) => messageOf(error),
  );

folderTest('is made with all that leads to it, private to its user', async () => {
  const path = join(home, 'var', 'lib', 'lockgate');
  await new StateFolder(path).prepare();
  assert.is((await stat(path)).mode & 0o777, 0o700);
  assert.equal(await readdir(path), []);
});

folderTest('that is there already keeps what it holds', async () => {
  const folder = new StateFolder(home);
  await folder.write('kept', 'as it was');
  await folder.prepare();
  assert.is(String(await folder.read('kept')), 'as it was');
});

folderTest('below /proc is refused at once: the system denies there what it has just shown', async () => {
  assert.match(await refusal('/proc/lockgate'), /^state\.dir: "\/proc\/lockgate" cannot be written/);
  assert.match(await refusal('/proc/lockgate/deeper'), /cannot be written/);
});

folderTest('with a file in its way is refused', async () => {
  await writeFile(join(home, 'file'), '');
  assert.match(await refusal(join(home, 'file')), /cannot be written/);
  assert.match(await refusal(join(home, 'file', 'below')), /cannot be written/);
});

folderTest('behind a link that leads nowhere is refused', async () => {
  await symlink(join(home, 'nowhere'), join(home, 'link'));
  assert.match(await refusal(join(home, 'link')), /cannot be written/);
});

folderTest('writes files that only its user reads, and leaves no temporary ones', async () => {
  const folder = new StateFolder(home);
  await folder.write('key', 'first');
  await chmod(folder.pathOf('key'), 0o644);
  await folder.write('key', 'second');
  assert.is((await stat(folder.pathOf('key'))).mode & 0o777, 0o600);
  assert.equal(await readdir(home), ['key']);
});

folderTest('says whether everybody may write into it', async () => {
  const folder = new StateFolder(home);
  assert.is(await folder.isOpenToEverybody(), false);
  await chmod(home, 0o777);
  assert.is(await folder.isOpenToEverybody(), true);
});

folderTest('takes no memory for damaged memory, and refuses a file that is larger than any of its own', async () => {
  const folder = new StateFolder(home);
  await folder.write('memory', '{"half');
  assert.is(await folder.readJson('memory'), undefined);
  await writeFile(folder.pathOf('huge'), Buffer.alloc(4 * 1024 * 1024 + 1));
  assert.match(String(await folder.read('huge').catch(messageOf)), /larger than any file/);
});

folderTest.run();
