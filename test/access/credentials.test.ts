import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AskAbout, Credentials, credentialKey } from '../../src/access/credentials.ts';
import { VerifiedTable } from '../../src/access/verified-table.ts';
import type { StateFolder } from '../../src/lib/state-folder.ts';
import { createAsk } from '../../src/server/ask.ts';
import type { Verdict } from '../../src/server/kind.ts';
import { plex } from '../../src/server/plex.ts';
import { inTime } from '../support/in-time.ts';
import { OWNER_TOKEN, type PlexStandIn, startPlex } from '../support/plex.ts';
import { temporaryState } from './folder.ts';

const MINUTE_MS = 60_000;
const UNVERIFIABLE: Verdict = { verdict: 'unverifiable' };

interface Bench {
  readonly server: PlexStandIn;
  readonly credentials: Credentials;
  readonly clock: { monotonic: number; wall: number };
  readonly state: StateFolder;
  /** Log lines of the level warn. */
  readonly warnings: string[];
  /** How often the server was asked about this token. */
  asked(token: string): number;
}

/** A Plex stand-in and credentials that are verified with it over real sockets. */
async function onBench(
  test: (bench: Bench) => Promise<void>,
  options: { askAccount?: AskAbout; remembered?: readonly string[] } = {},
): Promise<void> {
  const server = await startPlex();
  const { state, remove } = await temporaryState();
  const clock = { monotonic: 1000, wall: 1_800_000_000_000 };
  const verified = await VerifiedTable.load({ state, now: () => clock.wall });
  for (const token of options.remembered ?? []) verified.note(credentialKey(token));
  const warnings: string[] = [];
  const ask = createAsk({ baseUrl: server.url, verifyCertificate: false });
  const credentials = new Credentials({
    askServer: (credential) => plex.verify(ask, credential),
    confirmClaimed: async () => server.claimed,
    verified,
    now: () => clock.monotonic,
    log: { debug() {}, info() {}, error() {}, warn: (_fields, message) => warnings.push(message) },
    ...(options.askAccount && { askAccount: options.askAccount }),
  });
  const asked = (token: string) => server.requests.filter((request) => request.header('x-plex-token') === token).length;
  try {
    await test({ server, credentials, clock, state, warnings, asked });
  } finally {
    await credentials.close();
    await server.close();
    await remove();
  }
}

const verification = suite('verification');

verification('takes the word of the server', () =>
  onBench(async ({ server, credentials }) => {
    server.expiredTokens.add('expired-token');
    assert.equal(await credentials.verify(OWNER_TOKEN), { verdict: 'valid' });
    assert.equal(await credentials.verify('made-up'), { verdict: 'invalid', status: 401 });
    assert.equal(await credentials.verify('expired-token'), { verdict: 'invalid', status: 498 });
  }),
);

verification('asks once for all who wait, and remembers', () =>
  onBench(async ({ credentials, asked }) => {
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => credentials.verify(OWNER_TOKEN)));
    assert.ok(verdicts.every(({ verdict }) => verdict === 'valid'));
    await credentials.verify(OWNER_TOKEN);
    assert.is(asked(OWNER_TOKEN), 1);
    assert.equal(credentials.recall(credentialKey(OWNER_TOKEN)), { verdict: 'valid' });
  }),
);

verification('remembers a good credential for five minutes, a bad one for thirty seconds', () =>
  onBench(async ({ credentials, clock }) => {
    await credentials.verify(OWNER_TOKEN);
    await credentials.verify('made-up');
    clock.monotonic += 29_999;
    assert.ok(credentials.recall(credentialKey('made-up')));
    clock.monotonic += 1;
    assert.is(credentials.recall(credentialKey('made-up')), undefined);
    assert.ok(credentials.recall(credentialKey(OWNER_TOKEN)));
    clock.monotonic += 5 * MINUTE_MS;
    assert.is(credentials.recall(credentialKey(OWNER_TOKEN)), undefined);
  }),
);

verification('of a server that has lost its owner since is none, and nothing of it is remembered', () =>
  onBench(async ({ server, credentials }) => {
    await credentials.testServer();
    server.claimed = false;
    assert.equal(await credentials.verify('made-up'), UNVERIFIABLE);
    assert.not(credentials.wasValidLately(credentialKey('made-up')));
    server.claimed = true;
    assert.equal(await credentials.verify('made-up'), { verdict: 'invalid', status: 401 });
  }),
);

