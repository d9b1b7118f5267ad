/** Versions are compared as numbers, and an unreadable one is not below anything. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isVersionBelow } from '../../src/lib/product-version.ts';

const test = suite('product version');

test('parts are numbers, and what comes behind a dash does not count', () => {
  for (const version of ['1.43.2', '1.43.2.99999-zzz', '1.9.100', '0.9', '1', '1.43', '1.42.1.10060-4e8b05daf']) {
    assert.ok(isVersionBelow(version, '1.43.3'), version);
  }
  for (const version of ['1.43.3', '1.43.3.1-abc', '1.43.10', '1.100.0', '2', '10.0']) {
    assert.not.ok(isVersionBelow(version, '1.43.3'), version);
  }
});

test('an unreadable version is not known to be vulnerable', () => {
  for (const version of [undefined, '', 'abc', '1.x', '-1', 'v1.2', '1..2', '1.2.', '9'.repeat(30), ' 1.2']) {
    assert.not.ok(isVersionBelow(version, '1.43.3'), String(version));
  }
  assert.not.ok(isVersionBelow('1.2', 'auto'));
});

test('a minimum of 0 is below nothing', () => {
  assert.not.ok(isVersionBelow('0.0.0', '0'));
  assert.not.ok(isVersionBelow('1.0', '0'));
});

test.run();
