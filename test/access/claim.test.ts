import { readdir, readFile, stat } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ClaimAnswer, ClaimSetup, setupFileName } from '../../src/access/claim.ts';
import { Throttle } from '../../src/access/throttle.ts';
import type { StateFolder } from '../../src/lib/state-folder.ts';
import { createAsk } from '../../src/server/ask.ts';
import { claimPlexServer } from '../../src/server/plex-claim.ts';
import { type PlexStandIn, startPlex } from '../support/plex.ts';
import { temporaryState } from './folder.ts';

const MINUTE_MS = 60_000;
const PAGE = 'http://192.168.1.10:32443/.lockgate/setup';
const CODE = 'claim-abcdefgh12345678';
const CLIENT = '192.168.1.20';

interface Bench {
  readonly setup: ClaimSetup;
  readonly server: PlexStandIn;
  readonly state: StateFolder;
  readonly clock: { now: number };
  /** The key that the file leads to. */
  offer(): Promise<string>;
  setupFiles(): Promise<string[]>;
}

/** An unclaimed Plex stand-in that accepts `CODE`, and the set-up that leads there. */
async function onBench(test: (bench: Bench) => Promise<void>): Promise<void> {
  const server = await startPlex({ claimed: false });
  server.claimCodes.add(CODE);
  const { state, remove } = await temporaryState();
  const clock = { now: 1000 };
  const ask = createAsk({ baseUrl: server.url, verifyCertificate: false });
  const claim = async (code: string): Promise<ClaimAnswer> => {
    const { result } = await claimPlexServer(ask, code);
    return result === 'malformed' ? 'rejected' : result;
  };
  const throttle = new Throttle({ failures: 3, windowMs: 5 * MINUTE_MS, now: () => clock.now });
  const setup = new ClaimSetup({ state, throttle, claim, pageUrl: () => PAGE, now: () => clock.now });
  const offer = async () => (await setup.offer('My Server'))?.link.split('#')[1] ?? '';
  const setupFiles = async () => (await readdir(state.path)).filter((name) => name.endsWith('.html'));
  try {
    await test({ setup, server, state, clock, offer, setupFiles });
  } finally {
    await server.close();
    await remove();
  }
}

const claim = suite('set-up by file');

claim('is open while its key is good', () =>
  onBench(async ({ setup, offer, clock }) => {
    assert.not(setup.isOpen);
    await offer();
    assert.ok(setup.isOpen);
    clock.now += 30 * MINUTE_MS;
    assert.not(setup.isOpen);
    await offer();
    await setup.finish();
    assert.not(setup.isOpen);
  }),
);

claim('leads from a private file through the key to a claimed server, and removes the file', () =>
  onBench(async ({ setup, server, state, setupFiles }) => {
    const offer = await setup.offer('My Server');
    assert.ok(offer);
    assert.is(offer.file, state.pathOf('Setup My Server.html'));
    assert.is((await stat(offer.file)).mode & 0o777, 0o600);
    const [page, key = ''] = offer.link.split('#');
    assert.is(page, PAGE);
    assert.is(Buffer.from(key, 'base64url').length, 16);
    assert.match(await readFile(offer.file, 'utf8'), `url=${PAGE}#${key}`);
    assert.is(setup.progress, 'ready');
    assert.equal(await setup.submit({ key, code: CODE, client: CLIENT }), { outcome: 'accepted' });
    assert.ok(server.claimed);
    assert.is(setup.progress, 'waiting');
    assert.is((await setupFiles()).length, 1);
    await setup.finish();
    assert.is(setup.progress, 'done');
    assert.equal(await setupFiles(), []);
    assert.equal(await setup.submit({ key, code: CODE, client: CLIENT }), { outcome: 'wrong-key' });
  }),
);

claim('asks the server for nothing with a wrong key, and counts it as a failure', () =>
  onBench(async ({ setup, server, offer }) => {
    const key = await offer();
    for (const wrong of ['', `${key}x`, key.slice(1), 'AAAAAAAAAAAAAAAAAAAAAA']) {
      const { outcome } = await setup.submit({ key: wrong, code: CODE, client: CLIENT });
      assert.ok(outcome === 'wrong-key' || outcome === 'throttled');
    }
    assert.equal(await setup.submit({ key, code: CODE, client: CLIENT }), { outcome: 'throttled', waitSeconds: 300 });
    assert.is(server.requests.length, 0);
    assert.equal(await setup.submit({ key, code: CODE, client: '192.168.1.21' }), { outcome: 'accepted' });
  }),
);

claim('lets somebody with the key try as many codes as it takes', () =>
  onBench(async ({ setup, offer }) => {
    const key = await offer();
    for (let attempt = 0; attempt < 20; attempt++) {
      assert.equal(await setup.submit({ key, code: `claim-rejected-${attempt}`, client: CLIENT }), {
        outcome: 'rejected',
      });
    }
    assert.is(setup.progress, 'ready');
    assert.equal(await setup.submit({ key, code: ` ${CODE}\n`, client: CLIENT }), { outcome: 'accepted' });
  }),
);

