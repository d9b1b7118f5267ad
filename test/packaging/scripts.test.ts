/** The shell scripts of the packages: read by shellcheck, and by the shell that routers have. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hasCommand } from './system.ts';

const ROOT = join(import.meta.dirname, '../..');
/** SC1091: files of the router. SC2034: variables that rc.common reads, and that a sourced file is for. */
const NOT_HERE = 'SC1091,SC2034';

const scripts = ['openwrt/files', 'openwrt/scripts', 'synology/scripts', 'synology/files/bin'].flatMap((folder) => {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return paths.filter((path) => /^#!\/bin\/sh|shellcheck shell/.test(readFileSync(path, 'utf8')));
});

function read(command: string, args: readonly string[], script: string): string {
  const result = spawnSync(command, [...args], { input: readFileSync(script), encoding: 'utf8', timeout: 30_000 });
  return result.status === 0 ? '' : `${relative(ROOT, script)}: ${result.stdout}${result.stderr}`;
}

test('there are scripts to look at', () => {
  assert.ok(scripts.length >= 14, scripts.join(' '));
});

test('shellcheck has nothing to say', () => {
  for (const script of scripts)
    assert.is(read('shellcheck', ['--shell=dash', `--exclude=${NOT_HERE}`, '-'], script), '');
});

const hasBusybox = hasCommand('busybox');
if (!hasBusybox) console.log('skipped: reading scripts with busybox (it is not installed)');
(hasBusybox ? test : test.skip)('the shell of busybox can read them', () => {
  for (const script of scripts) assert.is(read('busybox', ['ash', '-n'], script), '');
});

test('indentation is by tabs, as OpenWrt and DSM have it', () => {
  for (const script of scripts) assert.not.match(readFileSync(script, 'utf8'), /^ +\S/m, script);
});

test.run();
