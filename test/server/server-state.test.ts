/** The table of states: what a look at the server means, given what is known of it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plex } from '../../src/server/plex.ts';
import { type Expectation, type FoundServer, type Observation, standingAfter } from '../../src/server/server-state.ts';

const test = suite('server state');

const found = (id: string, claimed: boolean | undefined, url = 'http://127.0.0.1:32400'): FoundServer => ({
  kind: plex,
  url,
  identity: { id, name: undefined, version: undefined, claimed, basePath: '' },
});
const server = (id: string, claimed: boolean | undefined): Observation => ({ seen: 'server', ...found(id, claimed) });
const nothing: Observation = { seen: 'nothing', isFinal: true, detail: 'refused' };
const expected = (changes: Partial<Expectation> = {}): Expectation => ({
  id: 'a',
  wasClaimed: false,
  wasSeen: false,
  ...changes,
});

test('only the expected server that says that it is claimed is claimed', () => {
  const table: readonly [Observation, Expectation, string][] = [
    [server('a', true), expected(), 'claimed'],
    [server('a', true), expected({ id: undefined }), 'claimed'],
    [server('a', true), expected({ wasClaimed: true, wasSeen: true }), 'claimed'],
    [server('a', false), expected(), 'unclaimed'],
    [server('a', false), expected({ id: undefined }), 'unclaimed'],
    [server('a', false), expected({ wasClaimed: true }), 'signed-out'],
    [server('a', undefined), expected({ wasSeen: true }), 'unknown down'],
    [server('b', true), expected(), 'unknown other-server'],
    [server('b', false), expected({ wasClaimed: true }), 'unknown other-server'],
    [nothing, expected(), 'unknown starting'],
    [nothing, expected({ wasSeen: true, wasClaimed: true }), 'unknown down'],
    [
      { seen: 'moved', ...found('a', true, 'http://10.0.0.9:32400') },
      expected({ wasSeen: true }),
      'unknown other-server',
    ],
    [{ seen: 'several', found: [found('a', true), found('b', true)] }, expected({ id: undefined }), 'unknown starting'],
  ];
  for (const [observation, expectation, outcome] of table) {
    const { state, unknownBecause } = standingAfter(observation, expectation);
    assert.is([state, unknownBecause].filter(Boolean).join(' '), outcome, JSON.stringify([observation, expectation]));
  }
});

test('everything but claimed comes with a sentence that names what was seen', () => {
  assert.is(standingAfter(server('a', true), expected()).detail, undefined);
  assert.match(standingAfter(server('b', true), expected()).detail ?? '', 'http://127.0.0.1:32400 is b, not a');
  assert.match(standingAfter(server('a', false), expected({ wasClaimed: true })).detail ?? '', 'signed out');
  const several = standingAfter({ seen: 'several', found: [found('a', true), found('b', true)] }, expected());
  assert.match(several.detail ?? '', /Plex Media Server "a" at .*; Plex Media Server "b" at /);
});

test.run();
