/** Query arguments: found in any spelling, removed byte for byte. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { queryValues, removeQueryArguments } from '../../src/lib/query.ts';

const test = suite('query');
const names = new Set(['token']);

test('an argument is found however its name is written', () => {
  for (const query of ['token=x', 'TOKEN=x', 'a&Token=x', '%74oken=x', 't%6Fken=%78', 'a=1;token=x', '&&token=x&&']) {
    assert.equal(queryValues(query, names), ['x'], query);
  }
  assert.equal(queryValues('token=a&TOKEN=b&token', names), ['a', 'b', '']);
  assert.equal(queryValues('token=a=b%26c', names), ['a=b&c']);
});

test('what only looks like the argument is not', () => {
  for (const query of ['', 'tokens=x', 'url=/a?token=x', 'url=%26token=x', '%2574oken=x', 'x=token']) {
    assert.equal(queryValues(query, names), [], query);
  }
});

test('removing leaves every other byte as it was', () => {
  const cases: readonly [string, string][] = [
    ['/p?token=x', '/p'],
    ['/p?token', '/p'],
    ['/p?token=x&a=1', '/p?a=1'],
    ['/p?a=1&token=x', '/p?a=1'],
    ['/p?a=1&token=x&b=%2F+;c', '/p?a=1&b=%2F+;c'],
    ['/p?a=1;%74oken=x;TOKEN=y&b', '/p?a=1;b'],
    ['/p?&token=x&', '/p?&'],
    ['/p?a&&b', '/p?a&&b'],
    ['/p?', '/p?'],
    ['/p', '/p'],
    ['/token=x', '/token=x'],
    ['/p?a=%zz&token=x&b=\xe9', '/p?a=%zz&b=\xe9'],
  ];
  for (const [target, expected] of cases) assert.is(removeQueryArguments(target, names), expected, target);
});

test.run();
