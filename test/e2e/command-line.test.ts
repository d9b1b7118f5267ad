/** How commands end: exit statuses, one `next:` line where the answer is no, one JSON document, and readers that go away. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RUNTIME_ENVIRONMENT, RUNTIME_FLAGS } from '../../docker/program/flags.ts';
import { curl } from '../support/curl.ts';
import { Installation, PROGRAM } from '../support/program.ts';

/** Its program runs `preload` first. */
class Loaded extends Installation {
  preload = '';

  override get env(): NodeJS.ProcessEnv {
    return { ...super.env, ...(this.preload === '' ? {} : { NODE_OPTIONS: `--require ${this.preload}` }) };
  }
}

const test = suite<{ installation: Loaded }>('the command line');
const FILE =
  '[server]\nkind = "generic"\nurl = "http://127.0.0.1:9"\n[listen]\naddresses = ["127.0.0.1"]\nport = 0\n[dns]\nenabled = false\n';

test.before.each((context) => {
  context.installation = new Loaded(FILE);
});
test.after.each(async ({ installation }) => {
  await installation.remove();
});

const NO: readonly (readonly string[])[] = [
  ['status'],
  ['reload'],
  ['setup'],
  ['ca'],
  ['certificate', 'import', '/nowhere'],
  ['certificate', 'import', '/etc'],
  ['check', '--config', '/nowhere.toml'],
  ['doctor', '--config', '/nowhere.toml'],
];

test('where the answer is no, the last line says what to do, once', async ({ installation }) => {
  for (const argv of NO) {
    const { status, stdout, stderr } = await installation.command(argv);
    const lines = (stdout + stderr).trim().split('\n');
    assert.is(status, 1, argv.join(' '));
    assert.match(lines.at(-1) ?? '', /^next: ./, argv.join(' '));
    assert.is(lines.filter((line) => line.startsWith('next: ')).length, 1, argv.join(' '));
  }
});

test('with --json, standard output is one document even when there is no result', async ({ installation }) => {
  const wrongUse = [['explain'], ['snippet', 'dnsmask'], ['certificate', 'export'], ['status', '--nonsense']];
  for (const argv of [...NO, ...wrongUse]) {
    const { status, stdout } = await installation.command([...argv, '--json']);
    assert.is(status, NO.includes(argv) ? 1 : 2, argv.join(' '));
    assert.type((JSON.parse(stdout) as { error: unknown }).error, 'string', argv.join(' '));
  }
  installation.configure('[listen]\nprot = 1\n');
  const { faults } = JSON.parse((await installation.command(['check', '--json'])).stdout) as { faults: unknown[] };
  assert.is(faults.length, 1);
});

test('a running gateway is asked whatever became of its file, which reload explains', async ({ installation }) => {
  const stateDir = join(installation.folder, 'elsewhere');
  const file = `${FILE}[state]\ndir = "${stateDir}"\n`;
  installation.configure(file);
  await installation.run();
  installation.configure(`${file}[access]\nalowed_networks = "10.0.0.0/8"\n`);
  assert.is((await installation.command(['status', '--gateway'])).status, 0);
  const reload = await installation.command(['reload']);
  assert.is(reload.status, 1);
  assert.match(reload.stderr, /did you mean `allowed_networks`/);
  assert.match(reload.stderr.trim().split('\n').at(-1) ?? '', /^next: .*the former configuration stays in force/);
  installation.configure(file);
  assert.is((await installation.command(['reload'])).status, 0);
});

test('a defect ends with 70 and is told, without its credentials', async ({ installation }) => {
  installation.preload = join(installation.folder, 'defect.cjs');
  for (const defect of ['throw new Error(words)', 'Promise.reject(new Error(words))']) {
    writeFileSync(
      installation.preload,
      `const words = 'made up: X-Plex-Token=secret-token'; setTimeout(() => { ${defect} }, 300);`,
    );
    const { status, stderr } = await installation.command(['run']);
    assert.is(status, 70, stderr);
    const told = JSON.parse(stderr) as Record<string, unknown>;
    assert.is(told['event'], 'defect');
    assert.match(String(told['message']), /made up: X-Plex-Token=/);
    assert.not.match(stderr, 'secret-token');
  }
});

test('a reader that has seen enough is no defect', async ({ installation }) => {
  const shell = spawn('sh', ['-c', `(${PROGRAM} help; echo "ended with $?" >&2) | head -n 1`], {
    env: installation.env,
  });
  let stderr = '';
  shell.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  await once(shell, 'close');
  assert.is(stderr, 'ended with 0\n');
});

test('a signal from a script that rotates logs opens no debugger', async ({ installation }) => {
  const gateway = await installation.run();
  gateway.signal('SIGUSR1');
  assert.is((await installation.command(['status', '--gateway'])).status, 0);
  gateway.signal('SIGTERM');
  assert.is(await gateway.ended(), 0);
  assert.not.match(gateway.stderr, 'Debugger');
});

test('the gateway runs on when nobody reads its log any more', async ({ installation }) => {
  const child = spawn(PROGRAM, ['run'], { env: installation.env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  while (!said.includes('"event":"ready"')) {
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    said += chunk.toString();
  }
  const port = /"addresses":\["127\.0\.0\.1:(\d+)"\]/.exec(said)?.[1];
  child.stdout.destroy();
  assert.is((await installation.command(['reload'])).status, 0);
  assert.is((await curl(`http://127.0.0.1:${port}/.lockgate/health`)).status, 200);
  child.kill('SIGTERM');
  const [status] = (await once(child, 'close')) as [number | null];
  assert.is(status, 0);
});

test('a checkout runs with the flags of the packages', () => {
  const launcher = readFileSync(PROGRAM, 'utf8');
  for (const flag of RUNTIME_FLAGS) assert.match(launcher, ` ${flag} `);
});

test('wherever the program is started, the runtime has the same environment', () => {
  const starters = [
    'build/lockgate',
    'docker/Dockerfile',
    'docker/program/lockgate.service',
    'openwrt/files/etc/init.d/lockgate',
    'openwrt/files/usr/bin/lockgate',
    'synology/files/bin/lockgate',
  ];
  for (const starter of starters) {
    const text = readFileSync(join(import.meta.dirname, '../..', starter), 'utf8');
    for (const [name, value] of Object.entries(RUNTIME_ENVIRONMENT)) {
      assert.match(text, new RegExp(`\\b${name}=${value}\\s`), `${name} in ${starter}`);
    }
  }
});

test.run();
