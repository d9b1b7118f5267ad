/** The state folder: private, and no way for whoever could once write into it to more. */
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Installation } from '../support/program.ts';

const USER = 'nobody';
const TOML =
  '[server]\nurl = "http://127.0.0.1:9"\n[listen]\naddresses = ["127.0.0.1"]\nport = 0\n[dns]\nenabled = false\n';
const isRoot = process.getuid?.() === 0;

const test = suite<{ installation: Installation }>('state folder');

test.before.each((context) => {
  context.installation = new Installation(TOML);
});
test.after.each(async ({ installation }) => {
  await installation.remove();
});

test('is for its owner alone, and so is everything in it', async ({ installation }) => {
  await installation.run();
  const { stateDir } = installation;
  assert.is(statSync(stateDir).mode & 0o777, 0o700);
  for (const name of readdirSync(stateDir, { recursive: true, encoding: 'utf8' })) {
    const { mode } = statSync(join(stateDir, name));
    assert.is(mode & 0o077, 0, name);
  }
});

test('that everybody may write into is warned of', async ({ installation }) => {
  mkdirSync(installation.stateDir);
  chmodSync(installation.stateDir, 0o777);
  const gateway = await installation.run();
  const line = await gateway.line(({ message }) => /every user of this host may write/.test(String(message)));
  assert.is(line['remedy'], `chmod o-w ${installation.stateDir}`);
});

test('goes to the user that the gateway becomes, and nothing that links in it lead to', async ({ installation }) => {
  if (!isRoot) return console.log('skipped: giving the state folder away (not root)');
  const { stateDir, folder } = installation;
  const uid = Number(execFileSync('id', ['-u', USER], { encoding: 'utf8' }));
  chmodSync(folder, 0o755);
  mkdirSync(join(stateDir, 'certificates'), { recursive: true });
  writeFileSync(join(stateDir, 'session-key'), 'old');
  writeFileSync(join(stateDir, 'certificates', 'server.pem'), 'old');
  const outside = join(folder, 'of-root');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret', { mode: 0o600 });
  linkSync(join(outside, 'secret'), join(stateDir, 'hard-link'));
  symlinkSync(join(outside, 'secret'), join(stateDir, 'soft-link'));
  symlinkSync(outside, join(stateDir, 'folder-link'));
  installation.configure(`${TOML}[run]\nuser = "${USER}"\n`);
  const gateway = await installation.run();
  const ownerOf = (...path: string[]) => statSync(join(...path)).uid;
  assert.equal(
    [ownerOf(stateDir), ownerOf(stateDir, 'session-key'), ownerOf(stateDir, 'certificates', 'server.pem')],
    [uid, uid, uid],
  );
  assert.equal([ownerOf(outside), ownerOf(outside, 'secret')], [0, 0]);
  assert.is(ownerOf('/proc', String(gateway.pid)), uid);
});

test.run();
