import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nearestWord } from '../../src/lib/nearest-word.ts';

const test = suite('nearest word');

test('a slip of the fingers leads to the word that was meant', () => {
  const words = ['port', 'addresses', 'published', 'secure_connections'];
  assert.is(nearestWord('prt', words), 'port');
  assert.is(nearestWord('porrt', words), 'port');
  assert.is(nearestWord('pors', words), 'port');
  assert.is(nearestWord('prot', words), 'port');
  assert.is(nearestWord('adresses', words), 'addresses');
  assert.is(nearestWord('SecureConnections', words), 'secure_connections');
});

test('a word that is far from all leads nowhere', () => {
  assert.is(nearestWord('metrics', ['port', 'addresses']), undefined);
  assert.is(nearestWord('', ['port']), undefined);
  assert.is(nearestWord('port', []), undefined);
  assert.is(nearestWord('p'.repeat(10_000), ['port']), undefined);
});

test('of equally near words the first is taken', () => {
  assert.is(nearestWord('ab', ['aa', 'bb']), 'aa');
});

test.run();
