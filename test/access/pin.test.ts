import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPin, PinVerifier } from '../../src/access/pin.ts';
import { GatewayError } from '../../src/lib/errors.ts';

/** `4711` under parameters that take no time. */
const CHEAP_HASH = '$scrypt$ln=1,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$X1nu+xPVLE/sxWENdwOI2J/8G9dZOmgiEfD9kgKAGXo';

const pin = suite('PIN');

pin('is accepted when it is the one that was hashed, and only then', async () => {
  const verifier = new PinVerifier(await hashPin('4711'));
  assert.is(await verifier.verify('4711'), true);
  assert.is(await verifier.verify('4712'), false);
  const cheap = new PinVerifier(CHEAP_HASH);
  for (const wrong of ['', '471', '47110', ' 4711']) assert.is(await cheap.verify(wrong), false, wrong);
});

pin('is hashed with its own salt each time, with the parameters beside it', async () => {
  const [first, second] = await Promise.all([hashPin('4711'), hashPin('4711')]);
  assert.is.not(first, second);
  assert.match(first, /^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.not.match(first, '4711');
});

pin('is the same however its letters are composed', async () => {
  const verifier = new PinVerifier(await hashPin('café'));
  assert.is(await verifier.verify('cafe\u0301'), true);
});

pin('is looked at one at a time, and a crowd is turned away', async () => {
  const verifier = new PinVerifier(CHEAP_HASH);
  const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => verifier.verify(`${index}`)));
  assert.is(answers.filter((answer) => answer === 'busy').length, 22);
  assert.is(await verifier.verify('4711'), true);
});

pin('longer than any form allows is wrong without being hashed', async () => {
  const verifier = new PinVerifier(CHEAP_HASH);
  const started = performance.now();
  assert.is(await verifier.verify('9'.repeat(10_000_000)), false);
  assert.ok(performance.now() - started < 1000);
});

pin('that is empty or very long is not hashed', async () => {
  for (const unfit of ['', '1'.repeat(65)]) {
    try {
      await hashPin(unfit);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, GatewayError);
    }
  }
});

pin('hash that is none is a fault of the configuration', () => {
  const faulty = [
    '',
    '4711',
    '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA',
    CHEAP_HASH.slice(0, -1),
    `${CHEAP_HASH}A`,
    CHEAP_HASH.replace('ln=1,', 'ln=0,'),
    CHEAP_HASH.replace('ln=1,', 'ln=30,'),
    CHEAP_HASH.replace('p=1', 'p=99'),
    CHEAP_HASH.replace('p=1', 'p=0'),
  ];
  for (const encoded of faulty) {
    assert.throws(
      () => new PinVerifier(encoded),
      (error: unknown) => error instanceof GatewayError && error.code === 'config',
      encoded,
    );
  }
});

pin.run();
