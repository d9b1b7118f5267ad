/** Writes the example file: every key with its default, its meaning above it. */
import type { Key, Written } from './key.ts';
import { namedKeys, type SectionName, sections } from './schema.ts';

const LINE_LENGTH = 100;

const HEAD = `lockgate.toml: every key with its default. Keep only the lines that you change: an empty file is valid. Every list may be an array or one string with commas. "lockgate check" reads this file as the gateway would and says what is wrong with it.`;

/** The example file as TOML; it means the same as an empty one. */
export function renderExample(): string {
  const blocks = Object.entries(sections).map(([name, { help }]) => renderSection(name as SectionName, help));
  return `${comment(HEAD)}\n${blocks.join('\n')}`;
}

function renderSection(section: SectionName, help: string): string {
  const keys = namedKeys.filter((named) => named.section === section);
  return [comment(help), `[${section}]\n`, ...keys.map(({ name, key }) => renderKey(name, key))].join('');
}

function renderKey(name: string, key: Key<unknown>): string {
  const parts = [key.help, key.platform, `Takes: ${key.accepts}.`];
  const lines = parts.filter((part) => part !== undefined).map(comment);
  return `\n${lines.join('')}${name} = ${writeToml(key.initial)}\n`;
}

/** A value as TOML. */
export function writeToml(value: Written): string {
  if (typeof value === 'object') return `[${value.map(writeToml).join(', ')}]`;
  return JSON.stringify(value);
}

/** `text` in lines of at most 100 characters, each behind a `#`. */
function comment(text: string): string {
  let line = '#';
  let lines = '';
  for (const word of text.split(' ')) {
    if (line !== '#' && line.length + 1 + word.length > LINE_LENGTH) {
      lines += `${line}\n`;
      line = '#';
    }
    line += ` ${word}`;
  }
  return `${lines}${line}\n`;
}
