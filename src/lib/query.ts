/** The arguments of a raw query: read in any spelling, removed byte for byte. */
import { decodePercent } from './path.ts';

interface Argument {
  readonly text: string;
  readonly separator: string;
  /** Decoded once, lower case. */
  readonly name: string;
  readonly value: string;
}

/** The decoded values of every argument whose decoded name, without case, is in `names` (lower case). */
export function queryValues(query: string, names: ReadonlySet<string>): string[] {
  if (query === '') return [];
  return readArguments(query)
    .filter((argument) => names.has(argument.name))
    .map((argument) => argument.value);
}

/** The request target without these arguments, and without the `?` when none is left; the other bytes as they were. */
export function removeQueryArguments(target: string, names: ReadonlySet<string>): string {
  const mark = target.indexOf('?');
  if (mark === -1) return target;
  const all = readArguments(target.slice(mark + 1));
  const kept = all.filter((argument) => !names.has(argument.name));
  if (kept.length === all.length) return target;
  if (kept.length === 0) return target.slice(0, mark);
  const text = kept.map((argument) => argument.text + argument.separator).join('');
  const lastWasRemoved = kept.at(-1) !== all.at(-1);
  return target.slice(0, mark + 1) + (lastWasRemoved ? text.slice(0, -1) : text);
}

/** Both `&` and `;` separate: what some server takes for an argument of its own is one. */
function readArguments(query: string): Argument[] {
  if (query === '') return [];
  const parts = query.split(/([&;])/);
  const all: Argument[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const text = parts[index] ?? '';
    const [name = '', value = ''] = cutAtFirst(text, '=');
    all.push({
      text,
      separator: parts[index + 1] ?? '',
      name: decodePercent(name).toLowerCase(),
      value: decodePercent(value),
    });
  }
  return all;
}

function cutAtFirst(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
