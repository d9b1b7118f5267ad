/** Every kind against its stand-in: who the server is, whether it is claimed, and whether a credential is good. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createAsk } from '../../src/server/ask.ts';
import { emby } from '../../src/server/emby.ts';
import { generic } from '../../src/server/generic.ts';
import { jellyfin } from '../../src/server/jellyfin.ts';
import type { AskServer, ServerIdentity, ServerKind } from '../../src/server/kind.ts';
import { KINDS, kindNamed, RECOGNIZABLE_KINDS } from '../../src/server/kinds.ts';
import { plex } from '../../src/server/plex.ts';
import { recognizeServer } from '../../src/server/recognize.ts';
import {
  API_KEY,
  type JellyfinOptions,
  type JellyfinStandIn,
  startEmby,
  startJellyfin,
  USER_TOKEN,
} from '../support/jellyfin.ts';
import { jwtExpiring, OWNER_TOKEN, type PlexOptions, type PlexStandIn, startPlex } from '../support/plex.ts';
import type { StandIn } from '../support/stand-in.ts';

const test = suite('identify');

function askOf(server: StandIn): AskServer {
  return createAsk({ baseUrl: server.url, verifyCertificate: false });
}

async function withPlex(options: PlexOptions, use: (plex: PlexStandIn) => Promise<void>): Promise<void> {
  const server = await startPlex(options);
  await use(server).finally(() => server.close());
}

async function withJellyfin(options: JellyfinOptions, use: (server: JellyfinStandIn) => Promise<void>): Promise<void> {
  const server = await startJellyfin(options);
  await use(server).finally(() => server.close());
}

const identityOf = (kind: ServerKind, server: StandIn) => kind.identify(askOf(server));

test('Plex says who it is and whether it is claimed', () =>
  withPlex({ version: '1.40.0.1-a' }, async (server) => {
    const expected = {
      id: server.machineIdentifier,
      name: undefined,
      version: '1.40.0.1-a',
      claimed: true,
      basePath: '',
    };
    assert.equal(await identityOf(plex, server), expected);
    server.claimed = false;
    assert.equal(await identityOf(plex, server), { ...expected, claimed: false });
  }));

test('a Plex that answers in XML only is understood', () =>
  withPlex({}, async (server) => {
    const xml =
      '<?xml version="1.0" encoding="UTF-8"?>\n<MediaContainer size="0" apiVersion="1.1.1" claimed="0" machineIdentifier="abc" version="1.2.3-d">\n</MediaContainer>';
    server.misbehave({ kind: 'raw', bytes: `HTTP/1.1 200 OK\r\nContent-Length: ${xml.length}\r\n\r\n${xml}` });
    assert.equal(await identityOf(plex, server), {
      id: 'abc',
      name: undefined,
      version: '1.2.3-d',
      claimed: false,
      basePath: '',
    });
  }));

test('an identity without a readable claimed state does not tell', () => {
  for (const claimed of ['', ' claimed=""', ' claimed="yes"', ' claimed="2"']) {
    const body = Buffer.from(`<MediaContainer${claimed} machineIdentifier="abc"/>`);
    assert.is(plex.readIdentity(body)?.claimed, undefined, claimed);
  }
});

test('what is no identity is not read as one', () => {
  const bodies = [
    '',
    '{}',
    '[]',
    'null',
    '{"MediaContainer":null}',
    '{"MediaContainer":{"machineIdentifier":""}}',
    '<html/>',
  ];
  const tricks = [
    '<!-- <MediaContainer machineIdentifier="a"/> -->',
    '<a><MediaContainer machineIdentifier="a"/></a>',
    '{"machineIdentifier":"a"}',
  ];
  for (const body of [...bodies, ...tricks, `<MediaContainer machineIdentifier="${'a'.repeat(300)}"/>`]) {
    assert.is(plex.readIdentity(Buffer.from(body)), undefined, body);
    assert.is(jellyfin.readIdentity(Buffer.from(body)), undefined, body);
  }
});

test('a busy server says nothing of who it is; a stranger is a stranger', () =>
  withPlex({}, async (server) => {
    server.misbehave({ kind: 'raw', bytes: 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n' });
    for (const kind of RECOGNIZABLE_KINDS) {
      assert.is(await identityOf(kind, server).catch((error) => error.trouble), 'silent', kind.name);
    }
    server.misbehave({ kind: 'raw', bytes: 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n' });
    for (const kind of RECOGNIZABLE_KINDS) assert.is(await identityOf(kind, server), undefined, kind.name);
  }));

test('Jellyfin is claimed when its wizard is finished', () =>
  withJellyfin({ id: 'i', name: 'n', version: '10.11.2' }, async (server) => {
    const expected: ServerIdentity = { id: 'i', name: 'n', version: '10.11.2', claimed: true, basePath: '' };
    assert.equal(await identityOf(jellyfin, server), expected);
    server.wizardCompleted = false;
    assert.equal(await identityOf(jellyfin, server), { ...expected, claimed: false });
    server.tellsWizard = false;
    assert.equal(await identityOf(jellyfin, server), { ...expected, claimed: undefined });
  }));

test('the base path of a Jellyfin is found by its redirect', () =>
  withJellyfin({ basePath: '/media/jf' }, async (server) => {
    const found = await recognizeServer(server.url, RECOGNIZABLE_KINDS);
    assert.is(found?.identity.basePath, '/media/jf');
    assert.is(found?.kind.webClientPath, '/media/jf/web/index.html');
    assert.equal(await found?.kind.verify(askOf(server), USER_TOKEN), { verdict: 'valid' });
  }));

test('a redirect to another place is no base path', async () => {
  await withPlex({}, async (server) => {
    for (const location of [
      '/login',
      'https://evil.example/web/x',
      '/../web/',
      '//web/',
      '/a/b/c/d/e/web/',
      '/%2e%2e/web/',
    ]) {
      server.misbehave({
        kind: 'raw',
        bytes: `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`,
      });
      assert.is(await identityOf(jellyfin, server), undefined, location);
      assert.is(server.requests.splice(0).length, 1, location);
    }
  });
});

test('Emby tells by its wizard whether it is claimed, when the public information does not', async () => {
  const server = await startEmby({ id: 'e' });
  try {
    assert.is((await identityOf(emby, server))?.claimed, true);
    server.wizardCompleted = false;
    assert.is((await identityOf(emby, server))?.claimed, false);
    server.tellsWizard = true;
    assert.is((await identityOf(emby, server))?.claimed, false);
    server.tellsWizard = false;
    server.misbehave({ kind: 'raw', bytes: 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n' }, (url) =>
      url.startsWith('/Startup'),
    );
    assert.is((await identityOf(emby, server))?.claimed, undefined);
  } finally {
    await server.close();
  }
});

test('each server is recognized as what it is', async () => {
  const servers: readonly [string, StandIn & { close(): Promise<void> }][] = [
    ['plex', await startPlex()],
    ['jellyfin', await startJellyfin()],
    ['emby', await startEmby()],
    ['emby', await startEmby({ tellsWizard: true })],
  ];
  for (const [name, server] of servers) {
    assert.is((await recognizeServer(server.url, RECOGNIZABLE_KINDS))?.kind.name, name);
    await server.close();
  }
});

test('a Jellyfin without a product name is recognized by its version', () => {
  const body = (version: string) =>
    Buffer.from(JSON.stringify({ Id: 'x', Version: version, StartupWizardCompleted: true }));
  assert.ok(jellyfin.readIdentity(body('10.7.0')));
  assert.not.ok(emby.readIdentity(body('10.7.0')));
  assert.ok(emby.readIdentity(body('4.8.0.0')));
  assert.not.ok(jellyfin.readIdentity(body('4.8.0.0')));
});

test('an identity answered in the place of the server reads back the same', () => {
  const identity = { id: 'a"<&>é', name: undefined, version: '1.2-\u{1f3ac}', claimed: false, basePath: '' };
  for (const accept of [undefined, 'text/xml', 'text/html, application/json;q=0.9']) {
    const { contentType, body } = plex.renderIdentity(identity, accept);
    assert.is(contentType.startsWith('application/json'), accept?.includes('json') === true);
    assert.equal(plex.readIdentity(Buffer.from(body)), identity);
  }
  const named = { ...identity, name: 'n' };
  assert.equal(emby.readIdentity(Buffer.from(emby.renderIdentity(named, undefined).body)), named);
  assert.equal(jellyfin.readIdentity(Buffer.from(jellyfin.renderIdentity(named, undefined).body)), named);
});

test('Plex: 200 is valid, 401 and 498 are not, anything else says nothing', () =>
  withPlex({}, async (server) => {
    const ask = askOf(server);
    assert.equal(await plex.verify(ask, OWNER_TOKEN), { verdict: 'valid' });
    assert.equal(await plex.verify(ask, 'wrong'), { verdict: 'invalid', status: 401 });
    assert.equal(await plex.verify(ask, jwtExpiring(1)), { verdict: 'invalid', status: 498 });
    server.misbehave({ kind: 'raw', bytes: 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n' });
    assert.equal(await plex.verify(ask, OWNER_TOKEN), { verdict: 'unverifiable' });
    server.misbehave({ kind: 'reset' });
    assert.equal(await plex.verify(ask, OWNER_TOKEN), { verdict: 'unverifiable' });
  }));

test('Jellyfin and Emby: users and API keys are valid, anything else is not', async () => {
  for (const [kind, server] of [
    [jellyfin, await startJellyfin()],
    [emby, await startEmby()],
  ] as const) {
    const ask = askOf(server);
    assert.equal(await kind.verify(ask, USER_TOKEN), { verdict: 'valid' });
    assert.equal(await kind.verify(ask, API_KEY), { verdict: 'valid' });
    assert.equal(await kind.verify(ask, 'wrong'), { verdict: 'invalid', status: 401 });
    server.misbehave(
      { kind: 'raw', bytes: 'HTTP/1.1 500 Unrecognized Guid\r\nContent-Length: 0\r\n\r\n' },
      (url) => url === '/Users/Me',
    );
    assert.equal(await kind.verify(ask, USER_TOKEN), { verdict: 'valid' });
    server.misbehave({ kind: 'raw', bytes: 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n' });
    assert.equal(await kind.verify(ask, USER_TOKEN), { verdict: 'unverifiable' });
    await server.stop();
    assert.equal(await kind.verify(ask, USER_TOKEN), { verdict: 'unverifiable' });
    await server.close();
  }
});

test('a credential that no header can carry is wrong without asking', () =>
  withPlex({}, async (server) => {
    for (const credential of ['a\r\nX-Plex-Token: b', 'a b', 'é', '\0', '"\u2028']) {
      for (const kind of RECOGNIZABLE_KINDS) {
        assert.equal(await kind.verify(askOf(server), credential), { verdict: 'invalid', status: 401 }, credential);
      }
    }
    assert.is(server.requests.length, 0);
  }));

test('another web server only has to answer', () =>
  withPlex({}, async (server) => {
    assert.is((await generic.identify(askOf(server)))?.claimed, true);
    assert.equal(await generic.verify(askOf(server), 'x'), { verdict: 'unverifiable' });
  }));

test('kinds are found by name', () => {
  for (const name of ['plex', 'jellyfin', 'emby', 'generic']) assert.is(kindNamed(name)?.name, name);
  assert.is(kindNamed('toString'), undefined);
  assert.equal(
    RECOGNIZABLE_KINDS.map((kind) => kind.name),
    Object.keys(KINDS).filter((name) => name !== 'generic'),
  );
});

test.run();
