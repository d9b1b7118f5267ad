import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Throttle } from '../../src/access/throttle.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A throttle of three failures in five minutes, under a clock of the test's own. */
function throttleAt(start = 1_000_000) {
  const clock = { now: start };
  const throttle = new Throttle({ failures: 3, windowMs: 5 * MINUTE_MS, now: () => clock.now });
  const fail = (client: string, ...guesses: string[]) => {
    for (const guess of guesses) throttle.charge(client, guess);
  };
  return { clock, throttle, fail };
}

const perClient = suite('throttle of a client');

perClient('lets it fail as often as the budget says', () => {
  const { throttle, fail } = throttleAt();
  fail('192.0.2.1', 'a', 'b');
  assert.is(throttle.waitSeconds('192.0.2.1'), 0);
  fail('192.0.2.1', 'c');
  assert.is(throttle.waitSeconds('192.0.2.1'), 300);
});

perClient('charges the same wrong guess once', () => {
  const { throttle, fail } = throttleAt();
  fail('192.0.2.1', 'a', 'a', 'a', 'a', 'a');
  assert.is(throttle.waitSeconds('192.0.2.1'), 0);
  assert.not(throttle.charge('192.0.2.1', 'a'));
  assert.ok(throttle.charge('192.0.2.1', 'b'));
});

perClient('lets it try again when its oldest failure has left the window', () => {
  const { clock, throttle, fail } = throttleAt();
  fail('192.0.2.1', 'a');
  clock.now += 2 * MINUTE_MS;
  fail('192.0.2.1', 'b', 'c');
  assert.is(throttle.waitSeconds('192.0.2.1'), 180);
  clock.now += 3 * MINUTE_MS;
  assert.is(throttle.waitSeconds('192.0.2.1'), 0);
  fail('192.0.2.1', 'd');
  assert.is(throttle.waitSeconds('192.0.2.1'), 120);
});

perClient('keeps clients apart, IPv6 ones by their /64', () => {
  const { throttle, fail } = throttleAt();
  fail('192.0.2.1', 'a', 'b', 'c');
  assert.is(throttle.waitSeconds('192.0.2.2'), 0);
  fail('2001:db8:0:1::1', 'a');
  fail('2001:db8:0:1:ffff::2', 'b');
  fail('2001:db8:0:1:1:2:3:4', 'c');
  assert.ok(throttle.waitSeconds('2001:db8:0:1::99') > 0);
  assert.is(throttle.waitSeconds('2001:db8:0:2::1'), 0);
});

perClient('gives back what was charged for a guess that was right', () => {
  const { throttle, fail } = throttleAt();
  fail('192.0.2.1', 'a', 'b', 'right');
  throttle.refund('192.0.2.1', 'right');
  assert.is(throttle.waitSeconds('192.0.2.1'), 0);
  fail('192.0.2.1', 'c');
  assert.ok(throttle.waitSeconds('192.0.2.1') > 0);
});

perClient('counts guesses that are made at once before any is answered', () => {
  const { throttle } = throttleAt();
  const allowed = ['a', 'b', 'c', 'd', 'e'].filter((guess) => {
    if (throttle.waitSeconds('192.0.2.1') > 0) return false;
    return throttle.charge('192.0.2.1', guess);
  });
  assert.equal(allowed, ['a', 'b', 'c']);
});

perClient('forgets everything on request, and takes other limits', () => {
  const { throttle, fail } = throttleAt();
  fail('192.0.2.1', 'a', 'b', 'c');
  throttle.reset();
  assert.is(throttle.waitSeconds('192.0.2.1'), 0);
  throttle.configure({ failures: 1, windowMs: MINUTE_MS });
  fail('192.0.2.1', 'd');
  assert.is(throttle.waitSeconds('192.0.2.1'), 60);
});

perClient('forgets the client that was silent longest rather than grow', () => {
  const { throttle, fail } = throttleAt();
  fail('192.0.2.1', 'a', 'b', 'c');
  fail('192.0.2.2', 'a', 'b', 'c');
  for (let client = 0; client < 6000; client++) {
    fail(`10.0.${client >> 8}.${client & 255}`, 'a');
    throttle.waitSeconds('192.0.2.2');
  }
  assert.is(throttle.waitSeconds('192.0.2.1'), 0);
  assert.ok(throttle.waitSeconds('192.0.2.2') > 0);
});

perClient.run();

const shared = suite('throttle of PINs and setup keys');

/** Fails as often as it is let, from a new address each time; returns how often. */
function failFromEverywhere(throttle: Throttle, attempts: number): number {
  let failures = 0;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const client = `10.1.${attempt >> 8}.${attempt & 255}`;
    if (throttle.guessWaitSeconds(client) > 0) continue;
    throttle.chargeGuess(client, `pin ${attempt}`);
    failures++;
  }
  return failures;
}

shared('lets everybody together fail fifty times an hour', () => {
  const { throttle } = throttleAt();
  assert.is(failFromEverywhere(throttle, 200), 50);
  assert.is(throttle.guessWaitSeconds('192.0.2.99'), 60);
  assert.is(throttle.waitSeconds('192.0.2.99'), 0);
});

shared('doubles the wait with each failure after that', () => {
  const { clock, throttle } = throttleAt();
  failFromEverywhere(throttle, 50);
  for (const expected of [60, 120, 240, 480, 960]) {
    assert.is(throttle.guessWaitSeconds('192.0.2.99'), expected);
    clock.now += expected * 1000;
    assert.is(throttle.guessWaitSeconds('192.0.2.99'), 0);
    throttle.chargeGuess('192.0.2.99', `after ${expected}`);
    throttle.refund('192.0.2.99', `after ${expected}`);
  }
});

shared('is generous again an hour later', () => {
  const { clock, throttle } = throttleAt();
  failFromEverywhere(throttle, 50);
  clock.now += HOUR_MS + 1;
  assert.is(throttle.guessWaitSeconds('192.0.2.99'), 0);
});

shared('charges a guess that was right to nobody', () => {
  const { throttle } = throttleAt();
  failFromEverywhere(throttle, 49);
  for (let round = 0; round < 10; round++) throttle.chargeGuess('192.0.2.99', 'right')();
  assert.is(throttle.guessWaitSeconds('192.0.2.99'), 0);
  throttle.chargeGuess('192.0.2.99', 'wrong');
  assert.ok(throttle.guessWaitSeconds('192.0.2.98') > 0);
});

shared('charges the same wrong guess of a client once', () => {
  const { throttle } = throttleAt();
  for (let round = 0; round < 100; round++) throttle.chargeGuess('192.0.2.99', 'wrong');
  assert.is(throttle.guessWaitSeconds('192.0.2.98'), 0);
});

shared('respects the client’s own budget too', () => {
  const { throttle, fail } = throttleAt();
  fail('192.0.2.1', 'a', 'b', 'c');
  assert.is(throttle.guessWaitSeconds('192.0.2.1'), 300);
});

shared.run();
