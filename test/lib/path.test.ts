/** Normal form and readings of request paths. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePercent, isNormalPath, pathVariants } from '../../src/lib/path.ts';

const test = suite('path');

test('ordinary paths are in normal form', () => {
  const paths = [
    '/',
    '/library/sections/1/all',
    '/:/websockets/notifications',
    '/video/:/transcode/universal/start.m3u8',
  ];
  for (const path of [
    ...paths,
    '/Users/a%20b/Images',
    '/web/js/chunk-1.2~3.js',
    '/library/%C3%A9',
    '/a/',
    '/a+b,c=d@e!',
  ]) {
    assert.ok(isNormalPath(path), path);
  }
});

test('whatever two servers might read differently is not in normal form', () => {
  const hostile = [
    '',
    'library',
    '*',
    '//',
    '/library//sections',
    '/library/./x',
    '/library/../x',
    '/.',
    '/.well-known/x',
    '/a\\b',
  ];
  const escapes = [
    '%2e',
    '%2E',
    '%2f',
    '%2F',
    '%5c',
    '%5C',
    '%25',
    '%00',
    '%0a',
    '%1f',
    '%7f',
    '%3b',
    '%3f',
    '%23',
    '%c0%ae',
    '%C1',
  ];
  const broken = ['/%', '/%2', '/%zz', '/a%g0'];
  const bytes = ['/a;b', '/a b', '/a\tb', '/a\0b', '/a\x7fb', '/\xe9', '/a\nb', '/a#b'];
  for (const path of [...hostile, ...escapes.map((code) => `/library/${code}x`), ...broken, ...bytes]) {
    assert.not.ok(isNormalPath(path), JSON.stringify(path));
  }
});

test('the readings of a path include what a careless server makes of it', () => {
  const readings: readonly [string, string][] = [
    ['/Library/File', '/library/file'],
    ['//library//file', '/library/file'],
    ['/library/%66ile', '/library/file'],
    ['/library/%2566ile', '/library/file'],
    ['/library/x/../file', '/library/file'],
    ['/library/x/%2e%2e/file', '/library/file'],
    ['/library/x%252f..%252ffile', '/library/file'],
    ['/library\\file', '/library/file'],
    ['/library%5cfile', '/library/file'],
    ['/library/file/', '/library/file'],
    ['/library/file;jsessionid=1', '/library/file'],
    ['/library;v=1/file%3bx', '/library/file'],
    ['/library/file%3furl=x', '/library/file'],
    ['/library/./file/.', '/library/file'],
    ['/../../library/file', '/library/file'],
    ['/', '/'],
  ];
  for (const [path, reading] of readings) assert.ok(pathVariants(path).includes(reading), path);
});

test('a broken escape is left alone, and nothing throws', () => {
  assert.is(decodePercent('%41%4%zz%'), 'A%4%zz%');
  assert.is(decodePercent('%ff%fe'), '\xff\xfe');
  for (const path of ['%', '%%%', '/%E0%A4%A', '\u{1f3ac}', '/'.repeat(10_000), `${'/..'.repeat(5000)}`])
    pathVariants(path);
});

test.run();
