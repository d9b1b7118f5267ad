import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { listStanding, listWarning } from '../../src/access/networks.ts';

const list = suite('list in force');

list('holds for everybody but the list, whatever Plex Home is', () => {
  for (const home of [true, false, undefined]) {
    assert.ok(listStanding('unlisted', home).isInForce);
    assert.is(listWarning(listStanding('unlisted', home)), undefined);
  }
});

list('is ignored in everyone mode, and that is said', () => {
  for (const home of [true, false, undefined]) {
    assert.not(listStanding('everyone', home).isInForce);
    assert.match(listWarning(listStanding('everyone', home)) ?? '', 'ignored');
  }
});

list('follows Plex Home in auto mode, and holds when nothing is known', () => {
  assert.not(listStanding('auto', true).isInForce);
  assert.match(listWarning(listStanding('auto', true)) ?? '', 'Plex Home is on');
  assert.ok(listStanding('auto', false).isInForce);
  assert.is(listWarning(listStanding('auto', false)), undefined);
  assert.ok(listStanding('auto', undefined).isInForce);
  assert.match(listWarning(listStanding('auto', undefined)) ?? '', 'without knowing');
});

list.run();
