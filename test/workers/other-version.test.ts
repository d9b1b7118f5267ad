/** The program is replaced on disk while it runs: a worker of the new one does not serve beside a main process of the old one. */
import { chmodSync, cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Check } from '../../src/ops/check.ts';
import { GuardedHome } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { makePlexHome } from '../support/program.ts';
import { eventually, withWorkers, workersOf } from './two-workers.ts';

const OTHER_VERSION = '99.1.2';
/** From its source it starts slowly. */
const STARTED_WITHIN_MS = 60_000;

const test = suite<{ guarded: GuardedHome; install: (command: string) => void }>('another version');

test.before.each(async (scene) => {
  const guarded = new GuardedHome(await makePlexHome());
  const program = join(guarded.home.installation.folder, 'lockgate');
  scene.install = (command) => {
    writeFileSync(program, `#!/bin/sh\nexec ${command} "$@"\n`);
    chmodSync(program, 0o755);
  };
  scene.install(resolve('build/lockgate'));
  guarded.home.installation.moreEnv['LOCKGATE_COMMAND'] = program;
  guarded.configure(withWorkers({}));
  await guarded.run();
  scene.guarded = guarded;
});
test.after.each(async ({ guarded }) => {
  await guarded.close();
});

/** The source with another number in its package.json, which runs as it is. */
function writeOtherVersion(folder: string): string {
  cpSync('src', join(folder, 'src'), { recursive: true });
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  const about = JSON.parse(readFileSync('package.json', 'utf8')) as object;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...about, version: OTHER_VERSION }));
  return join(folder, 'src/main.ts');
}

async function workersCheck(guarded: GuardedHome): Promise<Check | undefined> {
  return ((await guarded.status())['checks'] as Check[]).find(({ name }) => name === 'workers');
}

test('it is not taken, the remedy is told, and what serves goes on to serve', async ({ guarded, install }) => {
  assert.is((await workersCheck(guarded))?.verdict, 'ok');
  const main = writeOtherVersion(guarded.home.installation.folder);
  install(`${process.execPath} --disable-warning=ExperimentalWarning ${main}`);
  const [first, second] = await workersOf(guarded);
  process.kill(first?.pid as number, 'SIGKILL');
  const line = await guarded.gateway.line((candidate) => candidate['found'] === OTHER_VERSION, STARTED_WITHIN_MS);
  assert.is(line['remedy'], 'restart the gateway');
  assert.equal(
    (await workersOf(guarded)).map(({ pid }) => pid),
    [second?.pid],
  );
  const check = await workersCheck(guarded);
  assert.is(check?.verdict, 'warning');
  assert.is(
    check?.evidence,
    `1 of 2 workers there: the program was replaced by version ${OTHER_VERSION} while it runs`,
  );
  assert.is(check?.remedy, 'restart the gateway');
  const { body } = await guarded.ask('127.0.0.1', '/.lockgate/metrics');
  assert.match(body, /lockgate_workers 1\n/);
  assert.match(body, /lockgate_workers_wanted 2\n/);
  assert.is((await guarded.ask('127.0.0.2', '/library/sections', '-H', `X-Plex-Token: ${OWNER_TOKEN}`)).status, 200);
});

test('once the former one is back its workers are taken', async ({ guarded, install }) => {
  install('false');
  const [first] = await workersOf(guarded);
  process.kill(first?.pid as number, 'SIGKILL');
  await eventually(async () => (await workersCheck(guarded))?.verdict === 'warning', 'one of them is missing');
  install(resolve('build/lockgate'));
  await eventually(async () => (await workersCheck(guarded))?.verdict === 'ok', 'two workers again');
});

test.run();
