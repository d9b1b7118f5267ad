import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KnownAddresses } from '../../src/access/known-addresses.ts';

const HOUR_MS = 60 * 60_000;

const known = suite('known addresses');

known('are remembered for twelve hours after the last good credentials', () => {
  const clock = { now: 0 };
  const addresses = new KnownAddresses(() => clock.now);
  assert.not(addresses.has('192.0.2.1'));
  addresses.note('192.0.2.1');
  clock.now += 11 * HOUR_MS;
  assert.ok(addresses.has('192.0.2.1'));
  assert.not(addresses.has('192.0.2.2'));
  addresses.note('192.0.2.1');
  clock.now += 11 * HOUR_MS;
  assert.ok(addresses.has('192.0.2.1'));
  clock.now += HOUR_MS;
  assert.not(addresses.has('192.0.2.1'));
});

known('forget the longest unseen rather than grow', () => {
  const addresses = new KnownAddresses(() => 0);
  for (let index = 0; index < 10_000; index++) addresses.note(`10.0.${index >> 8}.${index & 255}`);
  assert.not(addresses.has('10.0.0.0'));
  assert.ok(addresses.has('10.0.39.15'));
});

known.run();