claim('does not bother the server with what is no code', () =>
  onBench(async ({ setup, server, offer }) => {
    const key = await offer();
    for (const code of [
      '',
      'abcdefgh',
      'claim-',
      'claim-abc def gh',
      'claim-abcdefgh&x=1',
      `claim-${'a'.repeat(500)}`,
    ]) {
      assert.equal(await setup.submit({ key, code, client: CLIENT }), { outcome: 'rejected' }, code);
    }
    assert.is(server.requests.length, 0);
  }),
);

claim('says when the server cannot be reached, and keeps the key', () =>
  onBench(async ({ setup, server, offer }) => {
    const key = await offer();
    await server.stop();
    assert.equal(await setup.submit({ key, code: CODE, client: CLIENT }), { outcome: 'unreachable' });
    await server.listen();
    assert.equal(await setup.submit({ key, code: CODE, client: CLIENT }), { outcome: 'accepted' });
  }),
);

claim('takes a key for half an hour, and the last one that was written down', () =>
  onBench(async ({ setup, clock, offer, setupFiles }) => {
    const first = await offer();
    const second = await offer();
    assert.is((await setupFiles()).length, 1);
    assert.equal(await setup.submit({ key: first, code: 'claim-whatever', client: CLIENT }), { outcome: 'wrong-key' });
    clock.now += 30 * MINUTE_MS - 1;
    assert.equal(await setup.submit({ key: second, code: 'claim-whatever', client: CLIENT }), { outcome: 'rejected' });
    clock.now += 1;
    assert.equal(await setup.submit({ key: second, code: CODE, client: CLIENT }), { outcome: 'wrong-key' });
  }),
);

claim('does not wait for ever for the server’s word', () =>
  onBench(async ({ setup, clock, offer }) => {
    const key = await offer();
    await setup.submit({ key, code: CODE, client: CLIENT });
    clock.now += 2 * MINUTE_MS;
    assert.is(setup.progress, 'ready');
  }),
);

claim('is not done when the server was claimed in another way', () =>
  onBench(async ({ setup, offer, setupFiles }) => {
    await offer();
    await setup.finish();
    assert.is(setup.progress, 'ready');
    assert.equal(await setupFiles(), []);
  }),
);

claim('works from the operator’s shell without a key', () =>
  onBench(async ({ setup, server }) => {
    assert.is(await setup.claim(CODE), 'accepted');
    assert.ok(server.claimed);
  }),
);

claim('removes the file of an earlier run, whatever the server was called', () =>
  onBench(async ({ setup, state, setupFiles }) => {
    await state.write('Setup Old Name.html', '');
    await state.write('notes.html', '');
    await setup.offer('New Name');
    assert.equal((await setupFiles()).sort(), ['Setup New Name.html', 'notes.html']);
    await setup.finish();
    assert.equal(await setupFiles(), ['notes.html']);
  }),
);

claim('writes no file while the page has no address', async () => {
  const { state, remove } = await temporaryState();
  const throttle = new Throttle({ failures: 3, windowMs: MINUTE_MS });
  const setup = new ClaimSetup({ state, throttle, claim: async () => 'accepted', pageUrl: () => undefined });
  try {
    assert.is(await setup.offer('My Server'), undefined);
    assert.equal(await readdir(state.path), []);
    assert.equal(await setup.submit({ key: '', code: CODE, client: CLIENT }), { outcome: 'wrong-key' });
  } finally {
    await remove();
  }
});

claim('shows a hostile server name as text', () =>
  onBench(async ({ setup }) => {
    const offer = await setup.offer('<script>alert("1")</script>');
    assert.ok(offer);
    assert.not.match(await readFile(offer.file, 'utf8'), /<script/i);
  }),
);

claim.run();

const name = suite('name of the set-up file');

name('is the server’s, without anything a file system could take amiss', () => {
  const names: Readonly<Record<string, string>> = {
    'My Server': 'Setup My Server.html',
    'Büro – Küche': 'Setup Büro Küche.html',
    '../../etc/passwd': 'Setup etc passwd.html',
    '..': 'Setup media server.html',
    '': 'Setup media server.html',
    'a\u0000b\nc': 'Setup a b c.html',
    '-rf *': 'Setup rf.html',
    'C:\\x': 'Setup C x.html',
    '\u202egpj.exe': 'Setup gpj.exe.html',
  };
  for (const [serverName, expected] of Object.entries(names)) assert.is(setupFileName(serverName), expected);
  assert.is(setupFileName(undefined), 'Setup media server.html');
});

name('fits into a folder however long the server’s is', () => {
  assert.ok(Buffer.byteLength(setupFileName('𝔘'.repeat(500))) <= 255);
});

name.run();
