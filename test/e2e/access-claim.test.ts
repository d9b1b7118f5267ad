/** A server that is not known to be claimed is reached by nobody: unclaimed, signed out, unknown, another one, outdated; and how it is claimed. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CurlAnswer } from '../support/curl.ts';
import { GuardedHome, type GuardedHomeOptions, LAN_CLIENT, OUTSIDER, OWN_TOKEN } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';

const CODE = 'claim-abcdefgh12345678';
const VIEWER_TOKEN = 'viewer-token-1234567';
const OPTIONS: GuardedHomeOptions = {
  server: `token = "${VIEWER_TOKEN}"`,
  tokens: [OWNER_TOKEN, VIEWER_TOKEN],
  access: 'allowed_networks = "192.168.7.0/24"\n',
};
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: eHh4'];

const test = suite<{ closers: (() => Promise<void>)[] }>('claim');

test.before.each((context) => {
  context.closers = [];
});
test.after.each(async ({ closers }) => {
  for (const close of closers) await close();
});

async function start(
  { closers }: { closers: (() => Promise<void>)[] },
  options: GuardedHomeOptions = {},
): Promise<GuardedHome> {
  const guarded = await GuardedHome.start({ ...OPTIONS, ...options });
  closers.push(() => guarded.close());
  return guarded;
}

function verdict({ status, headers }: CurlAnswer): string {
  return [status, headers['x-lockgate-reason']].join(' ').trim();
}

/** Everything that some client might try; nothing of it may arrive. */
async function tryEverything(guarded: GuardedHome): Promise<string[]> {
  const verdicts = new Set<string>();
  for (const client of [LAN_CLIENT, OUTSIDER, '127.0.0.1']) {
    for (const args of [
      ['/library/sections'],
      ['/library/sections', ...OWN_TOKEN],
      ['/', '-H', 'Accept: text/html'],
      ['/web/index.html'],
      ['/myplex/claim?token=claim-evil12345678', '-X', 'POST'],
      ['/library/sections/all', '-X', 'POST', '-d', 'x=y'],
      ['/:/websockets/notifications', ...UPGRADE.flatMap((header) => ['-H', header])],
    ]) {
      const [path = '/', ...more] = args;
      verdicts.add(verdict(await guarded.ask(client, path, ...more)));
    }
  }
  return [...verdicts];
}

function setupFiles(guarded: GuardedHome): string[] {
  return readdirSync(guarded.home.installation.stateDir).filter((name) => name.startsWith('Setup '));
}

async function setupLink(guarded: GuardedHome): Promise<{ page: string; key: string; file: string }> {
  const said = await guarded.gateway.line((line) => /set-up file/.test(String(line['message'])));
  const file = String(said['file']);
  const [page = '', key = ''] = /href="([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1]?.split('#') ?? [];
  return { page, key, file };
}

test('an unclaimed server is reached by nobody, whatever they bring, and says who it is from memory', async (context) => {
  const guarded = await start(context, { claimed: false, isUnclaimed: true });
  await guarded.gateway.line((line) => line['state'] === 'unclaimed');
  assert.equal(await tryEverything(guarded), ['403 unclaimed']);
  const identity = await guarded.ask(OUTSIDER, '/identity');
  assert.is(identity.status, 200);
  assert.match(identity.body, /claimed="0"/);
  assert.equal(guarded.reached, []);
});

