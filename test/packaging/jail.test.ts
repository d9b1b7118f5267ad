/** Jails leave nothing behind on the machine that tests, whatever happens to the test. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { whyNoJail } from './jail.ts';

const missing = whyNoJail();
if (missing !== undefined) console.log(`skipped: jails (${missing})`);
const withJails = missing === undefined ? test : test.skip;

withJails('a set-up that throws before anybody holds its jail leaves neither mounts nor folder', () => {
  const script = `
    const { Jail } = await import(${JSON.stringify(join(import.meta.dirname, 'jail.ts'))});
    const jail = new Jail();
    jail.mount('', '--bind', jail.root);
    jail.mount('dev', '--bind', '/dev');
    jail.mount('mnt/my nas', '-t', 'tmpfs', 'tmpfs');
    console.log(jail.root);
    throw new Error('the rest of the set-up');`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  assert.is(status, 1);
  assert.match(stderr, 'the rest of the set-up');
  const root = stdout.trim();
  assert.match(root, /\/lockgate-jail-/);
  assert.not.match(readFileSync('/proc/self/mounts', 'utf8'), root);
  assert.not.ok(existsSync(root));
  assert.ok(existsSync('/dev/null'));
});

test.run();
