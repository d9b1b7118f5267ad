import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { locate, type Path } from '../../src/config/locate.ts';
import { Source } from '../../src/config/source.ts';

const test = suite('locate');

/** A text with its places as `line:column`. */
function places(text: string) {
  const source = new Source('x.toml', text);
  const locations = locate(text);
  const show = (offset: number | undefined) => {
    if (offset === undefined) return undefined;
    const { line, column } = source.positionAt(offset);
    return `${line}:${column}`;
  };
  return {
    key: (...path: Path) => show(locations.key(path)),
    value: (...path: Path) => show(locations.value(path)),
  };
}

test('finds tables, keys and values', () => {
  const { key, value } = places('# first\n[ listen ]\n  port   =  32400 # best\n\n[log]\nlevel="info"');
  assert.is(key('listen'), '2:3');
  assert.is(key('listen', 'port'), '3:3');
  assert.is(value('listen', 'port'), '3:13');
  assert.is(value('log', 'level'), '6:7');
  assert.is(key('log', 'format'), undefined);
  assert.is(value('log', 'format'), undefined);
});

test('finds dotted and quoted keys, at the root and in tables', () => {
  const { key, value } = places('a.b = 1\n"c d".\'e"f\' = 2\n[x."y.z"]\nq . r = 3\n"\\u0061\\x62\\U00000063\\t" = 4');
  assert.is(key('a'), '1:1');
  assert.is(key('a', 'b'), '1:3');
  assert.is(value('a', 'b'), '1:7');
  assert.is(key('c d', 'e"f'), '2:7');
  assert.is(key('x', 'y.z'), '3:4');
  assert.is(key('x', 'y.z', 'q', 'r'), '4:5');
  assert.is(value('x', 'y.z', 'q', 'r'), '4:9');
  assert.is(value('x', 'y.z', 'abc\t'), '5:28');
});

test('finds tables in any order, and parts of one that come later', () => {
  const { key, value } = places('[a.c]\nx = 1\n[b]\nx = 2\n[a]\nx = 3');
  assert.is(key('a'), '1:2');
  assert.is(value('a', 'c', 'x'), '2:5');
  assert.is(value('a', 'x'), '6:5');
  assert.is(value('b', 'x'), '4:5');
});

test('finds the members of arrays and inline tables over several lines', () => {
  const { key, value } = places(
    'a = [ # one\n  1, "x]",\n  [2, 3], # more ]\n  { b = 4 },\n]\nt = { x = 1, y.z = [5], }\nlast = 6',
  );
  assert.is(value('a'), '1:5');
  assert.is(value('a', 0), '2:3');
  assert.is(value('a', 1), '2:6');
  assert.is(value('a', 2, 1), '3:7');
  assert.is(key('a', 3, 'b'), '4:5');
  assert.is(value('a', 3, 'b'), '4:9');
  assert.is(value('t', 'y', 'z', 0), '6:21');
  assert.is(value('last'), '7:8');
});

test('is not misled by what stands in strings', () => {
  const { value } = places(
    'a = "x = 1 # \\" [y]"\nb = \'\\\'\nc = """\n[not]\nq = "" \\""" ""\n"""""\nd = \'\'\'\n[nor]\n\'\'\'\'\ne = 1979-05-27 07:32:00\nf = 1',
  );
  assert.is(value('a'), '1:5');
  assert.is(value('b'), '2:5');
  assert.is(value('c'), '3:5');
  assert.is(value('d'), '7:5');
  assert.is(value('e'), '10:5');
  assert.is(value('f'), '11:5');
  assert.is(value('not', 'q'), undefined);
});

test('counts the elements of arrays of tables', () => {
  const { key, value } = places('[[a]]\nx = 1\n[[a]]\nx = 2\n[a.b]\ny = 3\n[[a.c]]\nz = 4');
  assert.is(key('a'), '1:3');
  assert.is(value('a', 0, 'x'), '2:5');
  assert.is(value('a', 1, 'x'), '4:5');
  assert.is(value('a', 1, 'b', 'y'), '6:5');
  assert.is(value('a', 1, 'c', 0, 'z'), '8:5');
});

test('finds the entries of text with commas', () => {
  const { value } = places('a = "x, y,z"\nb = 5\nc = """\n x,\n  y"""');
  assert.is(value('a', 0), '1:6');
  assert.is(value('a', 1), '1:9');
  assert.is(value('a', 2), '1:11');
  assert.is(value('a', 3), '1:5');
  assert.is(value('b', 0), '2:5');
  assert.is(value('c', 1), '5:3');
});

test('knows where a repeated key was first', () => {
  const text = 'a.b = 1\nc = 2\na . b = 3';
  assert.is(locate(text).firstOf(text.lastIndexOf('a')), 2);
  assert.is(locate(text).firstOf(0), undefined);
});

test('works through deep and long texts in no time', () => {
  const started = performance.now();
  locate(`${'a.'.repeat(200_000)}b = 1`);
  locate(`a = """${'\\"'.repeat(400_000)}"""`);
  locate(`a = [\n${'# x\n'.repeat(200_000)}]`);
  locate('a = '.repeat(200_000));
  assert.ok(performance.now() - started < 5000);
});

test.run();