test('the set-up file leads from the home network to a claimed server, once', async (context) => {
  const guarded = await start(context, { claimed: false, isUnclaimed: true });
  guarded.plex.claimCodes.add(CODE);
  const { page, key, file } = await setupLink(guarded);
  assert.is(page, `http://127.0.0.1:${guarded.gateway.port}/.lockgate/setup`);
  assert.match(file, /\/Setup Films Series\.html$/);
  assert.is(statSync(file).mode & 0o777, 0o600);
  const origin = ['-H', `Origin: http://127.0.0.1:${guarded.gateway.port}`];
  const post = (client: string, form: string, ...args: string[]) =>
    guarded.askPlainly(client, '/.lockgate/setup', '--data', form, ...args);
  assert.is((await guarded.askPlainly('127.0.0.1', '/.lockgate/setup')).status, 200);
  assert.is(verdict(await guarded.askPlainly(OUTSIDER, '/.lockgate/setup')), '403 not-permitted');
  const masked = await guarded.askPlainly('127.0.0.5', '/.lockgate/setup', '-H', 'Via: 1.1 nas');
  assert.is(verdict(masked), '403 not-permitted');
  assert.match(masked.body, /a router or a proxy stands between.*lockgate setup --code/);

  assert.is(verdict(await post('127.0.0.1', `key=${key}&code=${CODE}`)), '403 origin', 'no page of another origin');
  assert.is(verdict(await post('127.0.0.1', `key=${key}&code=${CODE}`, '-H', 'Origin: null')), '403 origin');
  assert.is(verdict(await post(OUTSIDER, `key=${key}&code=${CODE}`, ...origin)), '403 not-permitted');
  assert.is(verdict(await post('127.0.0.1', `key=${key.slice(1)}&code=${CODE}`, ...origin)), '403 bad-credentials');
  assert.is((await post('127.0.0.1', `key=${key}&code=claim-tooold1234`, ...origin)).status, 422, 'an old code');
  assert.equal(guarded.plex.claimed, false);

  const accepted = await post('127.0.0.1', `key=${key}&code=${CODE}`, ...origin);
  assert.is(accepted.status, 200);
  await guarded.gateway.line((line) => line['state'] === 'claimed');
  assert.match((await guarded.askPlainly('127.0.0.1', '/.lockgate/setup')).body, /is yours/);
  while (existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(
    verdict(await post('127.0.0.1', `key=${key}&code=${CODE}`, ...origin)),
    '403 bad-credentials',
    'the key is void',
  );
  assert.is((await guarded.ask(OUTSIDER, '/library/sections', ...OWN_TOKEN)).status, 200);

  await guarded.restart();
  assert.is(verdict(await guarded.askPlainly('127.0.0.1', '/.lockgate/setup')), '404 not-found');
});

test('wrong keys run dry, for everybody together', async (context) => {
  const guarded = await start(context, {
    claimed: false,
    isUnclaimed: true,
    sections: '[limits]\nauth_failures = 4\n',
  });
  const { key } = await setupLink(guarded);
  const origin = ['-H', `Origin: http://127.0.0.1:${guarded.gateway.port}`];
  const guess = (client: string, made: string) =>
    guarded.askPlainly(client, '/.lockgate/setup', '--data', `key=${made}&code=${CODE}`, ...origin);
  for (let attempt = 0; attempt < 4; attempt += 1)
    assert.is((await guess('127.0.0.1', `guess-${attempt}`)).status, 403);
  const throttled = await guess('127.0.0.1', key);
  assert.is(verdict(throttled), '429 throttled');
  assert.ok(Number(throttled.headers['retry-after']) > 200);
  assert.is((await guess('127.0.0.2', key)).status, 422, 'another one in the house still may');
});

test('a server that is away for a moment does not void the link that is open in a browser', async (context) => {
  const guarded = await start(context, { claimed: false, isUnclaimed: true });
  const { key, file } = await setupLink(guarded);
  await guarded.plex.stop();
  await guarded.gateway.line((line) => line['reason'] === 'down');
  await guarded.plex.listen();
  guarded.plex.claimCodes.add(CODE);
  assert.is((await guarded.ask('127.0.0.1', '/library')).status, 403);
  assert.match(readFileSync(file, 'utf8'), new RegExp(key));
});

test('setup on the shell prints the link, and claims by code', async (context) => {
  const guarded = await start(context, { claimed: false, isUnclaimed: true });
  guarded.plex.claimCodes.add(CODE);
  const first = await setupLink(guarded);
  const { installation } = guarded.home;
  const offered = await installation.command(['setup']);
  assert.is(offered.status, 0, offered.stderr);
  const second = /http:\S+#(\S+)/.exec(offered.stdout)?.[1] ?? '';
  assert.not.equal(second, first.key);
  const refused = await installation.command(['setup', '--code', 'claim-tooold1234']);
  assert.is(refused.status, 1);
  assert.match(refused.stdout, /^next: .*four minutes/);
  const done = await installation.command(['setup', '--code', CODE]);
  assert.is(done.status, 0, done.stdout);
  assert.match(done.stdout, /Films & Series is claimed/);
  while (setupFiles(guarded).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
});

test('a server that was claimed once is signed out, over a restart too, and stays closed', async (context) => {
  const guarded = await start(context);
  await guarded.restart({ isUnclaimed: true }, () => {
    guarded.plex.claimed = false;
  });
  await guarded.gateway.line((line) => line['state'] === 'signed-out');
  assert.equal(await tryEverything(guarded), ['403 unclaimed']);
  assert.equal(guarded.reached, []);
  assert.match(JSON.stringify(await guarded.status()), /was signed out of its account/);
});

test('a forwarded identity that says unclaimed closes the gate at once', async (context) => {
  const guarded = await start(context);
  guarded.plex.claimed = false;
  assert.match((await guarded.ask(OUTSIDER, '/identity')).body, /claimed="0"/);
  assert.is(verdict(await guarded.ask(LAN_CLIENT, '/library/sections')), '403 unclaimed');
  await guarded.gateway.line((line) => line['state'] === 'signed-out');
});

test('a server that is away is 503 with a time to try again; nothing waits in line for it', async (context) => {
  const guarded = await start(context);
  await guarded.plex.stop();
  const first = await guarded.ask(LAN_CLIENT, '/library/sections');
  assert.ok([502, 503].includes(first.status));
  const answer = await guarded.ask(LAN_CLIENT, '/library/sections', ...OWN_TOKEN);
  assert.is(verdict(answer), '503 server-down');
  assert.ok(Number(answer.headers['retry-after']) > 0);
  assert.is(verdict(await guarded.ask(OUTSIDER, '/.lockgate/health?server=1')), '503');
  await guarded.plex.listen();
  assert.is((await guarded.ask(OUTSIDER, '/library/sections', ...OWN_TOKEN)).status, 200, 'the first request looks');
});

test('another server in its place is not served, over a restart too, until the operator says so', async (context) => {
  const guarded = await start(context);
  await guarded.restart({ isUnclaimed: true }, () => {
    guarded.plex.machineIdentifier = 'f'.repeat(40);
  });
  assert.equal(await tryEverything(guarded), ['503 server-down']);
  assert.equal(guarded.reached, []);
  const forgotten = await guarded.home.installation.command(['setup', '--new-server']);
  assert.is(forgotten.status, 0, forgotten.stderr);
  assert.is((await guarded.ask(OUTSIDER, '/library/sections', ...OWN_TOKEN)).status, 200);
});

test('a reload that moves the gateway takes no other server for the remembered one', async (context) => {
  const guarded = await start(context);
  guarded.plex.machineIdentifier = 'f'.repeat(40);
  await guarded.reload({ ...OPTIONS, server: `${OPTIONS.server}\nbare_streams = true` });
  assert.equal(await tryEverything(guarded), ['503 server-down']);
});

test('an unclaimed server on the operator’s word: lists only, credentials count for nothing, never from outside', async (context) => {
  const open = 'allowed_networks = "192.168.7.0/24"\nrequire_claimed = false\n';
  const guarded = await start(context, { claimed: false, isUnclaimed: true, access: open });
  await guarded.gateway.line((line) => line['state'] === 'unclaimed');
  await guarded.gateway.line((line) => /whoever reaches it can take it/.test(String(line['message'])));
  assert.is((await guarded.ask(LAN_CLIENT, '/library/sections', ...OWN_TOKEN)).status, 200);
  assert.equal(guarded.lastReached.values('x-plex-token'), []);
  assert.is(verdict(await guarded.ask(LAN_CLIENT, `/myplex/claim?token=${CODE}`, '-X', 'POST')), '403 not-permitted');
  assert.is(verdict(await guarded.ask('127.0.0.1', '/library/sections', ...OWN_TOKEN)), '401 no-credentials');
  for (const args of [[], OWN_TOKEN]) {
    assert.is(verdict(await guarded.ask(OUTSIDER, '/library/sections', ...args)), '403 unclaimed');
  }
});

test('a server with known holes is served to the home, not to the world', async (context) => {
  const guarded = await start(context, { version: '1.41.9.9961-46083195d' });
  for (const args of [[], OWN_TOKEN]) {
    const answer = await guarded.ask(OUTSIDER, '/library/sections', ...args);
    assert.is(verdict(answer), '403 outdated-server');
    assert.match(answer.body, /update/);
    const masked = await guarded.ask('127.0.0.5', '/library/sections', '-H', 'Via: 1.1 nas', ...args);
    assert.is(verdict(masked), '403 outdated-server');
  }
  assert.is((await guarded.ask(OUTSIDER, '/identity')).status, 200);
  assert.equal(guarded.reached, []);
  assert.is((await guarded.ask(LAN_CLIENT, '/library/sections')).status, 200);
  const doctor = await guarded.home.installation.command(['doctor']);
  assert.match(doctor.stdout, /1\.41\.9\.9961-46083195d has known holes/);
  await guarded.reload({ ...OPTIONS, access: 'min_server_version = "0"\n' });
  assert.is((await guarded.ask(OUTSIDER, '/library/sections', ...OWN_TOKEN)).status, 200);
});

test('the set-up file of an earlier run does not outlive the claim', async (context) => {
  const guarded = await start(context, { claimed: false, isUnclaimed: true });
  const { file } = await setupLink(guarded);
  await guarded.restart({}, () => {
    guarded.plex.claimed = true;
  });
  while (existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.not.ok(existsSync(join(guarded.home.installation.stateDir, 'Setup media server.html')));
});

test.run();
