import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isVersionBelow, type ServerView, serverFacts } from '../../src/access/server-facts.ts';
import { KINDS } from '../../src/server/kinds.ts';

const version = suite('server version');

version('is compared number by number, the part behind the dash aside', () => {
  for (const old of ['1.43.2', '1.43.2.9999-abc', '1.9.9', '1.42.10', '0.9', '1.43.2.10687-9ab7d7c3e', '1.43']) {
    assert.ok(isVersionBelow(old, '1.43.3'), old);
  }
  for (const safe of ['1.43.3', '1.43.3-abc', '1.43.3.1-abc', '1.43.10', '1.100.0', '2', '10.0']) {
    assert.not(isVersionBelow(safe, '1.43.3'), safe);
  }
});

version('that cannot be read is not known to be old', () => {
  for (const text of [undefined, '', 'unknown', 'v1.2', '1.2beta', '-1', '1..2']) {
    assert.not(isVersionBelow(text, '1.43.3'), text);
  }
});

version('is judged by the table of the kind, by the configuration, or not at all', () => {
  const view = (kind: 'plex' | 'jellyfin', text: string): ServerView => ({
    kind: KINDS[kind],
    state: 'claimed',
    unknownBecause: undefined,
    identity: { id: 'a', name: undefined, version: text, claimed: true, basePath: '' },
  });
  assert.ok(serverFacts(view('plex', '1.40.0'), 'auto').isOutdated);
  assert.not(serverFacts(view('plex', '1.43.3'), 'auto').isOutdated);
  assert.ok(serverFacts(view('plex', '1.43.3'), '1.44').isOutdated);
  assert.not(serverFacts(view('plex', '1.40.0'), '0').isOutdated);
  assert.not(serverFacts(view('jellyfin', '10.0.0'), 'auto').isOutdated);
  assert.ok(serverFacts(view('jellyfin', '10.8.0'), '10.9').isOutdated);
});

version.run();
