/** The kinds of keys a configuration can have: one descriptor holds type, default and help. The one place that knows valibot. */
import * as v from 'valibot';
import { nearestWord } from '../lib/nearest-word.ts';
import type { Reading } from './values.ts';
import { readDuration, readNetwork, readPort } from './values.ts';

/** What a user can write behind a key. */
export type Written = string | number | boolean | readonly (string | number)[];

/** What every descriptor says besides its type. */
export interface About {
  /** The default, as one would write it in the file. */
  readonly initial: Written;
  /** What the key does, its unit, and what empty or 0 means. Whole sentences. */
  readonly help: string;
  /** What differs by platform. */
  readonly platform?: string;
  /** A line worth showing, as TOML: the value alone. */
  readonly example?: string;
  /** The value is a credential: it is never shown. */
  readonly secret?: boolean;
}

/** One key of the file whose value becomes a `T`. */
export interface Key<T> extends About {
  readonly schema: v.GenericSchema<unknown, T>;
  /** What may stand there, for the documentation and behind every fault. */
  readonly accepts: string;
  /** A path of the file system: relative ones are relative to the folder of the file. */
  readonly isPath?: boolean;
}

/** A `[section]` of the file. */
export interface Section<K extends Readonly<Record<string, Key<unknown>>>> {
  readonly help: string;
  readonly keys: K;
}

/** Keeps the types of the keys. */
export function section<const K extends Readonly<Record<string, Key<unknown>>>>(help: string, keys: K): Section<K> {
  return { help, keys };
}

/** What is wrong with a value: the thing itself (the whole value or one entry), where in a list it stands, and the rest of the sentence. */
export interface ValueProblem {
  readonly input: unknown;
  readonly index: number | undefined;
  readonly problem: string;
}

/** The value of a key, or everything that is wrong with it. */
export function readKey<T>(key: Key<T>, written: unknown): { value: T } | { problems: ValueProblem[] } {
  const result = v.safeParse(key.schema, written);
  if (result.success) return { value: result.output };
  const problems = result.issues.map((issue) => {
    const index = issue.path?.[0].key;
    return { input: issue.input, index: typeof index === 'number' ? index : undefined, problem: issue.message };
  });
  return { problems };
}

const NOT_TEXT = 'is not text in quotes';

/** A step that turns a value into another or says what is wrong with it. */
function reading<I, T>(read: (input: I) => Reading<T>): v.RawTransformAction<I, T> {
  return v.rawTransform<I, T>(({ dataset, addIssue, NEVER }) => {
    const result = read(dataset.value);
    if ('value' in result) return result.value;
    addIssue({ message: result.problem });
    return NEVER;
  });
}

/** A switch. */
export function flag(about: About & { initial: boolean }): Key<boolean> {
  return { ...about, accepts: 'true or false, without quotes', schema: v.boolean('is not a boolean') };
}

/** One of a few values. */
export function choice<const C extends string | boolean>(choices: readonly C[], about: About & { initial: C }): Key<C> {
  const words = choices.map(String);
  const didYouMean = (input: unknown) => {
    const word = typeof input === 'string' ? nearestWord(input, words) : undefined;
    return word === undefined ? '' : `; did you mean ${JSON.stringify(choices[words.indexOf(word)])}?`;
  };
  const schema = v.custom<C>(
    (input) => choices.includes(input as C),
    (issue) => `is not known here${didYouMean(issue.input)}`,
  );
  return { ...about, accepts: choices.map((value) => JSON.stringify(value)).join(' | '), schema };
}

/** A whole number from `min` to `max`. */
export function count({ min, max, ...about }: About & { initial: number; min: number; max: number }): Key<number> {
  const schema = v.pipe(
    v.number('is not a number'),
    v.integer('is not a whole number'),
    v.minValue(min, `is less than ${min}`),
    v.maxValue(max, `is more than ${max}`),
  );
  return { ...about, accepts: `a whole number from ${min} to ${max}`, schema };
}

