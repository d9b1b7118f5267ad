/** Finds where keys and values stand in a TOML text, for faults that are found after it was parsed. */

/** Names of tables and keys, and indexes of arrays, from the root. */
export type Path = readonly (string | number)[];

/** Offsets into the text, the end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the keys and values of a text are. */
export class Locations {
  readonly #text: string;
  readonly #scanner: Scanner;

  constructor(text: string, scanner: Scanner) {
    this.#text = text;
    this.#scanner = scanner;
  }

  /** The offset at which a key or the name of a table is first written. */
  key(path: Path): number | undefined {
    return this.#scanner.keys.get(idOf(path));
  }

  /** The offset of a value. An index into text with commas finds the entry; into any other single value the value itself. */
  value(path: Path): number | undefined {
    const own = this.#scanner.values.get(idOf(path));
    if (own !== undefined) return own.start;
    const index = path.at(-1);
    const whole = this.#scanner.values.get(idOf(path.slice(0, -1)));
    if (typeof index !== 'number' || whole === undefined) return undefined;
    return this.#entryOf(whole, index);
  }

  /** The offset at which the key or table that is written again at `offset` was first written. */
  firstOf(offset: number): number | undefined {
    return this.#scanner.repeated.get(offset);
  }

  #entryOf({ start, end }: Span, index: number): number {
    let offset = start;
    for (let comma = 0; comma < index; comma++) offset = this.#text.indexOf(',', offset) + 1;
    if (offset < start || offset >= end) return start;
    return offset + (this.#text.slice(offset, end).match(/^["'\s]*/)?.[0].length ?? 0);
  }
}

function idOf(path: Path): string {
  return JSON.stringify(path);
}

/** Scans a text that the TOML parser has accepted. Any other text ends the scan somewhere, without an exception. */
export function locate(text: string): Locations {
  const scanner = new Scanner(text);
  scanner.scanDocument();
  return new Locations(text, scanner);
}

/** No key of the configuration is nested deeper; what is, has the place of the part above it. */
const MAX_DEPTH = 8;

const BLANKS = /[ \t]*/y;
const BLANKS_LINES_AND_COMMENTS = /(?:[ \t\r\n]+|#[^\n]*)*/y;
const REST_OF_LINE = /[^\n]*\n?/y;
const BARE_KEY = /[A-Za-z0-9_-]+/y;
const SCALAR = /[^,\]}#\n]*/y;

class Scanner {
  readonly keys = new Map<string, number>();
  readonly values = new Map<string, Span>();
  /** From the offset of a dotted key to the place where the same one was written first. */
  readonly repeated = new Map<number, number>();
  readonly #text: string;
  readonly #elements = new Map<string, number>();
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scanDocument(): void {
    let table: Path = [];
    for (;;) {
      this.#take(BLANKS_LINES_AND_COMMENTS);
      if (this.#offset >= this.#text.length) return;
      if (this.#next === '[') table = this.#header();
      else this.#keyAndValue(table);
      this.#take(REST_OF_LINE);
    }
  }

  get #next(): string {
    return this.#text[this.#offset] ?? '';
  }

  /** Moves behind what `pattern` (sticky) matches here, and returns it. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#text)?.[0] ?? '';
    this.#offset += match.length;
    return match;
  }

  #takeIf(character: string): boolean {
    const isNext = this.#next === character;
    if (isNext) this.#offset++;
    return isNext;
  }

  /** `[a.b]` or `[[a.b]]`: the path of the table that begins here. */
  #header(): Path {
    this.#takeIf('[');
    const isArray = this.#takeIf('[');
    const path = this.#dottedKey([]);
    if (!isArray) return path;
    const index = this.#elements.get(idOf(path)) ?? 0;
    this.#elements.set(idOf(path), index + 1);
    return [...path, index];
  }

  #keyAndValue(table: Path): void {
    const path = this.#dottedKey(table);
    this.#take(BLANKS);
    if (!this.#takeIf('=')) return;
    this.#take(BLANKS);
    this.#value(path);
  }

  /** Reads `a.b."c d"`, notes where each part stands, and returns the path from the root. */
  #dottedKey(table: Path): Path {
    this.#take(BLANKS);
    const dottedStart = this.#offset;
    let path = table;
    let first: number | undefined;
    do {
      this.#take(BLANKS);
      const start = this.#offset;
      const name = this.#next === '"' || this.#next === "'" ? unquote(this.#string()) : this.#take(BARE_KEY);
      if (path.length < MAX_DEPTH) {
        path = [...this.#newestElement(path), name];
        first = this.keys.get(idOf(path));
        if (first === undefined) this.keys.set(idOf(path), start);
      }
      this.#take(BLANKS);
    } while (this.#takeIf('.'));
    if (first !== undefined) this.repeated.set(dottedStart, first);
    return path;
  }

  /** `[a.b]` below `[[a]]` belongs to the newest element of a. */
  #newestElement(path: Path): Path {
    const count = this.#elements.get(idOf(path));
    return count === undefined ? path : [...path, count - 1];
  }

  #value(path: Path): void {
    const start = this.#offset;
    let end = start;
    if (this.#next === '"' || this.#next === "'") end = start + this.#string().length;
    else if (this.#takeIf('[')) end = this.#members(']', (index) => this.#value([...path, index]));
    else if (this.#takeIf('{')) end = this.#members('}', () => this.#keyAndValue(path));
    else end = start + this.#take(SCALAR).trimEnd().length;
    this.values.set(idOf(path), { start, end });
  }

  /** Reads what stands between commas up to `close`; returns the offset behind it. */
  #members(close: string, member: (index: number) => void): number {
    for (let index = 0; this.#offset < this.#text.length; index++) {
      this.#take(BLANKS_LINES_AND_COMMENTS);
      if (this.#takeIf(close)) break;
      member(index);
      this.#take(BLANKS_LINES_AND_COMMENTS);
      if (this.#takeIf(',')) continue;
      this.#takeIf(close);
      break;
    }
    return this.#offset;
  }

  /** Moves behind a string of any of the four kinds and returns it with its quotes. */
  #string(): string {
    const start = this.#offset;
    const quote = this.#next;
    const isLong = this.#text.startsWith(quote.repeat(3), start);
    const close = isLong ? quote.repeat(3) : quote;
    this.#offset += close.length;
    while (this.#offset < this.#text.length && !this.#text.startsWith(close, this.#offset)) {
      this.#offset += this.#next === '\\' && quote === '"' ? 2 : 1;
    }
    this.#offset += close.length;
    // A long string may end with up to two quotes of its own before the closing three.
    while (isLong && this.#next === quote) this.#offset++;
    return this.#text.slice(start, this.#offset);
  }
}

/** The name that a quoted key stands for. */
function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1);
  if (quoted.startsWith("'")) return inner;
  return inner.replace(ESCAPE, (_, hex4, hex8, hex2, simple) => {
    const hex = hex4 ?? hex8 ?? hex2;
    return hex === undefined ? (SIMPLE_ESCAPES[simple] ?? simple) : codePoint(Number.parseInt(hex, 16));
  });
}

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))/g;
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b' };

function codePoint(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
}
