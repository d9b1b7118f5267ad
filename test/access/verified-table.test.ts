import { stat } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VerifiedTable } from '../../src/access/verified-table.ts';
import type { StateFolder } from '../../src/lib/state-folder.ts';
import { temporaryState } from './folder.ts';

const DAY_MS = 24 * 60 * 60_000;
const FILE = 'verified-credentials.json';
const clock = { now: 1_800_000_000_000 };
const load = (state: StateFolder) => VerifiedTable.load({ state, now: () => clock.now });

/** Runs a test with a folder of its own. */
function withFolder(test: (state: StateFolder) => Promise<void>): () => Promise<void> {
  return async () => {
    const { state, remove } = await temporaryState();
    try {
      await test(state);
    } finally {
      await remove();
    }
  };
}

const table = suite('table of verified credentials');

table(
  'remembers over a restart, in a private file',
  withFolder(async (state) => {
    const first = await load(state);
    first.note('key-1');
    first.note('key-2');
    first.forget('key-2');
    await first.close();
    assert.is((await stat(state.pathOf(FILE))).mode & 0o777, 0o600);
    const second = await load(state);
    assert.ok(second.has('key-1'));
    assert.not(second.has('key-2'));
    await second.close();
  }),
);

table(
  'remembers for seven days from the last time',
  withFolder(async (state) => {
    const verified = await load(state);
    verified.note('key');
    clock.now += 6 * DAY_MS;
    verified.note('key');
    clock.now += 6 * DAY_MS;
    assert.ok(verified.has('key'));
    clock.now += DAY_MS;
    assert.not(verified.has('key'));
    await verified.close();
  }),
);

table(
  'does not trust a time in the future: the clock was another one',
  withFolder(async (state) => {
    await state.write(FILE, JSON.stringify({ soon: clock.now + 60_000, later: clock.now + DAY_MS }));
    const verified = await load(state);
    assert.ok(verified.has('soon'));
    assert.not(verified.has('later'));
    verified.note('later');
    assert.ok(verified.has('later'));
    await verified.close();
  }),
);

table(
  'is empty when its file is damaged',
  withFolder(async (state) => {
    for (const content of ['', '{"key":', '[]', 'null', '"key"', '{"key":"yesterday"}']) {
      await state.write(FILE, content);
      assert.not((await load(state)).has('key'), content);
    }
  }),
);

table(
  'writes once an hour at most for a credential that stays good',
  withFolder(async (state) => {
    const verified = await load(state);
    verified.note('key');
    await verified.close();
    const written = await state.read(FILE);
    await state.remove(FILE);
    clock.now += 59 * 60_000;
    verified.note('key');
    await verified.close();
    assert.is(await state.read(FILE), undefined);
    clock.now += 60_000;
    verified.note('key');
    await verified.close();
    assert.not.equal(await state.read(FILE), written);
  }),
);

table(
  'forgets the longest unseen rather than grow',
  withFolder(async (state) => {
    const verified = await load(state);
    for (let index = 0; index < 1500; index++) verified.note(`key-${index}`);
    assert.not(verified.has('key-0'));
    assert.ok(verified.has('key-1499'));
    await verified.close();
    assert.is(Object.keys(JSON.parse(String(await state.read(FILE)))).length, 1000);
  }),
);

table(
  'goes on when the folder cannot be written',
  withFolder(async (state) => {
    const verified = await load(state);
    verified.note('key');
    await state.remove('.');
    await verified.close();
    assert.ok(verified.has('key'));
    await state.prepare();
  }),
);

table.run();
