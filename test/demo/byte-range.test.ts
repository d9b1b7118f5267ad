import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readByteRange } from '../../src/demo/byte-range.ts';

const test = suite('byte range');

test('reads the three forms of a single range', () => {
  assert.equal(readByteRange('bytes=0-0', 10), { start: 0, end: 1 });
  assert.equal(readByteRange('bytes=2-5', 10), { start: 2, end: 6 });
  assert.equal(readByteRange('bytes=7-', 10), { start: 7, end: 10 });
  assert.equal(readByteRange('bytes=-3', 10), { start: 7, end: 10 });
  assert.equal(readByteRange('Bytes= 2 - 5', 10), { start: 2, end: 6 });
});

test('ends a range that reaches beyond the file at its end', () => {
  assert.equal(readByteRange('bytes=5-99', 10), { start: 5, end: 10 });
  assert.equal(readByteRange('bytes=-99', 10), { start: 0, end: 10 });
});

test('calls a range unsatisfiable when no byte of it exists', () => {
  for (const header of ['bytes=10-', 'bytes=10-12', 'bytes=-0']) {
    assert.is(readByteRange(header, 10), 'unsatisfiable', header);
  }
  assert.is(readByteRange('bytes=-1', 0), 'unsatisfiable');
});

test('ignores what is no single range of bytes', () => {
  for (const header of [
    undefined,
    '',
    'bytes=',
    'bytes=-',
    'bytes=5-2',
    'bytes=a-b',
    'lines=1-2',
    'bytes=0-1,4-5',
    '0-1',
  ]) {
    assert.is(readByteRange(header, 10), undefined, header);
  }
});

test.run();
