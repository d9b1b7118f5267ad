/** Packages for DSM, read back by tar, xz and a small reader of pictures. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { file, program, tree } from '../../docker/program/tree.ts';
import { drawIcon } from '../../synology/package/icon.ts';
import { nasVersion, scriptPackage } from '../../synology/package/packages.ts';
import { SAMPLE_TIME } from './sample.ts';
import { hasCommand, inFolder, listArchive, output, readFromArchive } from './system.ts';

const SYNOLOGY = join(import.meta.dirname, '../../synology');

const isPackable = hasCommand('xz');
if (!isPackable) console.log('skipped: packages for DSM (xz is not installed)');
const packed = isPackable ? test : test.skip;
const FILES = tree(program('lockgate', '#!/bin/sh\n'), file('lockgate.cjs', '// bundle\n'));
const SPK = isPackable ? scriptPackage(FILES, SAMPLE_TIME) : Buffer.alloc(0);

function info(): Map<string, string> {
  const lines = readFromArchive(SPK, 'INFO').toString().trim().split('\n');
  return new Map(lines.map((line) => /^(\w+)="(.*)"$/.exec(line)?.slice(1) as [string, string]));
}

packed('the description comes first and names the checksum of the packed files', () => {
  const names = listArchive(SPK).map((line) => line.split(' ').at(-1));
  assert.is(names[0], 'INFO');
  const files = readFromArchive(SPK, 'package.tgz');
  assert.is(info().get('checksum'), createHash('md5').update(files).digest('hex'));
  assert.is(info().get('dsmappname'), 'lockgate', 'the name of the entry in ui/config');
  assert.is(info().get('arch'), 'noarch');
  assert.is(info().get('install_dep_packages'), 'Node.js_v22');
  assert.match(info().get('version') ?? '', /^\d+\.\d+\.\d+-0001$/);
});

packed('it has every script that DSM calls, executable', () => {
  const lines = listArchive(SPK);
  for (const name of [
    'preinst',
    'postinst',
    'preuninst',
    'postuninst',
    'preupgrade',
    'postupgrade',
    'start-stop-status',
  ]) {
    assert.ok(
      lines.some((line) => line.startsWith('-rwxr-xr-x') && line.endsWith(` scripts/${name}`)),
      name,
    );
  }
});

packed('the packed files are the bundle, the command and the entry in the menu', () => {
  const files = readFromArchive(SPK, 'package.tgz');
  const names = inFolder((folder) => {
    const path = join(folder, 'package.tgz');
    writeFileSync(path, files);
    return output('tar', '--list', '--file', path).trim().split('\n');
  });
  for (const name of ['bin/lockgate', 'lockgate', 'lockgate.cjs', 'ui/config', 'ui/icon_64.png', 'ui/lockgate.sc']) {
    assert.ok(names.includes(name), name);
  }
});

test('rights, resources, menu and wizard can be read', () => {
  const readJson = (path: string) => JSON.parse(readFileSync(join(SYNOLOGY, path), 'utf8'));
  assert.equal(readJson('conf/privilege').defaults, { 'run-as': 'package' });
  assert.is(readJson('conf/resource')['port-config']['protocol-file'], 'ui/lockgate.sc');
  assert.ok(readdirSync(join(SYNOLOGY, 'files/ui')).includes('lockgate.sc'));
  assert.is(readJson('files/ui/config')['.url'].lockgate.url, '/.lockgate/');
  const steps = readJson('wizard/install_uifile') as { items: { subitems: { key: string }[] }[] }[];
  const keys = steps.flatMap(({ items }) => items.flatMap(({ subitems }) => subitems.map(({ key }) => key)));
  assert.equal(keys, ['wizard_server', 'wizard_folder', 'wizard_port', 'wizard_read']);
});

test('uninstalling asks what becomes of the data, and keeps it when nothing is chosen', () => {
  const [step] = JSON.parse(readFileSync(join(SYNOLOGY, 'wizard/uninstall_uifile'), 'utf8'));
  const answers = step.items[0].subitems as { key: string; defaultValue: boolean }[];
  assert.equal(
    answers.map(({ key, defaultValue }) => [key, defaultValue]),
    [
      ['wizard_keep', true],
      ['wizard_remove', false],
    ],
  );
});

test('the wizard lets through what the script lets through', () => {
  const steps = JSON.parse(readFileSync(join(SYNOLOGY, 'wizard/install_uifile'), 'utf8')) as {
    items: { subitems: { key: string; validator?: { regex: { expr: string } } }[] }[];
  }[];
  const fields = steps.flatMap(({ items }) => items.flatMap(({ subitems }) => subitems));
  const takes = (key: string, text: string) => {
    const { expr = '' } = fields.find((field) => field.key === key)?.validator?.regex ?? {};
    return new RegExp(expr.slice(1, -1)).test(text);
  };
  for (const good of ['auto', '/volume1/PlexMediaServer/AppData/Plex Media Server', '/volume1/Müller']) {
    assert.ok(takes('wizard_folder', good), good);
  }
  for (const bad of ['', 'volume1', '/a"b', '/a\\b']) assert.not.ok(takes('wizard_folder', bad), bad);
  assert.ok(takes('wizard_port', '32443'));
  for (const bad of ['', '443', '123456', 'x']) assert.not.ok(takes('wizard_port', bad), bad);
});

test('a version is said in the words of DSM', () => {
  assert.is(nasVersion('1.2.3'), '1.2.3-0001');
  assert.is(nasVersion('1.2.3-rc.1'), '1.2.3-0001');
});

test('the icon is a picture: green at the edge, white in the middle of the lock, clear in the corners', () => {
  const { size, pixelAt } = readPng(drawIcon(64));
  assert.is(size, 64);
  assert.is(pixelAt(0, 0)[3], 0);
  assert.equal(pixelAt(32, 3), [18, 144, 125, 255]);
  assert.equal(pixelAt(32, 34), [255, 255, 255, 255]);
});

/** Reads what writePng writes: one IDAT, no filter. */
function readPng(bytes: Buffer) {
  assert.is(bytes.toString('latin1', 1, 4), 'PNG');
  const size = bytes.readUInt32BE(16);
  const start = bytes.indexOf('IDAT');
  const rows = inflateSync(bytes.subarray(start + 4, start + 4 + bytes.readUInt32BE(start - 4)));
  const pixelAt = (x: number, y: number) => [...rows.subarray(y * (1 + 4 * size) + 1 + 4 * x).subarray(0, 4)];
  return { size, pixelAt };
}

test.run();
