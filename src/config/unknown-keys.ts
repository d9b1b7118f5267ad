/** Finds what a file names and the schema does not, and what was probably meant. */
import { nearestWord } from '../lib/nearest-word.ts';
import type { KeyFault } from './report.ts';
import { namedKeys, type SectionName, sections } from './schema.ts';
import type { Table } from './toml.ts';

/** Looking for the nearest word takes time: a file with more unknown keys than this is no configuration. */
const MAX_SUGGESTIONS = 200;

/** A table of TOML, as opposed to an array, a date or a plain value. */
export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Unknown sections and keys, keys outside of any section, and sections that are no tables. */
export function findUnknownKeys(root: Table): KeyFault[] {
  const faults: KeyFault[] = [];
  for (const [name, value] of Object.entries(root)) {
    if (!Object.hasOwn(sections, name)) faults.push(isTable(value) ? unknownSection(name) : keyOutside(name));
    else if (!isTable(value)) faults.push(notASection(name));
    else faults.push(...unknownKeysOf(name as SectionName, value));
  }
  return faults.map((fault, index) => (index < MAX_SUGGESTIONS ? { ...fault, hint: hintFor(fault) } : fault));
}

function unknownSection(name: string): KeyFault {
  return { path: [name], at: 'key', message: `[${name}]: unknown section` };
}

function keyOutside(name: string): KeyFault {
  return { path: [name], at: 'key', message: `${name}: stands outside of any [section]` };
}

function notASection(name: string): KeyFault {
  return { path: [name], at: 'key', message: `${name}: is a section, written [${name}] on a line of its own` };
}

function unknownKeysOf(section: SectionName, table: Table): KeyFault[] {
  return Object.keys(table)
    .filter((name) => !Object.hasOwn(sections[section].keys, name))
    .map((name) => ({ path: [section, name], at: 'key', message: `${section}.${name}: unknown key` }));
}

function hintFor({ path }: KeyFault): string | undefined {
  const [first, name] = path.map(String);
  if (first !== undefined && name !== undefined) return hintForKey(name, first as SectionName);
  if (first === undefined || Object.hasOwn(sections, first)) return undefined;
  const section = nearestWord(first, Object.keys(sections));
  return section === undefined ? hintForKey(first, undefined) : `did you mean [${section}]?`;
}

function hintForKey(name: string, section: SectionName | undefined): string | undefined {
  const homes = namedKeys.filter((known) => known.name === name).map((known) => `[${known.section}]`);
  if (homes.length > 0) return `it belongs to ${homes.join(' or ')}`;
  const near = section === undefined ? undefined : nearestWord(name, Object.keys(sections[section].keys));
  if (near !== undefined) return `did you mean \`${near}\`?`;
  const far = nearestWord(
    name,
    namedKeys.map((known) => known.name),
  );
  const home = namedKeys.find((known) => known.name === far)?.section;
  return far === undefined ? undefined : `did you mean \`${far}\` of [${home}]?`;
}
