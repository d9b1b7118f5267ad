/** The code that a start does not compile: it is used, it is the same each time, and no other bundle's code ever runs. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Elf, PT_INTERP } from '../../docker/program/elf.ts';
import { RUNTIME_FLAGS } from '../../docker/program/flags.ts';
import { makeBlob } from '../../docker/program/sea-blob.ts';
import { makeSingleProgram } from '../../docker/program/single-program.ts';
import { VERSION } from '../../src/lib/version.ts';
import { inFolder } from './system.ts';

const BUILD = join(import.meta.dirname, '../../build');
const MAKER = join(import.meta.dirname, '../../docker/program/code-cache/make.ts');
/** Says on standard error what V8 thinks of the code of each script that brings some. */
const WITNESS = `
const vm = require('node:vm');
vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    console.error(options.cachedData === undefined ? 'without code' : this.cachedDataRejected ? 'rejected' : 'taken');
  }
};
`;

const bundle = readFileSync(join(BUILD, 'bundle.js'));
const code = readFileSync(join(BUILD, 'bundle.code'));

/** `lockgate version`, run by the flags of the packages with this bundle and this code. */
function start(parts: { bundle?: Buffer; code?: Buffer | undefined; flags?: readonly string[] } = {}) {
  const { flags = RUNTIME_FLAGS } = parts;
  return inFolder((folder) => {
    copyFileSync(join(BUILD, 'lockgate.cjs'), join(folder, 'lockgate.cjs'));
    writeFileSync(join(folder, 'witness.cjs'), WITNESS);
    writeFileSync(join(folder, 'bundle.js'), parts.bundle ?? bundle);
    if (parts.code !== undefined) writeFileSync(join(folder, 'bundle.code'), parts.code);
    const words = [...flags, '--require', join(folder, 'witness.cjs'), join(folder, 'lockgate.cjs'), 'version'];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    return { status, version: /^lockgate (\S+) /.exec(stdout)?.[1], code: stderr.trim() };
  });
}

/** As many bytes, and another version. */
function laterBundle(): Buffer {
  const text = bundle.toString('latin1');
  const at = text.indexOf(`"${VERSION}"`);
  assert.is.not(at, -1);
  const later = Buffer.from(bundle);
  later.write(
    VERSION.replace(/./g, (letter) => (letter === '.' ? '.' : '9')),
    at + 1,
  );
  return later;
}

test('the built program takes its code', () => {
  assert.equal(start({ code }), { status: 0, version: VERSION, code: 'taken' });
});

test('so does the single executable', () => {
  inFolder((folder) => {
    const main = join(folder, 'main.cjs');
    writeFileSync(main, WITNESS + readFileSync(join(BUILD, 'lockgate.cjs'), 'utf8'));
    const assets = { 'bundle.js': join(BUILD, 'bundle.js'), 'bundle.code': join(BUILD, 'bundle.code') };
    const runtime = readFileSync(process.execPath);
    const { offset, fileBytes } = new Elf(runtime).segment(PT_INTERP);
    const loader = runtime.toString('latin1', offset, offset + fileBytes - 1);
    const blob = makeBlob(process.execPath, { main, assets });
    const program = join(folder, 'program');
    writeFileSync(program, makeSingleProgram({ runtime, blob, loader, libraryFolder: '/nowhere/lib' }), {
      mode: 0o755,
    });
    const { status, stdout, stderr } = spawnSync(program, ['version'], { encoding: 'utf8' });
    assert.is(status, 0, stderr);
    assert.match(stdout, `lockgate ${VERSION} (Node ${process.versions.node}, linux-${process.arch})`);
    assert.is(stderr.trim(), 'taken');
  });
});

test('code of another bundle does not run, though V8 would take it', () => {
  const later = laterBundle();
  assert.is(later.length, bundle.length);
  assert.equal(start({ bundle: later, code }), { status: 0, version: '9.9.9', code: 'without code' });
});

test('code that is missing, empty, cut off or damaged is left out', () => {
  const damaged = Buffer.from(code);
  damaged[code.length - 1000]! ^= 1;
  for (const broken of [undefined, Buffer.alloc(0), code.subarray(0, 10), code.subarray(0, code.length / 2), damaged]) {
    assert.equal(start({ code: broken }), { status: 0, version: VERSION, code: 'without code' });
  }
});

test('code that was made for other flags is rejected, and the program runs', () => {
  const flags = ['--no-use-ic'];
  assert.equal(start({ code, flags }), { status: 0, version: VERSION, code: 'rejected' });
});

test('another rehearsal makes the same bytes', () => {
  inFolder((folder) => {
    const outfile = join(folder, 'code');
    const { status, stderr } = spawnSync(process.execPath, [MAKER, join(BUILD, 'bundle.js'), outfile], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], TZ: 'Asia/Kolkata', HOME: folder, TMPDIR: folder },
    });
    assert.is(status, 0, stderr);
    assert.ok(readFileSync(outfile).equals(code));
  });
});

test('a gateway that does not get ready makes no code, and what it said is shown', () => {
  inFolder((folder) => {
    const wrong = join(folder, 'bundle.js');
    writeFileSync(wrong, '(function(require){console.log(\'{"message":"no room"}\');process.exitCode=3})');
    const { status, stderr } = spawnSync(process.execPath, [MAKER, wrong, join(folder, 'code')], { encoding: 'utf8' });
    assert.is(status, 1);
    assert.match(stderr, 'code was not made: the gateway ended early (3), having said [{"message":"no room"}]\n');
    assert.not.ok(existsSync(join(folder, 'code')));
  });
});

test.run();
