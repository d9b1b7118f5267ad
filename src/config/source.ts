/** The text of a configuration file, with its lines. */

/** Counted from 1; columns in UTF-16 units, a tab is one. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export class Source {
  /** The path as the user gave it. */
  readonly file: string;
  readonly text: string;
  readonly #lineStarts: readonly number[];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.#lineStarts = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
  }

  /** Where `offset` is. Offsets beyond the end are at the end. */
  positionAt(offset: number): Position {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#lineStarts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: Math.min(offset, this.text.length) - this.#lineStarts[low]! + 1 };
  }

  /** The offset at which a line begins; the end of the text for lines that are not there. */
  startOf(line: number): number {
    return this.#lineStarts[line - 1] ?? this.text.length;
  }

  /** A line without its end; empty for lines that are not there. */
  line(number: number): string {
    return this.text.slice(this.startOf(number), this.startOf(number + 1)).replace(/\r?\n$/, '');
  }
}
