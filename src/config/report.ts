/** Faults and notes of a configuration file: their shape, as text with the line in question, and as JSON. */
import type { Path } from './locate.ts';
import type { Source } from './source.ts';

/** Something wrong with a key or its value, before its place in the file is known. */
export interface KeyFault {
  readonly path: Path;
  /** Whether the key itself or its value is at fault. */
  readonly at: 'key' | 'value';
  /** One sentence that begins with the key. */
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A fault or note with its place. Line and column count from 1 and are undefined where the file as a whole is meant. */
export interface Finding {
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** `section.key`. */
  readonly key: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  /** The line in question, fit to be shown: bounded, without control characters and credentials. */
  readonly excerpt: Excerpt | undefined;
}

export interface Excerpt {
  readonly text: string;
  /** Columns between the start of `text` and the place. */
  readonly caret: number;
}

/** A finding as programs get it. */
export interface FindingJson {
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly key: string | null;
  readonly message: string;
  readonly hint: string | null;
}

const MAX_EXCERPT_LENGTH = 120;
const ELLIPSIS = '…';

/** The line that holds `offset`, made fit to be shown. `secretNames` are the keys whose values are hidden. */
export function excerptAt(source: Source, offset: number, secretNames: readonly string[]): Excerpt {
  const { line, column } = source.positionAt(offset);
  const secrets = new RegExp(`((?:${secretNames.join('|')})["']?\\s*=\\s*).*`, 'i');
  const shown = source
    .line(line)
    .replace(secrets, `$1${ELLIPSIS}`)
    .replace(/(?!\t)\p{Cc}/gu, '\ufffd');
  const start = column <= MAX_EXCERPT_LENGTH ? 0 : column - MAX_EXCERPT_LENGTH / 2;
  const text = shown.slice(start, start + MAX_EXCERPT_LENGTH).replace(/(?!\t)\p{Cc}/gu, '\ufffd');
  const head = start > 0 ? ELLIPSIS : '';
  const tail = shown.length > start + MAX_EXCERPT_LENGTH ? ELLIPSIS : '';
  return { text: head + text + tail, caret: column - 1 - start + head.length };
}

/** `file:line:column: message (hint)`, then the line and a caret under the place. */
export function renderFinding(finding: Finding): string {
  const { file, line, column, message, hint, excerpt } = finding;
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  const sentence = `${place}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
  if (line === undefined || excerpt === undefined) return sentence;
  const margin = ' '.repeat(String(line).length);
  // Tabs stay tabs, so that the caret stands right at any tab width.
  const indent = excerpt.text.slice(0, excerpt.caret).replace(/[^\t]/g, ' ').padEnd(excerpt.caret);
  return `${sentence}\n  ${line} | ${excerpt.text}\n  ${margin} | ${indent}^`;
}

/** All findings as text, a newline behind each. */
export function renderFindings(findings: readonly Finding[]): string {
  return findings.map((finding) => `${renderFinding(finding)}\n`).join('');
}

/** All findings as plain objects for `--json`. */
export function findingsToJson(findings: readonly Finding[]): FindingJson[] {
  return findings.map(({ file, line, column, key, message, hint }) => ({
    file,
    line: line ?? null,
    column: column ?? null,
    key: key ?? null,
    message,
    hint: hint ?? null,
  }));
}
