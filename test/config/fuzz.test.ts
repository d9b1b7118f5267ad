import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { renderExample } from '../../src/config/example.ts';
import { type LoadResult, readConfig } from '../../src/config/load.ts';
import { findingsToJson, renderFindings } from '../../src/config/report.ts';

/** A small generator of pseudo-random numbers (mulberry32): a failure can be repeated from its seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Generous: the tests of several files share the processor. */
const DEADLINE_MS = 5000;

/** Whatever comes in, there is a configuration or at least one fault that can be shown. */
function judge(content: string | Uint8Array, story: string): LoadResult {
  const started = performance.now();
  let result: LoadResult;
  try {
    result = readConfig(content, 'lockgate.toml');
    const findings = result.ok ? result.notes : result.faults;
    assert.ok(result.ok || findings.length > 0, story);
    assert.ok(renderFindings(findings).length < 200_000, story);
    for (const { line, column, message } of findingsToJson(findings)) {
      assert.ok(message.length > 0 && message.length < 1000, story);
      assert.ok(line === null || (line >= 1 && (column ?? 0) >= 1), story);
    }
    const lines = findings.map(({ line }) => line ?? Number.MAX_SAFE_INTEGER);
    assert.equal(
      lines,
      lines.toSorted((a, b) => a - b),
      story,
    );
  } catch (error) {
    throw new Error(`${story}: ${error instanceof Error ? error.stack : error}\n${String(content).slice(0, 2000)}`);
  }
  assert.ok(performance.now() - started < DEADLINE_MS, `${story}: took too long`);
  return result;
}

/** Pieces that turn one TOML text into another, or into none. */
const PIECES = [
  '"',
  "'",
  '"""',
  "'''",
  '[',
  ']',
  '[[',
  ']]',
  '{',
  '}',
  '=',
  '.',
  ',',
  '#',
  '\n',
  '\r\n',
  '\r',
  '\t',
  '\\',
  '\\u0041',
  '\ufeff',
  '\0',
  '-1',
  '0',
  '1e400',
  '1979-05-27',
  'true',
  'nan',
  'lan',
  '[listen]',
  '[server]',
  'port = 1',
  'x.y = 1',
  '__proto__ = 1',
  '[__proto__]',
  'ü',
  '\ud800',
  '😀',
  '\u2028',
  '999999999999999999999',
  '0.0.0.0/0',
  '::',
  'tls://',
  'a'.repeat(300),
];

const test = suite('fuzz');

test('random bytes give faults', () => {
  const random = randomFrom(1);
  for (let round = 0; round < 1500; round++) {
    judge(
      Uint8Array.from({ length: random(200) }, () => random(256)),
      `bytes ${round}`,
    );
  }
});

test('random pieces of TOML give faults or a configuration', () => {
  const random = randomFrom(2);
  for (let round = 0; round < 1500; round++) {
    const text = Array.from({ length: random(30) }, () => PIECES[random(PIECES.length)]).join(
      random(2) === 0 ? '' : ' ',
    );
    judge(text, `pieces ${round}`);
  }
});

test('random changes of the example give faults or a configuration', () => {
  const random = randomFrom(3);
  const example = renderExample().replace(/^#.*\n/gm, '');
  const outcomes = { right: 0, wrong: 0 };
  for (let round = 0; round < 800; round++) {
    let text = example;
    for (let change = random(4); change >= 0; change--) {
      const start = random(text.length);
      const end = start + (random(2) === 0 ? 0 : random(12));
      text = text.slice(0, start) + (random(4) === 0 ? '' : PIECES[random(PIECES.length)]) + text.slice(end);
    }
    outcomes[judge(text, `example ${round}`).ok ? 'right' : 'wrong']++;
  }
  assert.ok(outcomes.right > 10 && outcomes.wrong > 300, JSON.stringify(outcomes));
});

test('hostile sizes are judged in time', () => {
  const length = 256 * 1024;
  const hostile: Readonly<Record<string, string>> = {
    brackets: `a = ${'['.repeat(length)}`,
    braces: `a = ${'{a='.repeat(length / 3)}`,
    dots: `${'a.'.repeat(50_000)}b = 1`,
    quotes: `a = ${'"'.repeat(length)}`,
    tables: '[a.b.c]\n'.repeat(length / 8),
    keys: Array.from({ length: 20_000 }, (_, index) => `k${index} = 1`).join('\n'),
    entries: `[listen]\nport = [${'"x", '.repeat(50_000)}]`,
    commas: `[access]\nallowed_networks = "${','.repeat(100_000)}"`,
    repeats: `[dns]\nlisten = [${Array.from({ length: 30_000 }, (_, index) => `"127.0.0.1:${index}"`).join()}]`,
    line: `[listen]\nport = "${'x'.repeat(length)}"`,
    secret: `[server]\ntoken${' '.repeat(length)}`,
    broken: 'k = x\n'.repeat(40_000),
    blank: ' \n'.repeat(length / 2),
  };
  for (const [name, text] of Object.entries(hostile)) judge(text, name);
});

test.run();
