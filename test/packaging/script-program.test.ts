/** The program without a runtime: it runs on the Node of the machine, and says so when that one is missing or too old. */

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scriptTree } from '../../docker/program/script-tree.ts';
import { writeTree } from '../../docker/program/write-tree.ts';
import { curl } from '../support/curl.ts';
import { startPlex } from '../support/plex.ts';
import { Installation, RunningProgram } from '../support/program.ts';
import { inFolder } from './system.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Runs `lockgate version` with a Node of this kind: a path, or the text of a script. */
function version(node: string, env: Readonly<Record<string, string>> = {}) {
  return inFolder((folder) => {
    const installFolder = join(folder, 'lockgate');
    writeTree(scriptTree(ROOT, { node: '"$LOCKGATE_NODE"', installFolder }), installFolder);
    const stub = join(folder, 'node');
    if (node.startsWith('#!')) {
      writeFileSync(stub, node);
      chmodSync(stub, 0o755);
    }
    const LOCKGATE_NODE = node.startsWith('#!') ? stub : node;
    return spawnSync(join(installFolder, 'lockgate'), ['version'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...env, LOCKGATE_NODE },
    });
  });
}

test('it runs on the Node that is there, whatever the environment wants to add', () => {
  const { status, stdout, stderr } = version(process.execPath, { NODE_OPTIONS: '--print=1+1', NODE_PATH: '/nowhere' });
  assert.is(status, 0, stderr);
  assert.match(stdout, /^lockgate \S+ \(Node 2\d\./);
});

test('a Node that is too old, or none, is told in one line', () => {
  for (const [node, found] of [
    ['#!/bin/sh\necho v20.19.0\n', 'v20.19.0'],
    ['#!/bin/sh\necho v9.0.0\n', 'v9.0.0'],
    ['/nowhere/node', 'none'],
  ] as const) {
    const { status, stderr } = version(node);
    assert.is(status, 3);
    assert.is(stderr, `lockgate needs Node 22 or later; ${found} was found (LOCKGATE_NODE may name another)\n`);
  }
});

test('the next ten versions of Node are not too old', () => {
  for (const major of [22, 26, 32]) {
    const node = `#!/bin/sh\n[ "$1" = --version ] && echo v${major}.0.0 || echo "$@"\n`;
    assert.match(version(node).stdout, /--max-old-space-size=96 .*lockgate\.cjs version\n$/);
  }
});

test('it starts workers like itself', async () => {
  const plex = await startPlex();
  const installation = new Installation(
    `[server]\nurl = "${plex.url}"\n[listen]\naddresses = ["127.0.0.1"]\nport = 0\n[dns]\nenabled = false\n[run]\nworkers = 2\n`,
  );
  const folder = join(installation.folder, 'lockgate');
  writeTree(scriptTree(ROOT, { node: `"${process.execPath}"`, installFolder: folder }), folder);
  const gateway = new RunningProgram(spawn(join(folder, 'lockgate'), ['run'], { env: installation.env }));
  try {
    await gateway.line((line) => line['event'] === 'ready');
    await gateway.line((line) => line['state'] === 'claimed');
    assert.is((await curl(`http://127.0.0.1:${gateway.port}/library`)).status, 401);
    const children = readFileSync(`/proc/${gateway.pid}/task/${gateway.pid}/children`, 'utf8').trim().split(' ');
    assert.is(children.length, 2);
    gateway.signal('SIGTERM');
    assert.is(await gateway.ended(), 0);
  } finally {
    await gateway.kill();
    await plex.close();
    await installation.remove();
  }
});

test.run();
