/** Parses TOML and explains its syntax errors, more than one where the rest can still be read. The one place that knows smol-toml. */
import { parse, TomlError } from 'smol-toml';
import { locate } from './locate.ts';
import type { Source } from './source.ts';

/** A TOML table as parsed; values are strings, numbers, booleans, dates, arrays and tables. */
export type Table = Readonly<Record<string, unknown>>;

export interface SyntaxFault {
  readonly offset: number;
  readonly message: string;
  readonly hint: string | undefined;
}

export interface ParsedToml {
  /** Undefined when a syntax error leaves open what the rest means. */
  readonly table: Table | undefined;
  /** The text of which `table` was made: faulty lines are blank, offsets are those of the source. */
  readonly text: string;
  /** Names of the keys in those lines. */
  readonly leftOut: readonly string[];
  readonly faults: readonly SyntaxFault[];
}

/** Lines with errors that are left out before the parser gives up. */
const MAX_LEFT_OUT = 50;
/** No configuration nests deeper. */
const MAX_DEPTH = 16;

/** Parses the text. A faulty line that stands for itself is left out and the rest is read on. */
export function parseToml(source: Source): ParsedToml {
  const faults: SyntaxFault[] = [];
  const leftOut: string[] = [];
  let text = source.text;
  while (faults.length < MAX_LEFT_OUT) {
    const result = parseOnce(text);
    if ('table' in result) return { table: result.table, text, leftOut, faults };
    const offset = source.startOf(result.line) + result.column - 1;
    const explained = explain(result.problem, source, offset);
    faults.push({ offset, ...explained });
    const line = standingAlone(source, offset, GIVEN_TWICE.test(result.problem));
    if (line === undefined) break;
    leftOut.push(line.key);
    text = text.slice(0, line.start) + ' '.repeat(line.length) + text.slice(line.start + line.length);
  }
  return { table: undefined, text, leftOut, faults };
}

interface ParserComplaint {
  readonly problem: string;
  readonly line: number;
  readonly column: number;
}

function parseOnce(text: string): { table: Table } | ParserComplaint {
  try {
    return { table: parse(text, { maxDepth: MAX_DEPTH }) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const problem = error.message
      .split('\n', 1)[0]!
      .replace(/^Invalid TOML document: /, '')
      .replace(/\.$/, '');
    return { problem, line: error.line, column: error.column };
  }
}

const GIVEN_TWICE = /^trying to redefine/;

/** What the parser's words mean to somebody who writes a configuration file. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:invalid value|illegal character in numeric|unfinished numeric|illegal leading|invalid date|integer value)/,
    'text stands in double quotes; numbers, true and false do not',
  ],
  [
    /^(?:unrecognised escape|invalid unicode escape|invalid non-hex|invalid escape)/,
    "put text with backslashes in single quotes: 'C:\\folder'",
  ],
  [/^(?:unfinished string|control characters are not allowed in strings)/, 'the closing quote is missing'],
  [/^(?:unfinished array|unfinished table|expected comma)/, 'a comma or the closing bracket is missing'],
  [
    /^(?:incomplete key-value|unexpected end of key|illegal character in key|illegal empty)/,
    'a line is [section], key = value, or a # comment',
  ],
  [/^each key-value/, 'one key = value in a line; comments begin with #'],
];

function explain(problem: string, source: Source, offset: number): { message: string; hint: string | undefined } {
  const hint = HINTS.find(([pattern]) => pattern.test(problem))?.[1];
  if (!GIVEN_TWICE.test(problem)) return { message: `not TOML: ${problem}`, hint };
  const [name = ''] = source.text.slice(offset).split(/[=\]\n]/, 1);
  return { message: `${name.trim()}: is given twice`, hint: `${firstPlace(source, offset)}remove one of them` };
}

/** `the first is in line 3; `, when that can be told. */
function firstPlace(source: Source, offset: number): string {
  const first = locate(source.text.slice(0, source.startOf(source.positionAt(offset).line + 1))).firstOf(offset);
  return first === undefined ? '' : `the first is in line ${source.positionAt(first).line}; `;
}

/** `key = value` whose value cannot continue in the next line. */
const STANDS_ALONE = /^\s*(?:[\w-]+\.)*([\w-]+)\s*=(?!.*(?:[[{]|"""|'''))/;

/**
 * The line around `offset`, when it stands for itself. Undefined when it may be the middle of something longer, so that leaving it
 * out would make new faults: there the parser stumbles before the equals sign, unless the key is given twice.
 */
function standingAlone(
  source: Source,
  offset: number,
  isGivenTwice: boolean,
): { key: string; start: number; length: number } | undefined {
  const { line, column } = source.positionAt(offset);
  const content = source.line(line);
  const key = content.match(STANDS_ALONE)?.[1];
  if (key === undefined) return undefined;
  const isInValue = column - 1 > content.indexOf('=');
  return isInValue || isGivenTwice ? { key, start: source.startOf(line), length: content.length } : undefined;
}
