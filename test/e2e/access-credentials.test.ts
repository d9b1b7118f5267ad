/** Whether credentials are good: who is asked and how often, who is throttled and who is not, and the token that clients on the list are lent. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CurlAnswer } from '../support/curl.ts';
import {
  GuardedHome,
  type GuardedHomeOptions,
  LAN_CLIENT,
  OUTSIDER,
  OWN_TOKEN,
  PROXY,
} from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { type PlexAccountStandIn, startPlexAccount } from '../support/plex-account.ts';
import { connectRaw } from '../support/raw.ts';
import { until } from '../support/until.ts';

const FRIEND_TOKEN = 'friend-token-1234567';
const DAY_MS = 24 * 60 * 60_000;
const LIMITS = '[limits]\nauth_failures = 3\nauth_window = "60s"\n';

interface Scene {
  closers: (() => Promise<void>)[];
}

const test = suite<Scene>('credentials');

test.before.each((scene) => {
  scene.closers = [];
});
test.after.each(async ({ closers }) => {
  for (const close of closers) await close();
});

async function start(scene: Scene, options: GuardedHomeOptions = {}): Promise<GuardedHome> {
  const guarded = await GuardedHome.start({ tokens: [OWNER_TOKEN, FRIEND_TOKEN], ...options });
  scene.closers.push(() => guarded.close());
  return guarded;
}

async function startAccount(scene: Scene): Promise<PlexAccountStandIn> {
  const account = await startPlexAccount();
  scene.closers.push(() => account.close());
  return account;
}

function withToken(token: string): string[] {
  return ['-H', `X-Plex-Token: ${token}`];
}

function verdict({ status, headers }: CurlAnswer): string {
  return [status, headers['x-lockgate-reason']].join(' ').trim();
}

/** How often the gateway itself asked the server about a token. */
function verifications(guarded: GuardedHome, token: string): number {
  const isOwnQuestion = (seen: (typeof guarded.plex.requests)[number]) =>
    seen.url === '/' && seen.header('x-forwarded-proto') === undefined && seen.header('x-plex-token') === token;
  return guarded.plex.requests.filter(isOwnQuestion).length;
}

test('the server is asked once about a token, however many requests carry it at once and after', async (scene) => {
  const guarded = await start(scene);
  const ask = () => guarded.ask(OUTSIDER, '/library/sections', ...OWN_TOKEN);
  const answers = await Promise.all(Array.from({ length: 8 }, ask));
  answers.push(await ask(), await guarded.ask('203.0.113.10', '/library/sections', ...OWN_TOKEN));
  assert.equal([...new Set(answers.map(verdict))], ['200']);
  assert.is(verifications(guarded, OWNER_TOKEN), 1);
});

test('a device that repeats a stale token for ever is answered from memory, and nobody else pays for it', async (scene) => {
  const guarded = await start(scene, { sections: LIMITS });
  for (let attempt = 0; attempt < 12; attempt += 1) {
    assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...withToken('stale'))), '401 bad-credentials');
  }
  assert.is(verifications(guarded, 'stale'), 1);
  assert.is(
    verdict(await guarded.ask(OUTSIDER, '/library', ...withToken(FRIEND_TOKEN))),
    '200',
    'a new guest behind it',
  );
});

test('a guesser runs dry; who was good before is served all the same, and so is everybody elsewhere', async (scene) => {
  const guarded = await start(scene, { sections: LIMITS });
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...OWN_TOKEN)), '200');
  const guesses = await Promise.all(
    Array.from({ length: 12 }, (_, index) => guarded.ask(OUTSIDER, '/library', ...withToken(`guess-${index}`))),
  );
  const throttled = guesses.filter((answer) => verdict(answer) === '429 throttled');
  assert.is(throttled.length, 9);
  const retryAfter = Number(throttled[0]?.headers['retry-after']);
  assert.ok(retryAfter > 50 && retryAfter <= 60, String(retryAfter));
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...OWN_TOKEN)), '200');
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...withToken(FRIEND_TOKEN))), '429 throttled');
  assert.is(verdict(await guarded.ask('203.0.113.10', '/library', ...withToken(FRIEND_TOKEN))), '200');
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library')), '401 no-credentials', 'no guess, no throttle');
  await guarded.restart({});
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...OWN_TOKEN)), '200');
});

