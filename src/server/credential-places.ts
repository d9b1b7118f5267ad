/** What finding and removing credentials has in common for all kinds. */
import type { RequestHead } from '../http/request.ts';
import type { FoundCredentials } from './kind.ts';

/** Many values, perhaps equal, to the one answer that the policy needs; empty values count as none. */
export function foundAmong(values: readonly string[]): FoundCredentials {
  let found = '';
  for (const text of values) {
    const value = text.trim();
    if (value === '' || value === found) continue;
    if (found !== '') return { found: 'conflict' };
    found = value;
  }
  return found === '' ? { found: 'none' } : { found: 'one', value: found };
}

/** The values of every header whose name is in `names` (lower case). */
export function headerValues(head: Pick<RequestHead, 'values'>, names: ReadonlySet<string>): string[] {
  return [...names].flatMap((name) => head.values(name));
}

/** The headers, each passed through `change` with its name in lower case; undefined removes it. */
export function changeHeaders(
  rawHeaders: readonly string[],
  change: (name: string, value: string) => string | undefined,
): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name, value] = [rawHeaders[index]!, rawHeaders[index + 1]!];
    const changed = change(name.toLowerCase(), value);
    if (changed !== undefined) kept.push(name, changed);
  }
  return kept;
}

/** A value that can travel in a header, as every real token can: visible ASCII. Anything else is wrong without asking. */
export function isTokenText(value: string): boolean {
  return /^[\x21-\x7e]+$/.test(value);
}
