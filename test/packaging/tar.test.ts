/** The archive writer, read back by tar. */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeTar } from '../../docker/program/tar.ts';
import { file, folder, tree } from '../../docker/program/tree.ts';
import { SAMPLE, SAMPLE_TIME } from './sample.ts';
import { listArchive, readFromArchive } from './system.ts';

const GOLDEN = 'e31d43f92fcce6834d934d2a8001234e1fa93f6cb7dac315f35b0b7b074a7610';

test('tar lists modes, owners, times and links as they were given, parents first', () => {
  const lines = listArchive(writeTar(SAMPLE, { modifiedAt: SAMPLE_TIME }));
  assert.equal(lines, [
    'drwxrwxrwt 10001/10001       0 2026-01-02 03:04 data/',
    'drwxr-xr-x 0/0               0 2026-01-02 03:04 etc/',
    '-rw-r--r-- 0/0               0 2026-01-02 03:04 etc/empty',
    '-rw-r--r-- 0/0               9 2026-01-02 03:04 etc/sample.toml',
    'drwxr-xr-x 0/0               0 2026-01-02 03:04 usr/',
    'drwxr-xr-x 0/0               0 2026-01-02 03:04 usr/bin/',
    'lrwxrwxrwx 0/0               0 2026-01-02 03:04 usr/bin/other -> sample',
    '-rwxr-xr-x 0/0              17 2026-01-02 03:04 usr/bin/sample',
  ]);
});

test('the bytes are the same for the same tree, on every machine', () => {
  const bytes = writeTar(SAMPLE, { modifiedAt: SAMPLE_TIME });
  assert.is(createHash('sha256').update(bytes).digest('hex'), GOLDEN);
});

test('contents come back whole, whatever their length', () => {
  for (const length of [0, 1, 511, 512, 513, 70_000]) {
    const content = Buffer.alloc(length, 'lockgate ');
    const bytes = writeTar([file('content', content)], { modifiedAt: SAMPLE_TIME });
    assert.is(bytes.length % 512, 0);
    assert.ok(readFromArchive(bytes, 'content').equals(content), `${length} bytes`);
  }
});

test('a path that tar could not hold is refused, and so is one that leads out of the package', () => {
  assert.throws(() => writeTar([file('a'.repeat(101), '')], { modifiedAt: 0 }), /longer than 100 bytes/);
  for (const path of ['/etc/passwd', '../etc', 'a/../b', 'a//b', '', 'a/', 'a b']) {
    assert.throws(() => tree(file(path, '')), /not a plain relative path/, path);
  }
  assert.throws(() => tree(file('a', ''), file('a', '')), /stands there twice/);
});

test('a folder that was described keeps its mode; the others are made', () => {
  const all = tree(folder('a/b', 0o700), file('a/b/c', ''));
  assert.equal(
    all.map(({ path, mode }) => [path, mode]),
    [
      ['a', 0o755],
      ['a/b', 0o700],
      ['a/b/c', 0o644],
    ],
  );
});

test.run();
