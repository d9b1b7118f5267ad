/** Short ways to read configurations in tests. */
import { type LoadResult, readConfig } from '../../src/config/load.ts';
import { renderFinding } from '../../src/config/report.ts';
import type { Config } from '../../src/config/schema.ts';

export const FILE = 'lockgate.toml';

/** The configuration of a text that must be right. */
export function configOf(text: string): Config {
  const result = readConfig(text, FILE);
  if (!result.ok) throw new Error(result.faults.map(renderFinding).join('\n'));
  return result.config;
}

function findingsOf(result: LoadResult) {
  return result.ok ? [] : result.faults;
}

/** `line:column: message` of each fault, without hints; empty when the text is right. */
export function faultsOf(text: string): string[] {
  return findingsOf(readConfig(text, FILE)).map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

/** `message (hint)` of each fault. */
export function sentencesOf(text: string): string[] {
  return findingsOf(readConfig(text, FILE)).map(({ message, hint }) => `${message} (${hint})`);
}

/** The messages of the notes on a text that must be right. */
export function notesOf(text: string): string[] {
  const result = readConfig(text, FILE);
  if (!result.ok) throw new Error(result.faults.map(renderFinding).join('\n'));
  return result.notes.map(({ message }) => message);
}
