/** Packages for opkg, read back by tar. */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeIpk } from '../../openwrt/package/ipk.ts';
import { SAMPLE, SAMPLE_TIME } from './sample.ts';
import { listArchive, readFromArchive } from './system.ts';

const GOLDEN = '1b6984177c3f2218b215a16a50a9f77551211a6fb01f306f0b92cb78bea23f14';
const IPK = writeIpk({
  fields: {
    Package: 'sample',
    Version: '1.2.3-r1',
    Depends: 'kmod-loop',
    Architecture: 'x86_64',
    Description: 'A sample.',
  },
  conffiles: ['/etc/sample.toml'],
  scripts: { preinst: '#!/bin/sh\nexit 0\n', postinst: '#!/bin/sh\nexit 0\n' },
  files: SAMPLE,
  modifiedAt: SAMPLE_TIME,
});

/** Name and mode of every entry. */
function names(bytes: Buffer): string[] {
  return listArchive(bytes).map((line) => `${line.slice(0, 10)} ${line.split(' ').slice(-1)[0]}`);
}

test('it is a gzip of an archive with three parts, in the order in which opkg reads them', () => {
  assert.equal(names(IPK), ['-rw-r--r-- ./debian-binary', '-rw-r--r-- ./data.tar.gz', '-rw-r--r-- ./control.tar.gz']);
  assert.is(readFromArchive(IPK, './debian-binary').toString(), '2.0\n');
});

test('the control part has the fields, the files of the user and the scripts', () => {
  const control = readFromArchive(IPK, './control.tar.gz');
  assert.equal(names(control), [
    'drwxr-xr-x ./',
    '-rw-r--r-- ./conffiles',
    '-rw-r--r-- ./control',
    '-rwxr-xr-x ./postinst',
    '-rwxr-xr-x ./preinst',
  ]);
  assert.is(
    readFromArchive(control, './control').toString(),
    'Package: sample\nVersion: 1.2.3-r1\nDepends: kmod-loop\nArchitecture: x86_64\nInstalled-Size: 26\nDescription: A sample.\n',
  );
  assert.is(readFromArchive(control, './conffiles').toString(), '/etc/sample.toml\n');
});

test('the data part has the files below ./', () => {
  const lines = listArchive(readFromArchive(IPK, './data.tar.gz'));
  assert.ok(
    lines.some((line) => line.startsWith('-rwxr-xr-x 0/0') && line.endsWith(' ./usr/bin/sample')),
    lines.join('\n'),
  );
  assert.ok(lines.some((line) => line.endsWith(' ./usr/bin/other -> sample')));
  assert.match(lines[0] ?? '', / \.\/$/);
});

test('what is packed is the same bytes for the same files', () => {
  // Not of the packed form: that is the version of zlib's as well.
  assert.is(
    createHash('sha256')
      .update(gunzipSync(readFromArchive(IPK, './data.tar.gz')))
      .digest('hex'),
    GOLDEN,
  );
});

test.run();
