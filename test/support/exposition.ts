/** Reads the Prometheus text format (version 0.0.4) as strictly as its checker: one HELP and TYPE for each family, before its samples, no series twice. */

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly series: readonly Series[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\+Inf|-Inf|NaN|-?[0-9.]+(?:e[+-]?[0-9]+)?)$`);
const SUFFIXES = /_(?:bucket|sum|count)$/;

/** Throws on whatever a scraper would refuse, or a linter complain of. */
export function readExposition(text: string): Map<string, Family> {
  const families = new Map<string, { name: string; help: string; type: string; series: Series[] }>();
  const seen = new Set<string>();
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  let help: { name: string; text: string } | undefined;
  let current: string | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const [, helpName, helpText] = new RegExp(`^# HELP (${NAME}) (.+)$`).exec(line) ?? [];
    const [, typeName, type] = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`).exec(line) ?? [];
    if (helpName !== undefined) help = { name: helpName, text: helpText ?? '' };
    else if (typeName !== undefined) {
      if (help?.name !== typeName) throw new Error(`TYPE without its HELP: ${line}`);
      if (families.has(typeName)) throw new Error(`the family comes twice: ${line}`);
      if ((type === 'counter') !== typeName.endsWith('_total'))
        throw new Error(`counters, and they alone, end with _total: ${line}`);
      families.set(typeName, { name: typeName, help: help.text, type: type ?? '', series: [] });
      current = typeName;
    } else {
      const series = readSample(line);
      const family = families.get(current ?? '');
      const base = family?.type === 'histogram' ? series.name.replace(SUFFIXES, '') : series.name;
      if (family === undefined || base !== family.name) throw new Error(`a sample outside its family: ${line}`);
      const key = `${series.name} ${JSON.stringify(Object.entries(series.labels).sort())}`;
      if (seen.has(key)) throw new Error(`the series comes twice: ${line}`);
      seen.add(key);
      family.series.push(series);
    }
  }
  for (const family of families.values()) if (family.type === 'histogram') checkHistogram(family);
  return families;
}

function readSample(line: string): Series {
  const [, name, labelText = '', value] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < labelText.length) {
    const [, label = '', content = ''] = LABEL.exec(labelText) ?? [];
    if (label === '' || label in labels) throw new Error(`labels cannot be read: ${line}`);
    labels[label] = content;
  }
  return { name, labels, value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value) };
}

function checkHistogram({ name, series }: Family): void {
  const buckets = series.filter((one) => one.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) =>
    labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']),
  );
  const counts = buckets.map(({ value }) => value);
  const count = series.find((one) => one.name === `${name}_count`)?.value;
  const isAscending = (values: readonly number[]) =>
    values.every((value, index) => index === 0 || value >= (values[index - 1] ?? 0));
  if (!isAscending(bounds) || !isAscending(counts)) throw new Error(`${name}: buckets out of order`);
  if (bounds.at(-1) !== Number.POSITIVE_INFINITY || counts.at(-1) !== count)
    throw new Error(`${name}: +Inf is not the count`);
  if (!series.some((one) => one.name === `${name}_sum`)) throw new Error(`${name} has no sum`);
}
