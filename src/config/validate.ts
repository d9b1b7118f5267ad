/** Judges a parsed file against the schema: everything that is wrong with it, and the configuration that it makes. */
import { resolve } from 'node:path';
import type { ValueProblem } from './key.ts';
import { readKey } from './key.ts';
import type { KeyFault } from './report.ts';
import { findRuleFaults, type RuleFault } from './rules.ts';
import { buildConfig, type Config, defaultOf, type NamedKey, namedKeys } from './schema.ts';
import type { Table } from './toml.ts';
import { findUnknownKeys, isTable } from './unknown-keys.ts';

/** A list with more wrong entries than this is wrong as a whole. */
const MAX_PROBLEMS_OF_A_KEY = 20;

export interface Validated {
  /** Keys at fault have their defaults. */
  readonly config: Config;
  readonly faults: readonly KeyFault[];
}

/** Reads every key of `root`. Relative paths start at `folder`. `leftOut` names keys that the file has, but not readably. */
export function validate(root: Table, folder: string, leftOut: readonly string[] = []): Validated {
  const faults = findUnknownKeys(root);
  const faultyKeys = new Set(namedKeys.filter(({ name }) => leftOut.includes(name)).map(({ id }) => id));
  const config = buildConfig((named) => {
    const section = root[named.section];
    if (!isTable(section) || !Object.hasOwn(section, named.name)) return defaultOf(named);
    const read = readKey(named.key, section[named.name]);
    if ('value' in read) return fromFolder(named, read.value, folder);
    faultyKeys.add(named.id);
    faults.push(...read.problems.slice(0, MAX_PROBLEMS_OF_A_KEY).map((problem) => faultOf(named, problem)));
    return defaultOf(named);
  });
  // A rule that looks at a key which is wrong already would only confuse.
  const ruleFaults = findRuleFaults(config).filter(({ keys }) => !keys.some((key) => faultyKeys.has(key)));
  faults.push(...ruleFaults.map((fault) => placeRuleFault(fault, root)));
  return { config, faults };
}

/** Puts the fault at the first of its keys that the file names: the others have their defaults. */
function placeRuleFault({ keys, message, hint }: RuleFault, root: Table): KeyFault {
  const paths = keys.map((key) => key.split('.'));
  const isNamed = ([section = '', name = '']: string[]) => {
    const table = root[section];
    return isTable(table) && Object.hasOwn(table, name);
  };
  return { path: paths.find(isNamed) ?? [], at: 'value', message, hint };
}

function fromFolder({ key }: NamedKey, value: unknown, folder: string): unknown {
  return key.isPath === true && typeof value === 'string' && value !== '' ? resolve(folder, value) : value;
}

function faultOf({ section, name, id, key }: NamedKey, { input, index, problem }: ValueProblem): KeyFault {
  const path = index === undefined ? [section, name] : [section, name, index];
  const subject = key.secret === true ? 'its value' : shown(input);
  return { path, at: 'value', message: `${id}: ${subject} ${problem}`, hint: key.accepts };
}

const MAX_SHOWN_LENGTH = 60;

/** A value as a sentence shows it. */
function shown(value: unknown): string {
  if (value instanceof Date) return 'a date';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a table';
  if (typeof value !== 'string') return String(value);
  const cut = value.length > MAX_SHOWN_LENGTH ? `${value.slice(0, MAX_SHOWN_LENGTH)}…` : value;
  return JSON.stringify(cut);
}
