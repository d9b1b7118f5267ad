/** The small language of path patterns. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compilePatterns } from '../../src/server/path-patterns.ts';

const test = suite('path patterns');

test('each pattern matches whole paths only', () => {
  const cases: readonly [string, string[], string[]][] = [
    ['/', ['/'], ['', '//', '/a']],
    ['/a/**', ['/a', '/a/', '/a/b', '/a/b/c'], ['/ab', '/', '/b/a', '/A']],
    ['/a/*/c', ['/a/b/c', '/a/../c'], ['/a//c', '/a/c', '/a/b/b/c']],
    ['/a/x*/c', ['/a/x/c', '/a/xyz/c'], ['/a/x/y/c', '/a/yx/c']],
    ['/{a,b.c}/:/d', ['/a/:/d', '/b.c/:/d'], ['/bxc/:/d', '/c/:/d', '/a,b.c/:/d']],
    ['/a/**/{x,y}', ['/a/x', '/a/b/y', '/a/b/c/x'], ['/a', '/a/b/xy', '/ax', '/x']],
    ['/a.css', ['/a.css'], ['/axcss']],
  ];
  for (const [pattern, matching, others] of cases) {
    const matches = compilePatterns([pattern]);
    for (const path of matching) assert.ok(matches(path), `${pattern} ${path}`);
    for (const path of others) assert.not.ok(matches(path), `${pattern} ${path}`);
  }
});

test('case and prefixes are options', () => {
  const matches = compilePatterns(['/Users/Public'], { ignoreCase: true, optionalPrefixes: ['', '/emby', '/a.b'] });
  for (const path of ['/users/public', '/EMBY/Users/Public', '/a.b/Users/Public']) assert.ok(matches(path), path);
  for (const path of ['/x/users/public', '/axb/Users/Public', '/emby/emby/users/public'])
    assert.not.ok(matches(path), path);
});

test.run();