verification('of a server that has begun to take anything for good since is none', () =>
  onBench(async ({ server, credentials }) => {
    await credentials.verify(OWNER_TOKEN);
    server.open = true;
    assert.equal(await credentials.verify('made-up'), UNVERIFIABLE);
    assert.is(credentials.serverIsStrict, false);
    assert.not(credentials.wasValidLately(credentialKey('made-up')));
  }),
);

verification('is not pushed out of memory by a flood of wrong credentials', () =>
  onBench(async ({ credentials }) => {
    await credentials.verify(OWNER_TOKEN);
    for (let index = 0; index < 600; index++) await credentials.verify(`\u0000unfit ${index}`);
    assert.ok(credentials.recall(credentialKey(OWNER_TOKEN)));
  }),
);

verification('cannot be had while the server is away', () =>
  onBench(async ({ server, credentials, asked }) => {
    await credentials.testServer();
    await server.stop();
    assert.equal(await credentials.verify('new-token'), UNVERIFIABLE);
    assert.is(credentials.recall(credentialKey('new-token')), undefined);
    await server.listen();
    server.tokens.add('new-token');
    assert.equal(await credentials.verify('new-token'), { verdict: 'valid' });
    assert.is(asked('new-token'), 1);
  }),
);

verification('never waits for longer than five seconds', () =>
  onBench(
    async ({ server, credentials }) => {
      server.open = true;
      await credentials.testServer();
      const started = performance.now();
      assert.equal(await inTime(6000, credentials.verify(OWNER_TOKEN)), UNVERIFIABLE);
      assert.ok(performance.now() - started > 4900);
    },
    { askAccount: () => new Promise(() => {}) },
  ),
);

