/** Who is let in by network: the list, when it is in force, who stands behind proxies and balancers, and whom an address does not tell. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plexPreferencesXml } from '../support/certificates.ts';
import { GuardedHome, LAN_CLIENT, OUTSIDER, OWN_TOKEN, PROXY } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { type PlexAccountStandIn, startPlexAccount } from '../support/plex-account.ts';
import { connectRaw } from '../support/raw.ts';

const VIEWER_TOKEN = 'viewer-token-1234567';
const LISTED = '127.0.0.7';
const UNLISTED = '127.0.0.8';
const BALANCER = '127.0.0.6';
const LIST = `allowed_networks = "192.168.7.0/24, ${LISTED}"\n`;
const OPTIONS = {
  server: `token = "${VIEWER_TOKEN}"`,
  tokens: [OWNER_TOKEN, VIEWER_TOKEN],
  access: LIST,
};

const test = suite<{ guarded: GuardedHome; account: PlexAccountStandIn }>('networks');

test.before(async (context) => {
  context.guarded = await GuardedHome.start(OPTIONS);
  context.account = await startPlexAccount();
});
test.after(async ({ guarded, account }) => {
  await guarded.close();
  await account.close();
});

test('a listed client is served with the token of the gateway, whatever it brings of its own that is not good', async ({
  guarded,
}) => {
  for (const own of [[], ['-H', 'X-Plex-Token: stale'], ['-H', 'X-Plex-Token;']]) {
    for (const client of [LISTED, LAN_CLIENT]) {
      assert.is((await guarded.ask(client, '/library/sections?X-Plex-Token=', ...own)).status, 200);
      const seen = guarded.lastReached;
      assert.equal(seen.values('x-plex-token'), [VIEWER_TOKEN]);
      assert.is(seen.url, '/library/sections');
    }
  }
});

test('its own valid token is its own', async ({ guarded }) => {
  assert.is((await guarded.ask(LISTED, '/library/sections', ...OWN_TOKEN)).status, 200);
  assert.equal(guarded.lastReached.values('x-plex-token'), [OWNER_TOKEN]);
});

test('a client that is not listed has to authenticate, and the server sees nothing of it', async ({ guarded }) => {
  const reached = guarded.reached.length;
  for (const client of [UNLISTED, OUTSIDER, '192.168.8.50']) {
    const answer = await guarded.ask(client, '/library/sections');
    assert.is(answer.status, 401, client);
    assert.is(answer.headers['x-lockgate-reason'], 'no-credentials');
  }
  assert.is(guarded.reached.length, reached);
});

test('a header that a proxy adds makes the address of an unknown peer worth nothing', async ({ guarded }) => {
  for (const header of [
    'X-Forwarded-For: 192.168.7.50',
    'x-forwarded-for: 127.0.0.7',
    'Forwarded: for=192.168.7.50',
    'X-Real-IP: 192.168.7.50',
    'Via: 1.1 nas',
    'CF-Connecting-IP: 192.168.7.50',
    'X-Forwarded-For;',
  ]) {
    const answer = await guarded.ask(LISTED, '/library/sections', '-H', header);
    assert.is(answer.status, 401, header);
  }
  const said = await guarded.gateway.line((line) => line['address'] === LISTED);
  assert.match(String(said['remedy']), /trusted_proxies: add "127\.0\.0\.7", if it is your own proxy/);
  const times = guarded.gateway.lines.filter((line) => line['address'] === LISTED).length;
  assert.is(times, 1, 'it is logged once');
});

test('a trusted proxy that does not say who asks is nobody', async ({ guarded }) => {
  for (const header of ['X-Forwarded-For: unknown', 'X-Forwarded-For: 127.0.0.7', `X-Forwarded-For: ${PROXY}`]) {
    assert.is((await guarded.ask(PROXY, '/library/sections', '-H', header)).status, 401, header);
  }
  assert.is((await guarded.ask(PROXY, '/library/sections')).status, 401);
});

test('only the right-most address that is not a proxy counts', async ({ guarded }) => {
  const ask = (list: string) => guarded.ask(PROXY, '/library/sections', '-H', `X-Forwarded-For: ${list}`);
  assert.is((await ask(`${LAN_CLIENT}, ${OUTSIDER}`)).status, 401);
  assert.is((await ask(`${OUTSIDER}, ${LAN_CLIENT}`)).status, 200);
  assert.is((await ask(`${OUTSIDER}, ${LAN_CLIENT}, ${PROXY}`)).status, 200);
  assert.is((await ask(`${LAN_CLIENT}, 203.0.113.9:4711`)).status, 401);
  const twoLines = await guarded.ask(
    PROXY,
    '/library/sections',
    '-H',
    `X-Forwarded-For: ${LAN_CLIENT}`,
    '-H',
    `X-Forwarded-For: ${OUTSIDER}`,
  );
  assert.is(twoLines.status, 401);
});

test('everyone mode asks listed clients too, and says that the list is ignored', async ({ guarded }) => {
  await guarded.reload({ ...OPTIONS, access: `${LIST}require_auth = "everyone"\n` });
  assert.is((await guarded.ask(LISTED, '/library/sections')).status, 401);
  assert.is((await guarded.ask(LISTED, '/library/sections', ...OWN_TOKEN)).status, 200);
  const explained = await guarded.explain('--from', LISTED, '--path', '/library/sections');
  assert.match(explained.change ?? '', /require_auth = "unlisted"/);
  const check = await guarded.home.installation.command(['check']);
  assert.match(check.stdout, /allowed_networks.*ignored/);
});

test("Plex Home in the server's settings puts the list out of force, also while it runs", async ({ guarded }) => {
  const preferences = join(guarded.home.dataDir, 'Preferences.xml');
  writeFileSync(preferences, plexPreferencesXml({ PlexOnlineHome: '1' }));
  await guarded.reload(OPTIONS);
  assert.is((await guarded.ask(LISTED, '/library/sections')).status, 401);
  const explained = await guarded.explain('--from', LISTED, '--path', '/library/sections');
  assert.match(JSON.stringify(explained), /no \(home-on: Plex Home is on\)/);
  await guarded.reload({ ...OPTIONS, access: `${LIST}require_auth = "unlisted"\n` });
  assert.is((await guarded.ask(LISTED, '/library/sections')).status, 200, 'unlisted uses it all the same');
  writeFileSync(preferences, plexPreferencesXml({ PlexOnlineHome: '0' }));
  await guarded.reload(OPTIONS);
  assert.is((await guarded.ask(LISTED, '/library/sections')).status, 200);
  writeFileSync(preferences, plexPreferencesXml());
});

test('Plex Home of the account puts the list out of force from the first request on, and through a reload', async ({
  guarded,
  account,
}) => {
  account.accounts.set(VIEWER_TOKEN, { name: 'anna', home: true, servers: [guarded.plex.machineIdentifier] });
  const server = `token = "${VIEWER_TOKEN}"\naccount_url = "${account.url}"`;
  await guarded.reload({ ...OPTIONS, server });
  assert.is((await guarded.ask(LISTED, '/library/sections')).status, 401);
  await account.stop();
  await guarded.reload({ ...OPTIONS, server, sections: '[limits]\nauth_failures = 11\n' });
  assert.is((await guarded.ask(LISTED, '/library/sections')).status, 401, 'what is known is not forgotten');
  await account.listen();
  await guarded.reload(OPTIONS);
});

test('a balancer has to name the client in a PROXY header, and nobody else may', async ({ guarded }) => {
  await guarded.reload({ ...OPTIONS, listen: `proxy_protocol_from = "${BALANCER}"` });
  const request = 'GET /library/sections HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n';
  const send = async (from: string, header: string | Buffer) => {
    const client = await connectRaw({ port: guarded.gateway.port, localAddress: from });
    client.write(header).write(request);
    const answer = (await client.readToEnd()).toString('latin1');
    return Number(answer.split(' ')[1] ?? 0);
  };
  const v1 = (source: string) => `PROXY TCP4 ${source} 192.0.2.1 4711 32400\r\n`;
  assert.is(await send(BALANCER, v1(LAN_CLIENT)), 200);
  assert.is(await send(BALANCER, v1(OUTSIDER)), 401);
  assert.is(await send(BALANCER, v1('127.0.0.7')), 401, 'a balancer names no loopback client');
  assert.is(await send(BALANCER, 'PROXY UNKNOWN\r\n'), 401, 'a balancer that says nothing stands for nobody');
  assert.is(await send(BALANCER, binaryHeader(LAN_CLIENT)), 200);
  assert.is(await send(BALANCER, binaryHeader(OUTSIDER)), 401);
  assert.is(await send(BALANCER, ''), 0, 'without the header nothing is answered');
  assert.is(
    await send(BALANCER, v1(LAN_CLIENT) + v1(LAN_CLIENT)),
    400,
    'a second header is a request that cannot be read',
  );
  assert.is(await send(UNLISTED, v1(LAN_CLIENT)), 400, 'from anybody else it is a request that cannot be read');
});

/** Version 2, PROXY, TCP over IPv4. */
function binaryHeader(source: string): Buffer {
  const addresses = [...source.split('.'), 192, 0, 2, 1].map(Number);
  return Buffer.concat([
    Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
    Buffer.from([0x21, 0x11, 0, 12, ...addresses, 0x12, 0x34, 0x7e, 0x90]),
  ]);
}

test.run();