test('one subscriber of IPv6 is one guesser, whatever address it takes', async (scene) => {
  const guarded = await start(scene, { sections: LIMITS });
  const guess = (index: number) => guarded.ask(`2001:db8:1:2::${index}`, '/library', ...withToken(`guess-${index}`));
  for (let index = 1; index <= 3; index += 1) assert.is((await guess(index)).status, 401);
  assert.is((await guess(4)).status, 429);
  assert.is((await guarded.ask('2001:db8:1:3::4', '/library', ...withToken('guess-4'))).status, 401);
});

test('a reload lets everybody try again', async (scene) => {
  const guarded = await start(scene, { sections: LIMITS });
  for (let index = 0; index < 4; index += 1) await guarded.ask(OUTSIDER, '/library', ...withToken(`guess-${index}`));
  assert.is((await guarded.ask(OUTSIDER, '/library', ...withToken(FRIEND_TOKEN))).status, 429);
  await guarded.reload({ sections: LIMITS });
  assert.is((await guarded.ask(OUTSIDER, '/library', ...withToken(FRIEND_TOKEN))).status, 200);
});

test('a client may open so many connections; a trusted proxy, which stands for many, more', async (scene) => {
  const guarded = await start(scene, { sections: '[limits]\nconnections_per_client = 3\n' });
  const { port } = guarded.gateway;
  const open = (localAddress: string) => connectRaw({ port, localAddress });
  const held = await Promise.all(['127.0.0.5', '127.0.0.5', '127.0.0.5'].map(open));
  const oneMore = await open('127.0.0.5');
  oneMore.write('GET /identity HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await oneMore.closed();
  assert.match(oneMore.text, /^HTTP\/1\.1 429 /);
  assert.is((await guarded.ask('127.0.0.6', '/identity')).status, 200);
  const proxied = await Promise.all(Array.from({ length: 5 }, () => open(PROXY)));
  assert.is((await guarded.ask(OUTSIDER, '/identity')).status, 200);
  held[0]?.destroy();
  // The gateway hears of the end a little later.
  const isServed = async () => (await guarded.ask('127.0.0.5', '/identity')).status === 200;
  await until(isServed, 'there is room for another connection');
  for (const client of [...held, ...proxied]) client.destroy();
});

test('a server that takes anything for good is not believed: the account service is asked, and without it nobody', async (scene) => {
  const account = await startAccount(scene);
  const guarded = await start(scene, { open: true, server: `account_url = "${account.url}"` });
  account.accounts.set(OWNER_TOKEN, { name: 'owner', home: false, servers: [guarded.plex.machineIdentifier] });
  account.accounts.set(FRIEND_TOKEN, { name: 'friend', home: false, servers: ['another server'] });
  await guarded.gateway.line((line) => /accepts made-up credentials/.test(String(line['message'])));
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...withToken('made-up'))), '401 bad-credentials');
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...withToken(FRIEND_TOKEN))), '401 bad-credentials');
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...OWN_TOKEN)), '200');
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library')), '401 no-credentials');
  assert.is(guarded.reached.length, 1);
  const doctor = await guarded.home.installation.command(['doctor']);
  assert.is(doctor.status, 1);
  assert.match(doctor.stdout, /FAULT +bypass/);
  await account.stop();
  const unverifiable = await guarded.ask(OUTSIDER, '/library', ...withToken('another'));
  assert.is(verdict(unverifiable), '503 starting');
  assert.ok(Number(unverifiable.headers['retry-after']) > 0);
});

