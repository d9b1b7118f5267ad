import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../src/config/load.ts';
import { renderFindings } from '../../src/config/report.ts';
import { defaultConfig } from '../../src/config/schema.ts';
import { GatewayError } from '../../src/lib/errors.ts';

const test = suite<{ folder: string }>('load');

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'lockgate-config-'));
});
test.after.each(({ folder }) => rm(folder, { recursive: true, force: true }));

/** The error that loading ends with. */
async function errorOf(path: string, isExplicit = true): Promise<GatewayError> {
  try {
    await loadConfig(path, { isExplicit });
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('it was loaded');
}

async function load(folder: string, content: string | Uint8Array) {
  const path = join(folder, 'lockgate.toml');
  await writeFile(path, content);
  return loadConfig(path, { isExplicit: true });
}

test('a missing file at the usual place is an empty one, with a note', async ({ folder }) => {
  const path = join(folder, 'lockgate.toml');
  const result = await loadConfig(path, { isExplicit: false });
  assert.ok(result.ok);
  assert.equal(result.config, defaultConfig());
  assert.is(
    renderFindings(result.notes),
    `${path}: there is no such file; every key has its default (lockgate init writes one)\n`,
  );
});

test('a missing file that somebody named is an error that says what to do', async ({ folder }) => {
  const path = join(folder, 'lockgate.toml');
  const error = await errorOf(path);
  assert.is(error.code, 'config');
  assert.is(error.sentence, `${path}: there is no such file (lockgate init writes one)`);
});

test('a folder, a path through a file and a file that is too large are errors in one sentence', async ({ folder }) => {
  assert.is((await errorOf(folder)).sentence, `${folder}: is a folder (name the file in it)`);
  const large = join(folder, 'large');
  await writeFile(large, '#'.repeat(1024 * 1024 + 1));
  assert.is((await errorOf(large)).sentence, `${large}: is larger than 1 MiB (is this the right file?)`);
  assert.match((await errorOf(join(large, 'x'))).sentence, /cannot be read: ENOTDIR/);
});

test('a file of exactly 1 MiB is read', async ({ folder }) => {
  assert.ok((await load(folder, '#'.repeat(1024 * 1024))).ok);
});

test('a file that this user may not read is an error that says so', async ({ folder }) => {
  const path = join(folder, 'lockgate.toml');
  await writeFile(path, '');
  await chmod(path, 0);
  await chmod(folder, 0o755);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    const error = await errorOf(path);
    assert.is(error.code, 'permission');
    assert.match(error.sentence, /: this user may not read it \(make it readable/);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test('a byte order mark and CRLF are tolerated, and places stay right', async ({ folder }) => {
  const result = await load(folder, '\ufeff[listen]\r\nport = 32400\r\n');
  assert.ok(result.ok);
  assert.equal(result.config.listen.port, [32400]);
  const faulty = await load(folder, '\ufeffprot = 1\r\n[listen]\r\nprot = 2\r\n');
  assert.not.ok(faulty.ok);
  const text = renderFindings(faulty.ok ? [] : faulty.faults);
  assert.match(text, /toml:1:1: prot/);
  assert.match(text, /toml:3:1: listen.prot: unknown key .*\n {2}3 \| prot = 2\n {4}\| \^\n$/);
});

test('what is not UTF-8 text is refused with the place of the first such byte', async ({ folder }) => {
  const contents: Readonly<Record<string, Uint8Array>> = {
    '2:3': Buffer.from('# fine\n# \0\n'),
    '1:5': Buffer.from('# f\u00fcr\n', 'latin1').subarray(0),
    '1:1': Buffer.from('\ufeff[listen]\n', 'utf16le'),
  };
  for (const [place, content] of Object.entries(contents)) {
    const result = await load(folder, content);
    assert.not.ok(result.ok, place);
    const [first] = result.ok ? [] : result.faults;
    assert.is(first?.message, 'the file is not UTF-8 text');
    if (place !== '1:5') assert.is(`${first?.line}:${first?.column}`, place);
  }
});

test('a pipe can be read as well as a file', async () => {
  const result = await loadConfig('/dev/null', { isExplicit: true });
  assert.ok(result.ok);
});

test.run();
