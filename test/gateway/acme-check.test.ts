/** What `status` says of certificates by ACME. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acmeCheck } from '../../src/gateway/acme-check.ts';

const DAY_MS = 24 * 60 * 60_000;
const FAILED = {
  names: ['films.example.org', 'music.example.org'],
  directory: 'https://authority.example/directory',
  notAfter: undefined,
  formerUntil: undefined,
  isTrying: false,
  nextAttemptAt: 2000 * DAY_MS,
  lastError: { at: 0, sentence: 'no such name', remedy: 'make it' },
  lastAttempt: { at: 0, hasSucceeded: false },
  fileFault: undefined,
  needs: [],
  isClockSet: true,
};

test('while names were added in vain, the former certificate serves, and is not said to be missing', () => {
  const evidence = (formerUntil: number | undefined) =>
    acmeCheck({ ...FAILED, formerUntil }, false, 1000 * DAY_MS)?.evidence ?? '';
  assert.match(evidence(undefined), 'there is no certificate yet');
  assert.match(evidence(1500 * DAY_MS), 'the former certificate serves until 1974-02-09');
  assert.not.match(evidence(1500 * DAY_MS), 'no certificate yet');
});

test.run();