test('while nobody can be asked, what was good within seven days stays good; what was bad or is older does not', async (scene) => {
  const account = await startAccount(scene);
  const guarded = await start(scene, { open: true, server: `account_url = "${account.url}"` });
  await account.stop();
  const key = (token: string) => createHash('sha256').update(token).digest('base64url');
  const table = join(guarded.home.installation.stateDir, 'verified-credentials.json');
  await guarded.restart({}, () => {
    const now = Date.now();
    writeFileSync(
      table,
      JSON.stringify({
        [key('six-days')]: now - 6 * DAY_MS,
        [key('eight-days')]: now - 8 * DAY_MS,
        [key('tomorrow')]: now + DAY_MS,
      }),
    );
  });
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...withToken('six-days'))), '200');
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...withToken('eight-days'))), '503 starting');
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...withToken('tomorrow'))), '503 starting');
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...withToken('never'))), '503 starting');
  await account.listen();
  await guarded.restart({});
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...withToken('six-days'))), '401 bad-credentials');
  await account.stop();
  while (readFileSync(table, 'utf8').includes(key('six-days'))) await new Promise((resolve) => setTimeout(resolve, 10));
  await guarded.restart({});
  assert.is(verdict(await guarded.ask(OUTSIDER, '/library', ...withToken('six-days'))), '503 starting');
});

test('what was verified is on the disk as hashes, for the owner of the folder alone', async (scene) => {
  const guarded = await start(scene);
  await guarded.ask(OUTSIDER, '/library', ...OWN_TOKEN);
  guarded.gateway.signal('SIGTERM');
  assert.is(await guarded.gateway.ended(), 0);
  const path = join(guarded.home.installation.stateDir, 'verified-credentials.json');
  assert.not.match(readFileSync(path, 'utf8'), OWNER_TOKEN);
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.not.match(JSON.stringify(guarded.gateway.lines), OWNER_TOKEN);
});

test('login links an account, keeps its token private, and lends it to who is on the list', async (scene) => {
  const account = await startAccount(scene);
  const listed = 'allowed_networks = "192.168.7.0/24"\n';
  const server = `account_url = "${account.url}"`;
  const guarded = await start(scene, { server, access: listed });
  const without = await guarded.ask(LAN_CLIENT, '/library/sections');
  assert.is(verdict(without), '401 no-credentials');
  assert.match(without.body, /lockgate login/);
  await guarded.gateway.line((line) => /no server\.token/.test(String(line['message'])));

  account.accounts.set(FRIEND_TOKEN, { name: 'the children', home: false, servers: [guarded.plex.machineIdentifier] });
  const login = guarded.home.installation.command(['login']);
  const [id, { code }] = await firstPin(account);
  account.pins.set(id, { code, token: FRIEND_TOKEN });
  const outcome = await login;
  assert.is(outcome.status, 0, outcome.stderr);
  assert.match(outcome.stdout + outcome.stderr, code);
  const file = join(guarded.home.installation.stateDir, 'server-token');
  assert.match(outcome.stdout, `the token of "the children" is in ${file}`);
  assert.not.match(outcome.stdout + outcome.stderr, FRIEND_TOKEN);
  assert.is(readFileSync(file, 'utf8'), `${FRIEND_TOKEN}\n`);
  assert.is(statSync(file).mode & 0o777, 0o600);

  const line = /\[server\] (token_file = ".*")/.exec(outcome.stdout)?.[1] ?? '';
  await guarded.reload({ server: `${server}\n${line}`, access: listed });
  assert.is(verdict(await guarded.ask(LAN_CLIENT, '/library/sections')), '200');
  assert.equal(guarded.lastReached.values('x-plex-token'), [FRIEND_TOKEN]);
});

test('a login that nobody can answer says so, and writes nothing', async (scene) => {
  const account = await startAccount(scene);
  await account.stop();
  const guarded = await start(scene, { server: `account_url = "${account.url}"` });
  mkdirSync(guarded.home.installation.stateDir, { recursive: true });
  const outcome = await guarded.home.installation.command(['login']);
  assert.is(outcome.status, 1);
  assert.match(outcome.stderr, /cannot be asked/);
});

async function firstPin(account: PlexAccountStandIn): Promise<[number, { code: string }]> {
  for (;;) {
    const [first] = account.pins;
    if (first !== undefined) return first;
    await new Promise((resolve) => account.once('request', resolve));
  }
}

test.run();
