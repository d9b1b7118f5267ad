/** Every section of the configuration file, the type of a configuration, and its defaults. */
import type { Key } from './key.ts';
import { readKey } from './key.ts';
import { access } from './sections/access.ts';
import { acme, certificate } from './sections/certificate.ts';
import { dns } from './sections/dns.ts';
import { listen } from './sections/listen.ts';
import { limits, log, metrics, run, state } from './sections/operation.ts';
import { remote } from './sections/remote.ts';
import { server } from './sections/server.ts';

/** The sections in the order in which they are documented. */
export const sections = { server, listen, certificate, acme, access, dns, remote, metrics, limits, log, run, state };

type Sections = typeof sections;
export type SectionName = keyof Sections;

/** A whole configuration: keys as in the file, durations in milliseconds, lists as arrays, paths absolute. */
export type Config = {
  readonly [S in SectionName]: {
    readonly [K in keyof Sections[S]['keys']]: Sections[S]['keys'][K] extends Key<infer T> ? T : never;
  };
};

/** One key with the names under which it is known. */
export interface NamedKey {
  readonly section: SectionName;
  readonly name: string;
  /** `section.key`, as messages name it. */
  readonly id: string;
  readonly key: Key<unknown>;
}

/** All keys, in the order of the documentation. */
export const namedKeys: readonly NamedKey[] = Object.entries(sections).flatMap(([section, { keys }]) =>
  Object.entries<Key<unknown>>(keys).map(([name, key]) => ({
    section: section as SectionName,
    name,
    id: `${section}.${name}`,
    key,
  })),
);

/** Puts what `pick` returns for each key into a configuration; it must have the type of the key. */
export function buildConfig(pick: (key: NamedKey) => unknown): Config {
  const config: Record<string, Record<string, unknown>> = {};
  for (const section of Object.keys(sections)) config[section] = {};
  for (const named of namedKeys) config[named.section]![named.name] = pick(named);
  return config as unknown as Config;
}

/** The value that a key has when the file does not name it. */
export function defaultOf({ id, key }: NamedKey): unknown {
  const read = readKey(key, key.initial);
  if ('problems' in read) throw new Error(`${id}: its default ${read.problems[0]?.problem}`);
  return read.value;
}

/** What an empty file means. */
export function defaultConfig(): Config {
  return buildConfig(defaultOf);
}
