import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MELODY_BYTES, melodyPart } from '../../src/demo/melody.ts';

const test = suite('melody');
const whole = melodyPart(0, MELODY_BYTES);
const samples = new Int16Array(whole.buffer.slice(whole.byteOffset + 44, whole.byteOffset + whole.length));

test('is a WAV file whose header tells the truth', () => {
  assert.is(whole.length, MELODY_BYTES);
  assert.is(whole.toString('latin1', 0, 4), 'RIFF');
  assert.is(whole.readUInt32LE(4), whole.length - 8);
  assert.is(whole.toString('latin1', 8, 16), 'WAVEfmt ');
  const [channels, framesPerSecond, bytesPerSecond] = [
    whole.readUInt16LE(22),
    whole.readUInt32LE(24),
    whole.readUInt32LE(28),
  ];
  assert.is(bytesPerSecond, framesPerSecond * channels * 2);
  assert.is(whole.readUInt32LE(40), whole.length - 44);
  assert.is((whole.length - 44) / bytesPerSecond, 60);
});

test('sounds the same from any offset, odd ones and the header included', () => {
  const offsets = [0, 1, 43, 44, 45, 46, 47, 48, 7_243, 1_000_001, MELODY_BYTES - 5, MELODY_BYTES - 1];
  for (const start of offsets) {
    for (const length of [1, 2, 3, 4, 5, 50, 4_097]) {
      const end = Math.min(start + length, MELODY_BYTES);
      assert.ok(melodyPart(start, end).equals(whole.subarray(start, end)), `${start}-${end}`);
    }
  }
});

test('is neither silent nor too loud', () => {
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  assert.ok(loudest > 8_000 && loudest < 32_000, String(loudest));
});

test('does not click: no two samples in a row are far apart, and it ends in silence', () => {
  let widest = 0;
  for (let index = 2; index < samples.length; index += 1) {
    widest = Math.max(widest, Math.abs((samples[index] ?? 0) - (samples[index - 2] ?? 0)));
  }
  assert.ok(widest < 6_000, String(widest));
  assert.ok(Math.abs(samples.at(-1) ?? 0) < 10);
});

test.run();