verification('of an answer that says nothing is none', () =>
  onBench(async ({ server, credentials }) => {
    await credentials.testServer();
    server.misbehave({ kind: 'raw', bytes: 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n' });
    assert.equal(await credentials.verify(OWNER_TOKEN), UNVERIFIABLE);
  }),
);

verification('of strangers is bounded in number, of old friends it is not', () =>
  onBench(
    async ({ server, credentials }) => {
      await credentials.testServer();
      server.misbehave({ kind: 'silent' });
      const strangers = Array.from({ length: 64 }, (_, index) => credentials.verify(`stranger-${index}`));
      assert.equal(await credentials.verify('one-too-many'), UNVERIFIABLE);
      for (let index = 0; index < 64; index++) {
        await server.waitForRequest((request) => request.header('x-plex-token') === `stranger-${index}`);
      }
      server.misbehave();
      assert.equal(await credentials.verify(OWNER_TOKEN), { verdict: 'valid' });
      await server.stop();
      for (const verdict of await Promise.all(strangers)) assert.equal(verdict, UNVERIFIABLE);
    },
    { remembered: [OWNER_TOKEN] },
  ),
);

verification.run();

const selfTest = suite('self-test of the server');

selfTest('uses a new made-up credential each time', () =>
  onBench(async ({ server, credentials }) => {
    await credentials.testServer();
    await credentials.testServer();
    const tokens = server.requests.map((request) => request.header('x-plex-token'));
    assert.is(new Set(tokens).size, 2);
    assert.is(credentials.serverIsStrict, true);
  }),
);

selfTest('makes the answers of a server that accepts anything count for nothing', () =>
  onBench(async ({ server, credentials, warnings }) => {
    server.open = true;
    assert.equal(await credentials.verify('made-up'), UNVERIFIABLE);
    assert.is(credentials.serverIsStrict, false);
    assert.is(warnings.length, 1);
    await credentials.testServer();
    assert.is(warnings.length, 1);
    server.open = false;
    await credentials.testServer();
    assert.is(credentials.serverIsStrict, true);
    assert.equal(await credentials.verify('made-up'), { verdict: 'invalid', status: 401 });
  }),
);

selfTest('has the account service asked instead', () =>
  onBench(
    async ({ server, credentials, asked }) => {
      server.open = true;
      assert.equal(await credentials.verify('shared-with'), { verdict: 'valid' });
      assert.equal(await credentials.verify('not-shared'), { verdict: 'invalid', status: 401 });
      assert.is(asked('shared-with') + asked('not-shared'), 0);
    },
    {
      askAccount: async (credential) =>
        credential === 'shared-with' ? { verdict: 'valid' } : { verdict: 'invalid', status: 401 },
    },
  ),
);

selfTest('says nothing about the server that came after', () =>
  onBench(async ({ credentials }) => {
    const testing = credentials.testServer();
    credentials.forget();
    await testing;
    assert.is(credentials.serverIsStrict, undefined);
  }),
);

selfTest('without an answer does not count as passed', () =>
  onBench(async ({ server, credentials }) => {
    server.misbehave({ kind: 'raw', bytes: 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n' });
    await credentials.testServer();
    assert.is(credentials.serverIsStrict, undefined);
    server.misbehave();
    assert.equal(await credentials.verify(OWNER_TOKEN), { verdict: 'valid' });
    assert.is(credentials.serverIsStrict, true);
  }),
);

selfTest.run();

const grace = suite('seven days of grace');

grace('keep a credential good while nobody can be asked', () =>
  onBench(
    async ({ server, credentials, clock }) => {
      server.open = true;
      assert.equal(await credentials.verify('old-friend'), { verdict: 'valid' });
      assert.equal(await credentials.verify('stranger'), UNVERIFIABLE);
      clock.wall += 7 * 24 * 60 * MINUTE_MS;
      clock.monotonic += MINUTE_MS;
      assert.equal(await credentials.verify('old-friend'), UNVERIFIABLE);
    },
    { askAccount: () => Promise.reject(new Error('unreachable')), remembered: ['old-friend'] },
  ),
);

grace('end when the server says no', () =>
  onBench(
    async ({ credentials }) => {
      assert.ok(credentials.wasValidLately(credentialKey('old-friend')));
      assert.equal(await credentials.verify('old-friend'), { verdict: 'invalid', status: 401 });
      assert.not(credentials.wasValidLately(credentialKey('old-friend')));
    },
    { remembered: ['old-friend'] },
  ),
);

grace('leave no credential on the disk', () =>
  onBench(async ({ credentials, state }) => {
    await credentials.verify(OWNER_TOKEN);
    await credentials.close();
    const written = String(await state.read('verified-credentials.json'));
    assert.match(written, credentialKey(OWNER_TOKEN));
    assert.not.match(written, OWNER_TOKEN);
  }),
);

grace.run();

const revocation = suite('revocation');

revocation('is found out when the server refuses what passed for good, and everybody is told', () =>
  onBench(async ({ server, credentials, clock, asked }) => {
    let told = 0;
    credentials.onRevoked(() => told++);
    await credentials.verify(OWNER_TOKEN);
    await credentials.verify('made-up');
    assert.is(told, 0);
    server.tokens.delete(OWNER_TOKEN);
    clock.monotonic += 11_000;
    await credentials.doubt(OWNER_TOKEN);
    assert.is(told, 1);
    assert.equal(credentials.recall(credentialKey(OWNER_TOKEN)), { verdict: 'invalid', status: 401 });
    assert.is(asked(OWNER_TOKEN), 2);
  }),
);

revocation('is not looked for at every refusal of a path', () =>
  onBench(async ({ credentials, clock, asked }) => {
    await credentials.verify(OWNER_TOKEN);
    for (let round = 0; round < 50; round++) await credentials.doubt(OWNER_TOKEN);
    assert.is(asked(OWNER_TOKEN), 1);
    clock.monotonic += 11_000;
    for (let round = 0; round < 50; round++) await credentials.doubt(OWNER_TOKEN);
    assert.is(asked(OWNER_TOKEN), 2);
    assert.equal(credentials.recall(credentialKey(OWNER_TOKEN)), { verdict: 'valid' });
  }),
);

revocation('of an unknown credential is nothing to look for', () =>
  onBench(async ({ credentials, asked }) => {
    await credentials.doubt('never-seen');
    assert.is(asked('never-seen'), 0);
  }),
);

revocation('is what a server that came back may mean: everything is asked anew', () =>
  onBench(async ({ server, credentials }) => {
    await credentials.verify(OWNER_TOKEN);
    credentials.forget();
    assert.is(credentials.recall(credentialKey(OWNER_TOKEN)), undefined);
    assert.is(credentials.serverIsStrict, undefined);
    server.tokens.delete(OWNER_TOKEN);
    assert.equal(await credentials.verify(OWNER_TOKEN), { verdict: 'invalid', status: 401 });
  }),
);

revocation('makes an answer of the server before worthless', () =>
  onBench(async ({ credentials, asked }) => {
    await credentials.testServer();
    const waiting = credentials.verify(OWNER_TOKEN);
    credentials.forget();
    assert.equal(await waiting, UNVERIFIABLE);
    assert.is(asked(OWNER_TOKEN), 1);
    assert.is(credentials.recall(credentialKey(OWNER_TOKEN)), undefined);
    assert.equal(await credentials.verify(OWNER_TOKEN), { verdict: 'valid' });
  }),
);

revocation.run();
