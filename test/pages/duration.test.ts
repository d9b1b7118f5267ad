import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { durationInWords } from '../../src/http/pages/duration.ts';

const test = suite('duration');

test('uses the largest unit that fits', () => {
  for (const [seconds, words] of [
    [1, '1 second'],
    [59, '59 seconds'],
    [60, '1 minute'],
    [3_599, '60 minutes'],
    [3_600, '1 hour'],
    [86_400, '1 day'],
    [200_000, '3 days'],
  ] as const) {
    assert.is(durationInWords(seconds), words);
  }
});

test('rounds up, so that nobody comes back too early', () => {
  assert.is(durationInWords(61), '2 minutes');
  assert.is(durationInWords(0.2), '1 second');
  assert.is(durationInWords(0), '1 second');
});

test.run();
