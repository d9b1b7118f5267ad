/** Finds the known word that a mistyped one most likely stands for. */

/** Longer words than this are no mistyped keys, and comparing them would cost time. */
const MAX_WORD_LENGTH = 40;

/** So many first letters of a word stand for it: `every` for `everyone`. */
const SHORTEST_START = 3;

/** Letters that may be wrong: one in a short word, every third in a longer one. */
function tolerance(word: string): number {
  return Math.max(1, Math.floor(word.length / 3));
}

/** `allowedNetworks`, `allowed-networks` and `allowed_networks` are the same word. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '');
}

/** The candidate closest to `word`, or undefined when none is close; of equally close ones the first. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > MAX_WORD_LENGTH) return undefined;
  const wanted = plain(word);
  let best: string | undefined;
  let least = tolerance(wanted) + 1;
  for (const candidate of candidates) {
    const known = plain(candidate);
    const isStart = wanted.length >= SHORTEST_START && known.startsWith(wanted);
    const distance = isStart && known !== wanted ? 1 : editDistance(wanted, known);
    if (distance >= least) continue;
    best = candidate;
    least = distance;
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b` (Damerau-Levenshtein, optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      let cost = Math.min(previous[column]! + 1, current[column - 1]! + 1, substitution);
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) cost = Math.min(cost, beforePrevious[column - 2]! + 1);
      current[column] = cost;
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}
