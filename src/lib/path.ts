/** Request paths: the one spelling to which something may be granted, and every reading that a refusal has to look at. */

/**
 * What keeps a path from being its own normal form: control, blank and non-ASCII bytes, `\`, `//`, `/.`, `;`, `#`, the escapes
 * of what would change the path once decoded (`.` `/` `\` `%` `;` `?` `#`, control bytes, overlong UTF-8), broken escapes.
 */
const NOT_NORMAL = /[^\x21-\x7e]|\\|\/\/|\/\.|[;#?]|%(?:2e|2f|5c|25|3b|3f|23|[01][0-9a-f]|7f|c0|c1)|%(?![0-9a-f]{2})/i;

/** How often a path may be decoded on its way: by a server, and by a careless one behind it. */
const MAX_DECODINGS = 2;

/**
 * True when the path can be read in one way only. A rule that grants something without credentials looks at the raw path, and
 * only when this holds.
 */
export function isNormalPath(path: string): boolean {
  return path.startsWith('/') && !NOT_NORMAL.test(path);
}

/**
 * Every reading of a path that some server might act on, in lower case: as sent, once and twice decoded, and each of these with
 * `\` as `/`, parameters cut, empty and dot segments resolved and no final slash. A rule that refuses looks at all of them.
 */
export function pathVariants(path: string): readonly string[] {
  const variants = new Set<string>();
  let reading = path;
  for (let decodings = 0; decodings <= MAX_DECODINGS; decodings++) {
    variants.add(reading.toLowerCase());
    variants.add(collapsePath(reading).toLowerCase());
    if (!reading.includes('%')) break;
    reading = decodePercent(reading);
  }
  return [...variants];
}

/** Decodes every valid escape into one character per byte, and leaves broken ones alone. Never throws. */
export function decodePercent(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9a-f]{2})/gi, (_escape, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** The path with `\` as `/`, everything from `;`, `?` or `#` on cut from each segment, empty and dot segments resolved. */
function collapsePath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.replaceAll('\\', '/').split('/')) {
    const name = segment.replace(/[;?#].*$/s, '');
    if (name === '..') segments.pop();
    else if (name !== '' && name !== '.') segments.push(name);
  }
  return `/${segments.join('/')}`;
}
