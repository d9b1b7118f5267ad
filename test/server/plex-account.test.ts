/** The account service: whose token, which servers, linking by code; and a server claimed by a code. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createAsk } from '../../src/server/ask.ts';
import { PlexAccount } from '../../src/server/plex-account.ts';
import { claimPlexServer } from '../../src/server/plex-claim.ts';
import { startPlex } from '../support/plex.ts';
import { type PlexAccountStandIn, startPlexAccount } from '../support/plex-account.ts';

const test = suite<{ service: PlexAccountStandIn; account: PlexAccount }>('plex account');

test.before.each(async (context) => {
  context.service = await startPlexAccount();
  context.service.accounts.set('mine', { name: 'Anna', home: true, servers: ['server-1', 'server-2'] });
  const ask = createAsk({ baseUrl: context.service.url, verifyCertificate: true });
  context.account = new PlexAccount({ ask, clientIdentifier: 'gateway-1', version: '1.2.3' });
});
test.after.each(({ service }) => service.close());

test('a token is valid for the servers that its account lists', async ({ account }) => {
  assert.equal(await account.verify('mine', 'server-2'), { verdict: 'valid' });
  assert.equal(await account.verify('mine', 'server-3'), { verdict: 'invalid', status: 401 });
  assert.equal(await account.verify('unknown', 'server-1'), { verdict: 'invalid', status: 401 });
  assert.equal(await account.verify('a\r\nb', 'server-1'), { verdict: 'invalid', status: 401 });
});

test('a service that cannot be asked, or answers nonsense, proves nothing', async ({ service, account }) => {
  const answers = [
    'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
    'x',
  ];
  for (const bytes of answers) {
    service.misbehave({ kind: 'raw', bytes });
    assert.equal(await account.verify('mine', 'server-1'), { verdict: 'unverifiable' }, bytes);
    assert.is(await account.userOf('mine'), undefined);
    assert.is(await account.requestLinkCode(), undefined);
    assert.is((await account.linkState(1)).state === 'linked', false);
  }
  await service.stop();
  assert.equal(await account.verify('mine', 'server-1'), { verdict: 'unverifiable' });
  assert.equal(await account.linkState(1), { state: 'unknown' });
});

test('a token has a name and a home', async ({ account, service }) => {
  assert.equal(await account.userOf('mine'), { name: 'Anna', isHome: true });
  assert.is(await account.userOf('unknown'), undefined);
  assert.is(service.requests[0]?.header('x-plex-client-identifier'), 'gateway-1');
  assert.is(service.requests[0]?.header('x-plex-version'), '1.2.3');
});

test('linking: a code, waiting, a token; or the code expires', async ({ account, service }) => {
  const link = await account.requestLinkCode();
  assert.equal(link, { id: 1000, code: 'AB1000', expiresInSeconds: 900 });
  assert.equal(await account.linkState(1000), { state: 'waiting' });
  service.pins.get(1000)!.token = 'fresh';
  assert.equal(await account.linkState(1000), { state: 'linked', token: 'fresh' });
  service.pins.delete(1000);
  assert.equal(await account.linkState(1000), { state: 'expired' });
});

test('a server takes a good code, refuses a bad one, and is not asked about what is no code', async () => {
  const plex = await startPlex({ claimed: false });
  const ask = createAsk({ baseUrl: plex.url, verifyCertificate: false });
  try {
    plex.claimCodes.add('claim-abcdefghij0123456789');
    for (const code of [
      '',
      'claim-',
      'abcdefghij',
      'claim-abc&x=1234567',
      'claim-abcdefghij0123456789 ',
      `claim-${'a'.repeat(65)}`,
    ]) {
      assert.is((await claimPlexServer(ask, code)).result, 'malformed', code);
    }
    assert.is(plex.requests.length, 0);
    assert.is((await claimPlexServer(ask, 'claim-zzzzzzzzzz')).result, 'rejected');
    assert.equal(await claimPlexServer(ask, 'claim-abcdefghij0123456789'), { result: 'accepted' });
    assert.is(plex.claimed, true);
    assert.is((await claimPlexServer(ask, 'claim-abcdefghij0123456789')).result, 'rejected');
    await plex.stop();
    assert.is((await claimPlexServer(ask, 'claim-abcdefghij0123456789')).result, 'unreachable');
  } finally {
    await plex.close();
  }
});

test.run();
