/** Packages for apk-tools 3, read back by a reader of their own. */
import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeApk } from '../../openwrt/package/apk.ts';
import { readApk, text, type Value } from './apk-reader.ts';
import { SAMPLE, SAMPLE_TIME } from './sample.ts';

const GOLDEN = '204586f3f4b44c8fcf1e036642bbc9f352f69be19cb58d9b1426fc710b541c9e';
const POST_INSTALL = `#!/bin/sh\n${'echo a script that is longer than 255 bytes\n'.repeat(10)}`;
const APK = writeApk({
  name: 'sample',
  version: '1.2.3-r1',
  description: 'A sample.',
  arch: 'x86_64',
  license: 'MIT',
  maintainer: 'The authors',
  depends: ['kmod-loop', 'base-files'],
  scripts: { 'post-install': POST_INSTALL, 'pre-upgrade': '#!/bin/sh\nexit 0\n' },
  files: SAMPLE,
  modifiedAt: SAMPLE_TIME,
});

test('a reader of the format finds every file, with its mode, owner and content', () => {
  const { folders, files } = readApk(APK);
  assert.equal(folders, ['', 'data', 'etc', 'usr', 'usr/bin']);
  assert.equal(
    files.map(({ path, mode, user, target, content }) => [path, mode, user, target ?? content?.toString()]),
    [
      ['etc/empty', 0o644, 'root', ''],
      ['etc/sample.toml', 0o644, 'root', 'port = 1\n'],
      ['usr/bin/other', 0o777, 'root', 'sample'],
      ['usr/bin/sample', 0o755, 'root', '#!/bin/sh\nexit 0\n'],
    ],
  );
});

test('it says what the package is and what it depends on, sorted', () => {
  const { info } = readApk(APK);
  assert.equal(
    [1, 2, 4, 5, 6, 7, 8].map((number) => text(info[number])),
    ['sample', '1.2.3-r1', 'A sample.', 'x86_64', 'MIT', 'sample', 'The authors'],
  );
  assert.is(info[11], SAMPLE_TIME);
  const depends = (info[15] as Value[][]).slice(1).map((dependency) => text(dependency[1]));
  assert.equal(depends, ['base-files', 'kmod-loop']);
});

test('scripts stand at the numbers that apk runs them by', () => {
  const { scripts } = readApk(APK);
  assert.is(text(scripts[3]), POST_INSTALL);
  assert.is(text(scripts[6]), '#!/bin/sh\nexit 0\n');
  assert.is(scripts[2], null);
});

test('what is packed is the same bytes for the same files', () => {
  // Not of the packed form: that is the version of zlib's as well.
  assert.is(
    createHash('sha256')
      .update(inflateRawSync(APK.subarray(4)))
      .digest('hex'),
    GOLDEN,
  );
});

test('the reader refuses a package that was changed', () => {
  const plain = inflateRawSync(APK.subarray(4));
  const changed = Buffer.from(plain);
  changed.write('P0RT', changed.indexOf('port = 1'));
  assert.throws(() => readApk(changed), /etc\/sample.toml has another hash/);
  const renamed = Buffer.from(plain);
  renamed.write('simple', renamed.indexOf('sample'));
  assert.throws(() => readApk(renamed), /another identity/);
});

test.run();
