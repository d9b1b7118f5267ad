/** The shape of the house: the direction of imports, no cycles, one importing file for each third-party library. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const SRC = join(import.meta.dirname, '..', 'src');

/** A room may import from rooms on lower floors, and from itself. */
const FLOORS: readonly (readonly string[])[] = [
  ['lib'],
  ['net'],
  ['config', 'demo', 'http', 'dns', 'tls', 'access', 'server', 'remote', 'ops'],
  ['gateway'],
  ['commands'],
  ['cli'],
  ['main', 'start'],
];
/** Rooms of one floor that may not be imported by the features beside them; gateway and cli may. */
const IMPORTERS_ALLOWED: Readonly<Record<string, number>> = {
  'http-proxy': 1,
  'node-forge': 1,
  'ipaddr.js': 1,
  dns2: 1,
  'lru-cache': 1,
  pino: 1,
  uqr: 1,
  'smol-toml': 1,
  valibot: 1,
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const found: Import[] = [];
  const statement =
    /^(import|export)\s+(type\s+)?[^;'"]*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;
  for (const match of text.matchAll(statement)) {
    const specifier = match[3] ?? match[4] ?? match[5] ?? '';
    const to = specifier.startsWith('.') ? relative(SRC, join(SRC, dirname(file), specifier)) : specifier;
    found.push({ from: file, to, typeOnly: match[2] !== undefined });
  }
  return found;
}

/** `http-proxy/lib/common.js` is part of `http-proxy`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const imports = files.flatMap(importsOf);
const runtime = imports.filter((edge) => !edge.typeOnly);
const internal = runtime.filter((edge) => edge.to.endsWith('.ts'));

function roomOf(file: string): string {
  const [first = ''] = file.split('/');
  return first.replace(/\.ts$/, '');
}

function floorOf(file: string): number {
  const floor = FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));
  if (floor < 0) throw new Error(`${file} is in no known room`);
  return floor;
}

test('there is source to look at', () => {
  assert.ok(files.length > 20, `${files.length} files`);
  assert.ok(internal.length > 20, `${internal.length} imports`);
});

test('imports point downwards, and features do not import each other', () => {
  const wrong = internal.filter(({ from, to }) => roomOf(from) !== roomOf(to) && floorOf(to) >= floorOf(from));
  assert.equal(
    wrong.map(({ from, to }) => `${from} imports ${to}`),
    [],
  );
});

test('no file imports itself through others', () => {
  const next = new Map<string, string[]>();
  for (const { from, to } of internal) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    assert.not.ok(trail.includes(file), `cycle: ${[...trail, file].join(' → ')}`);
    if (done.has(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...trail, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

test('each third-party library is imported by the one file that knows its traps', () => {
  const importers = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (to.endsWith('.ts') || to.endsWith('.json') || to.startsWith('node:')) continue;
    const library = packageOf(to);
    importers.set(library, (importers.get(library) ?? new Set()).add(from));
  }
  for (const [library, by] of importers) {
    const allowed = IMPORTERS_ALLOWED[library] ?? 0;
    assert.ok(by.size <= allowed, `${library} is imported by ${[...by].join(', ')}, allowed: ${allowed}`);
  }
});

test('source files are small, named in kebab-case and begin with the sentence that says their job', () => {
  for (const file of files) {
    const text = readFileSync(join(SRC, file), 'utf8');
    assert.match(file, /^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)*[a-z0-9]+(?:-[a-z0-9]+)*(?:\.d)?\.ts$/);
    assert.match(text, /^(?:#!.*\n)?\/\*\*/, `${file} has no first sentence`);
    assert.ok(text.split('\n').length <= 450, `${file} has ${text.split('\n').length} lines`);
  }
});

test('the product speaks of itself alone', () => {
  for (const file of files) {
    const text = readFileSync(join(SRC, file), 'utf8');
    assert.not.match(text, /\b(?:TODO|FIXME|XXX)\b/, file);
  }
});

test.run();
