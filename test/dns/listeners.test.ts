import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { newCounters } from '../../src/dns/counters.ts';
import { Listeners } from '../../src/dns/listeners.ts';
import { silentLog } from '../../src/lib/log.ts';

const listeners = suite('listeners');

listeners('an address that cannot be had is said once, and again after it could be had in between', async () => {
  const said: string[] = [];
  const log = { ...silentLog, warn: (_fields: unknown, message: string) => void said.push(message) };
  const responder = () => {
    throw new Error('nobody asks here');
  };
  const set = new Listeners({ responder, counters: newCounters(), log });
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const wanted = [{ address: '127.0.0.1', port, isExpanded: true }];
  for (let look = 1; look <= 3; look++) await set.agreeWith(wanted, false);
  assert.equal(said, ['DNS cannot listen on an address yet']);

  taken.close();
  await once(taken, 'close');
  await set.agreeWith(wanted, false);
  assert.equal(set.addresses, [`127.0.0.1:${port}`]);
  await set.agreeWith([], false);
  const again = createServer().listen(port, '127.0.0.1');
  await once(again, 'listening');
  await set.agreeWith(wanted, false);
  assert.is(said.length, 2);
  again.close();
  await set.close();
});

listeners.run();
