/** Lists of path patterns, compiled once into one regular expression. */

export interface PatternOptions {
  /** The routes of the server ignore case. */
  readonly ignoreCase?: boolean;
  /** Prefixes that may come first, for example `/emby`. */
  readonly optionalPrefixes?: readonly string[];
}

/**
 * A matcher for whole paths. `/**`: nothing, or `/` and anything; `*` alone: one segment; `*` beside other
 * characters: any part of a segment; `{a,b}`: one of these. Everything else stands for itself.
 */
export function compilePatterns(patterns: readonly string[], options: PatternOptions = {}): (path: string) => boolean {
  const prefixes = (options.optionalPrefixes ?? []).filter((prefix) => prefix !== '').map(escapeText);
  const prefix = prefixes.length === 0 ? '' : `(?:${prefixes.join('|')})?`;
  const matcher = new RegExp(`^${prefix}(?:${patterns.map(compileOne).join('|')})$`, options.ignoreCase ? 'i' : '');
  return (path) => matcher.test(path);
}

function compileOne(pattern: string): string {
  return pattern.replace(/\/\*\*|\{[^}]*\}|\/\*(?=\/|$)|\*|[^*{/]+|\//g, (part) => {
    if (part === '/**') return '(?:/.*)?';
    if (part === '/*') return '/[^/]+';
    if (part === '*') return '[^/]*';
    if (part.startsWith('{')) return `(?:${part.slice(1, -1).split(',').map(escapeText).join('|')})`;
    return escapeText(part);
  });
}

function escapeText(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
