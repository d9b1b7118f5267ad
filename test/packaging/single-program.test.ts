/** Joining runtime, bundle and loader: what comes out runs here, and what is not a runtime is refused. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Elf, PT_INTERP, PT_LOAD, PT_PHDR } from '../../docker/program/elf.ts';
import { RUNTIME_FLAGS } from '../../docker/program/flags.ts';
import { trimIcu } from '../../docker/program/icu.ts';
import { makeBlob } from '../../docker/program/sea-blob.ts';
import { makeSingleProgram } from '../../docker/program/single-program.ts';
import { inFolder } from './system.ts';

const test = suite<{ runtime: Buffer; program: Buffer; loader: string }>('a single program');

/** Asks the runtime for things that need ICU, in the ways that are left. */
const SCRIPT = `
const say = (make) => { try { return String(make()); } catch (error) { return error.name; } };
console.log(JSON.stringify([
  say(() => (1234567.5).toLocaleString()),
  say(() => new URL('http://b\\u00fccher.example/').host),
  say(() => 'e\\u0301'.normalize('NFC').length),
  say(() => new Intl.DateTimeFormat('de', { month: 'long' }).format(0)),
  say(() => /\\p{L}/u.test('\\u00df')),
  say(() => new TextDecoder('shift_jis')),
  say(() => process.execArgv.join(' ')),
  say(() => require('node:v8').getHeapStatistics().heap_size_limit < 200e6),
]));`;

test.before((context) => {
  context.runtime = readFileSync(process.execPath);
  const elf = new Elf(context.runtime);
  const { offset, fileBytes } = elf.segment(PT_INTERP);
  context.loader = context.runtime.toString('latin1', offset, offset + fileBytes - 1);
  context.program = inFolder((folder) => {
    const script = join(folder, 'script.cjs');
    writeFileSync(script, SCRIPT);
    const blob = makeBlob(process.execPath, { main: script, assets: {} });
    return makeSingleProgram({ runtime: context.runtime, blob, loader: context.loader, libraryFolder: '/nowhere/lib' });
  });
});

test('it runs the script, with the flags it was given and no others', ({ program }) => {
  const [, , , , , , flags, isSmall] = run(program);
  assert.is(flags, RUNTIME_FLAGS.join(' '));
  assert.is(isSmall, 'true');
});

test('without the data of other languages it speaks English, and names, numbers and addresses work', ({ program }) => {
  const trimmed = Buffer.from(program);
  assert.ok(trimIcu(trimmed) > 25_000_000);
  const [number, host, length, month, isLetter, decoder] = run(trimmed);
  assert.equal([number, host, length, isLetter], ['1,234,567.5', 'xn--bcher-kva.example', '1', 'true']);
  assert.is(month, 'January');
  assert.is(decoder, 'RangeError');
});

test('the headers stay where old kernels look for them, and segments stay in the order of their addresses', ({
  program,
}) => {
  const elf = new Elf(program);
  const { offset, address } = elf.segment(PT_PHDR);
  const [first] = elf.segments.filter(({ type }) => type === PT_LOAD);
  assert.is(offset, 64);
  assert.is(address, (first?.address ?? 0) + 64);
  const addresses = elf.segments.filter(({ type }) => type === PT_LOAD).map((segment) => segment.address);
  assert.equal(
    addresses,
    addresses.toSorted((a, b) => a - b),
  );
});

test('the runtime itself is not changed, and the bytes are the same each time', ({ runtime, loader }) => {
  const blob = Buffer.from('not read here');
  const make = () => makeSingleProgram({ runtime, blob, loader, libraryFolder: '/nowhere/lib' });
  const first = make();
  assert.ok(readFileSync(process.execPath).equals(runtime));
  assert.ok(make().equals(first));
});

test('what is no runtime is refused, and so is one that has a bundle already', ({ program, loader }) => {
  const make = (runtime: Buffer) =>
    makeSingleProgram({ runtime, blob: Buffer.from('x'), loader, libraryFolder: '/lib' });
  assert.throws(() => make(Buffer.from('#!/bin/sh\n'.repeat(20))), /not a 64-bit little-endian ELF/);
  assert.throws(() => make(program), /the fuse of the runtime is set already/);
});

function run(program: Buffer): string[] {
  return inFolder((folder) => {
    const path = join(folder, 'program');
    writeFileSync(path, program, { mode: 0o755 });
    return JSON.parse(execFileSync(path, { encoding: 'utf8' })) as string[];
  });
}

test.run();