/** A span of time from `min` to `max` (file form); milliseconds in the result. */
export function duration({ min, max, ...about }: About & { initial: string; min: string; max: string }): Key<number> {
  const withinLimits = (text: string): Reading<number> => {
    const read = readDuration(text);
    if ('problem' in read) return read;
    if (read.value < millisecondsOf(min)) return { problem: `is shorter than ${min}` };
    return read.value > millisecondsOf(max) ? { problem: `is longer than ${max}` } : read;
  };
  const accepts = `a duration from ${min} to ${max}: a number with its unit (ms, s, m, h, d) in quotes, as "90s"`;
  return { ...about, accepts, schema: v.pipe(v.string(NOT_TEXT), reading(withinLimits)) };
}

function millisecondsOf(text: string): number {
  const read = readDuration(text);
  return 'value' in read ? read.value : Number.NaN;
}

/** What a kind of text needs beside its descriptor. */
interface TextAbout extends About {
  readonly initial: string;
  readonly accepts: string;
}

/** Text that `read` understands. It may be empty when the default is. */
export function text(read: (written: string) => Reading<string>, about: TextAbout): Key<string> {
  const orEmpty = (written: string) => (written === '' && about.initial === '' ? { value: '' } : read(written));
  return { ...about, schema: v.pipe(v.string(NOT_TEXT), reading(orEmpty)) };
}

/** A path, absolute in the result unless empty. */
export function path(read: (written: string) => Reading<string>, about: Omit<TextAbout, 'accepts'>): Key<string> {
  return {
    ...text(read, { ...about, accepts: 'a path; relative ones start at the folder of this file' }),
    isPath: true,
  };
}

/** Several values: an array, one string with commas between them, or a single value. */
function listOf<T>(item: v.GenericSchema<unknown, T>): v.GenericSchema<unknown, T[]> {
  return v.pipe(v.unknown(), v.transform(entriesOf), v.array(item));
}

/** `"a, b"` as `["a", "b"]`; nothing but blanks is an empty list. */
function entriesOf(written: unknown): unknown[] {
  if (Array.isArray(written)) return written;
  if (typeof written !== 'string') return [written];
  return written.trim() === '' ? [] : written.split(',').map((entry) => entry.trim());
}

const notEmptyEntry = (entry: string): Reading<string> =>
  entry === '' ? { problem: 'is an empty entry; remove it or its comma' } : { value: entry };

interface ListAbout extends About {
  readonly initial: string | readonly string[];
  /** What an entry is, in the plural. */
  readonly accepts: string;
  /** At least one entry. */
  readonly required?: boolean;
}

/** A list of texts that `read` understands. */
export function list(read: (entry: string) => Reading<string>, about: ListAbout): Key<string[]> {
  const item = v.pipe(v.string(NOT_TEXT), reading(notEmptyEntry), reading(read));
  const entries = listOf(item);
  const filled = v.minLength<string[], 1, string>(1, 'is empty');
  return { ...about, schema: about.required === true ? v.pipe(entries, filled) : entries };
}

interface NetworksAbout extends About {
  readonly initial: string;
  /** Words that may stand for networks. */
  readonly words: readonly string[];
}

/** A list of networks; the entries stay text, in lower case, and are known to be readable. */
export function networks({ words, ...about }: NetworksAbout): Key<string[]> {
  const accepts = `addresses, networks such as 192.168.1.0/24 or fd00::/64, and the words ${words.join(', ')}`;
  return list((entry) => readNetwork(entry, words), { ...about, accepts });
}

/** One port or several. */
export function ports(about: About & { initial: number }): Key<number[]> {
  const item = v.pipe(
    v.union([v.number(), v.string()], 'is not a port'),
    reading((written: number | string) => readPort(String(written))),
  );
  const schema = v.pipe(listOf(item), v.minLength(1, 'is empty'));
  return { ...about, accepts: 'one port from 0 to 65535, or a list of them', schema };
}
