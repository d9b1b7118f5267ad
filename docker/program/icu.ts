/**
 * Leaves out what the runtime knows about languages, currencies and encodings that lockgate never uses: 30 of 33 MB of ICU's data.
 * A program that asks for another language gets English names, as with Node's own `small-icu` build.
 *
 * The data is one table (ICU's common data format, icu4c/source/common/ucmndata.h): a header that ends with `CmnD`, then a count and
 * pairs of offsets, to a name and to a content, sorted by name. Shortening the table is enough; what it no longer names becomes zeros.
 */

const FORMAT = Buffer.from('CmnD');
/** The header's length (u16), two magic bytes and the length of its second part stand before the format. */
const FORMAT_OFFSET = 12;
const PAIR_BYTES = 8;
const MAX_ITEMS = 10_000;

/** Language data: `de.res`, `lang/zh_Hant_TW.res`. English and the language-independent root stay. */
const LANGUAGE = /(?:^|\/)(?!en\.res$|en_US\.res$)[a-z]{2,3}(?:_[A-Za-z0-9_]+)?\.res$/;
/** Tables of old encodings, word lists for line breaks, transliteration, names of numbers. */
const UNUSED = /\.cnv$|\.dict$|^translit\/|^rbnf\//;

interface Item {
  readonly nameOffset: number;
  readonly contentOffset: number;
  readonly name: string;
}

/** Changes `program` in place and gives the number of bytes that became zeros. Throws when the data is not as expected. */
export function trimIcu(program: Buffer): number {
  const start = findData(program);
  const table = start + program.readUInt16LE(start);
  const items = readTable(program, table);
  const ordered = items.toSorted((a, b) => a.contentOffset - b.contentOffset);
  let zeroed = 0;
  ordered.forEach((item, index) => {
    const next = ordered[index + 1];
    // The last content has no end in the table: it stays.
    if (!isUnused(item.name) || next === undefined) return;
    program.fill(0, table + item.contentOffset, table + next.contentOffset);
    zeroed += next.contentOffset - item.contentOffset;
  });
  writeTable(
    program,
    table,
    items.filter(({ name }) => !isUnused(name)),
  );
  return zeroed;
}

/** `name` begins with the name of the whole table: `icudt78l/`. */
function isUnused(name: string): boolean {
  const item = name.slice(name.indexOf('/') + 1);
  return LANGUAGE.test(item) || UNUSED.test(item);
}

function findData(program: Buffer): number {
  const at = program.indexOf(FORMAT);
  if (at < 0 || program.indexOf(FORMAT, at + 1) >= 0)
    throw new Error('the runtime has not exactly one table of ICU data');
  const start = at - FORMAT_OFFSET;
  if (program.readUInt16LE(start + 2) !== 0x27da) throw new Error("the runtime's ICU data has another format");
  return start;
}

function readTable(program: Buffer, table: number): Item[] {
  const count = program.readUInt32LE(table);
  if (count > MAX_ITEMS) throw new Error(`the runtime's ICU data has ${count} items`);
  return Array.from({ length: count }, (_, index) => {
    const pair = table + 4 + index * PAIR_BYTES;
    const nameOffset = program.readUInt32LE(pair);
    const end = program.indexOf(0, table + nameOffset);
    const name = program.toString('latin1', table + nameOffset, end);
    return { nameOffset, contentOffset: program.readUInt32LE(pair + 4), name };
  });
}

/** Names stay where they are: only the pairs move up. */
function writeTable(program: Buffer, table: number, items: readonly Item[]): void {
  program.writeUInt32LE(items.length, table);
  items.forEach(({ nameOffset, contentOffset }, index) => {
    program.writeUInt32LE(nameOffset, table + 4 + index * PAIR_BYTES);
    program.writeUInt32LE(contentOffset, table + 8 + index * PAIR_BYTES);
  });
}
