/** Version numbers of media servers, compared as numbers. */

/**
 * True when `version` is below `minimum`: numerically, part by part, missing parts as 0, everything from the first `-` or `+` on
 * aside. False when either cannot be read: an unknown version is not a known vulnerable one.
 */
export function isVersionBelow(version: string | undefined, minimum: string): boolean {
  const [parts, minimumParts] = [readVersion(version ?? ''), readVersion(minimum)];
  if (parts === undefined || minimumParts === undefined) return false;
  for (let index = 0; index < Math.max(parts.length, minimumParts.length); index++) {
    const difference = (parts[index] ?? 0) - (minimumParts[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function readVersion(text: string): number[] | undefined {
  const numbers = text.split(/[-+]/, 1)[0] ?? '';
  return /^\d{1,9}(\.\d{1,9}){0,5}$/.test(numbers) ? numbers.split('.').map(Number) : undefined;
}
