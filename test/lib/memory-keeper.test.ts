/** When memory is given back: at rest, and not for less work than it is worth. */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keepMemoryLow } from '../../src/lib/memory-keeper.ts';
import { until } from '../support/until.ts';

const COLLECTION_MS = 40;
/** Some looks. */
const LOOKS_MS = 1_500;

function work(forMs: number): void {
  const { user, system } = process.cpuUsage();
  for (let done = 0; done < forMs * 1000; ) {
    const now = process.cpuUsage();
    done = now.user + now.system - user - system;
  }
}

const MIB = 1024 * 1024;

test('memory is given back at rest: much of it, and after work that it is worth', async () => {
  let collections = 0;
  let bytes = 60 * MIB;
  const stop = keepMemoryLow({
    collect: () => {
      collections += 1;
      work(COLLECTION_MS);
    },
    memoryBytes: () => bytes,
  });
  await until(() => collections === 1, 'what the start has left behind is given back');
  work(COLLECTION_MS * 10);
  bytes = 90 * MIB;
  await sleep(LOOKS_MS);
  assert.is(collections, 1, 'too little was done since');
  work(COLLECTION_MS * 15);
  bytes = 65 * MIB;
  await sleep(LOOKS_MS);
  assert.is(collections, 1, 'there is too little to be had');
  bytes = 70 * MIB;
  await until(() => collections === 2, 'given back');
  stop();
  work(COLLECTION_MS * 40);
  bytes = 90 * MIB;
  await sleep(LOOKS_MS);
  assert.is(collections, 2, 'it was stopped');
});

test.run();
