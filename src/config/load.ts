/** Loads a configuration file: the configuration with notes, or everything that is wrong with it. */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { GatewayError, messageOf, systemCodeOf } from '../lib/errors.ts';
import type { Locations } from './locate.ts';
import { locate } from './locate.ts';
import type { Finding, KeyFault } from './report.ts';
import { excerptAt } from './report.ts';
import { type Config, defaultConfig, namedKeys } from './schema.ts';
import { Source } from './source.ts';
import { surprises } from './surprises.ts';
import { parseToml } from './toml.ts';
import { validate } from './validate.ts';

/** Where the file is looked for when nothing else is said. */
export const DEFAULT_CONFIG_PATH = '/etc/lockgate/lockgate.toml';
/** No configuration is larger; a larger file is not ours. */
const MAX_FILE_BYTES = 1024 * 1024;
/** More faults than this help nobody. */
const MAX_FAULTS = 200;

export type LoadResult =
  | { readonly ok: true; readonly config: Config; readonly notes: readonly Finding[] }
  /** `readable`: the configuration with defaults in place of what is at fault; undefined when the file is no TOML. */
  | { readonly ok: false; readonly faults: readonly Finding[]; readonly readable: Config | undefined };

/**
 * Reads the file at `path`. A missing file is an empty one with a note, unless somebody named it (`isExplicit`).
 * Throws `config` when it cannot be read, `permission` when that is for lack of rights.
 */
export async function loadConfig(path: string, { isExplicit }: { isExplicit: boolean }): Promise<LoadResult> {
  const bytes = await readBytes(path, isExplicit);
  if (bytes !== undefined) return readConfig(bytes, path);
  const note = {
    ...noPlace(path),
    message: 'there is no such file; every key has its default',
    hint: 'lockgate init writes one',
  };
  return { ok: true, config: defaultConfig(), notes: [note] };
}

async function readBytes(path: string, isExplicit: boolean): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: MAX_FILE_BYTES })) chunks.push(chunk);
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT' && !isExplicit) return undefined;
    throw unreadable(path, cause);
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length <= MAX_FILE_BYTES) return bytes;
  throw new GatewayError('config', `${path}: is larger than 1 MiB`, { hint: 'is this the right file?' });
}

function unreadable(path: string, cause: unknown): GatewayError {
  switch (systemCodeOf(cause)) {
    case 'ENOENT':
      return new GatewayError('config', `${path}: there is no such file`, { hint: 'lockgate init writes one', cause });
    case 'EACCES':
    case 'EPERM':
      return new GatewayError('permission', `${path}: this user may not read it`, {
        hint: 'make it readable for the user that runs lockgate, and for nobody else',
        cause,
      });
    case 'EISDIR':
      return new GatewayError('config', `${path}: is a folder`, { hint: 'name the file in it', cause });
    default:
      return new GatewayError('config', `${path}: cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Something to say about the text, and where. */
interface Remark {
  /** Undefined: the file as a whole. */
  readonly offset: number | undefined;
  readonly key?: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

const NOT_UTF8 = { message: 'the file is not UTF-8 text', hint: 'save it as UTF-8; NUL bytes mean UTF-16' };

/** Reads the content of a file. Faults are sorted by place. Never throws. */
export function readConfig(content: string | Uint8Array, file: string): LoadResult {
  const source = new Source(file, typeof content === 'string' ? content : new TextDecoder().decode(content));
  const isDecoded = typeof content === 'string' || isUtf8(content);
  const undecodable = source.text.indexOf(isDecoded ? '\0' : '\ufffd');
  if (undecodable >= 0) return refused(source, [{ offset: undecodable, ...NOT_UTF8 }]);
  const { table, text, leftOut, faults: syntaxFaults } = parseToml(source);
  if (table === undefined) return refused(source, syntaxFaults);
  const { config, faults } = validate(table, dirname(resolve(file)), leftOut);
  const locations = locate(text);
  const remarks: Remark[] = [...syntaxFaults, ...faults.map((fault) => remarkOn(fault, locations))];
  if (remarks.length > 0) return refused(source, remarks, config);
  const notes = surprises(config).map(({ key, message }) =>
    remarkOn({ path: key.split('.'), at: 'value', message }, locations),
  );
  return { ok: true, config, notes: findingsOf(source, notes) };
}

function refused(source: Source, remarks: readonly Remark[], readable?: Config): LoadResult {
  return { ok: false, faults: findingsOf(source, remarks), readable };
}

function remarkOn({ path, at, message, hint }: KeyFault, locations: Locations): Remark {
  const offset = at === 'value' ? locations.value(path) : locations.key(path);
  return { offset, key: path.slice(0, 2).join('.'), message, hint };
}

const secretNames = namedKeys.filter(({ key }) => key.secret === true).map(({ name }) => name);

/** The first remarks by their place, with it; those without one at the end. */
function findingsOf(source: Source, remarks: readonly Remark[]): Finding[] {
  const placeOf = ({ offset = Number.MAX_SAFE_INTEGER }: Remark) => offset;
  const sorted = remarks.toSorted((a, b) => placeOf(a) - placeOf(b));
  const findings = sorted.slice(0, MAX_FAULTS).map((remark) => findingOf(source, remark));
  if (sorted.length <= MAX_FAULTS) return findings;
  const rest = { offset: undefined, message: `and ${sorted.length - MAX_FAULTS} more` };
  return [...findings, findingOf(source, rest)];
}

function findingOf(source: Source, { offset, key, message, hint }: Remark): Finding {
  if (offset === undefined) return { ...noPlace(source.file), key, message, hint };
  const excerpt = excerptAt(source, offset, secretNames);
  return { file: source.file, ...source.positionAt(offset), key, message, hint, excerpt };
}

function noPlace(file: string) {
  return { file, line: undefined, column: undefined, key: undefined, excerpt: undefined };
}
