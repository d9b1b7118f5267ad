/** What a request may say: hosts, pages, paths, methods, preflights and plain HTTP, judged by the running program. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CurlAnswer } from '../support/curl.ts';
import { GuardedHome, LAN_CLIENT, OUTSIDER, OWN_TOKEN } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { exchangeRaw } from '../support/raw.ts';

const VIEWER_TOKEN = 'viewer-token-1234567';
const LISTED = '127.0.0.7';
const OPTIONS = {
  server: `token = "${VIEWER_TOKEN}"`,
  tokens: [OWNER_TOKEN, VIEWER_TOKEN],
  access: `allowed_networks = "192.168.7.0/24, ${LISTED}"\n`,
};
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: eHh4'];

const test = suite<{ guarded: GuardedHome }>('requests');

test.before(async (context) => {
  context.guarded = await GuardedHome.start(OPTIONS);
});
test.after(async ({ guarded }) => {
  await guarded.close();
});

function fields(headers: readonly string[]): string[] {
  return headers.flatMap((header) => ['-H', header]);
}

function verdict({ status, headers }: CurlAnswer): string {
  const reason = headers['x-lockgate-reason'];
  return reason === undefined ? String(status) : `${status} ${reason}`;
}

test('a foreign Host gets nothing by network, and everything by a token of its own', async ({ guarded }) => {
  const { port } = guarded.gateway;
  const ask = async (host: string, ...args: string[]) =>
    verdict(await guarded.askPlainly(LISTED, '/library/sections', '-H', `Host: ${host}`, ...args));
  for (const host of ['evil.example', `evil.example:${port}`, 'films.example.org', '127.0.0.1.evil.example', '1.2.3']) {
    assert.is(await ask(host), '421 host', host);
  }
  assert.is(await ask('evil.example', ...OWN_TOKEN), '200');
  assert.is(await ask('evil.example', '-H', 'X-Plex-Token: stale'), '401 bad-credentials', 'nor by network with it');
  for (const host of ['127.0.0.1', '[::1]', 'localhost', `LOCALHOST.:${port}`, guarded.home.name('127-0-0-1')]) {
    assert.is(await ask(host), '200', host);
  }
  assert.is(await ask(guarded.home.name('203-0-113-80')), '421 host', 'an address in a name has to be ours');
  const told = await guarded.askPlainly(LISTED, '/library/sections', '-H', 'Host: films.example.org');
  assert.match(told.body, /"films\.example\.org" is not a name of this gateway.*\[access\] allowed_hosts/);
  await guarded.reload({ ...OPTIONS, access: `${OPTIONS.access}allowed_hosts = ["films.example.org"]\n` });
  assert.is(await ask('films.example.org'), '200');
});

test('HTTP/1.0 without a Host is an old player, not an attack', async ({ guarded }) => {
  const { port } = guarded.gateway;
  const answer = await exchangeRaw({ port, localAddress: LISTED }, 'GET /library/sections HTTP/1.0\r\n\r\n');
  assert.is(answer.status, 200);
  const unlisted = await exchangeRaw({ port }, 'GET /library/sections HTTP/1.0\r\n\r\n');
  assert.is(unlisted.status, 401);
});

test("no foreign page can use a listed browser's rights: not by script, image, link or WebSocket", async ({
  guarded,
}) => {
  const reached = guarded.reached.length;
  for (const headers of [
    ['Origin: https://evil.example'],
    ['Origin: null'],
    ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Dest: image'],
    ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'],
    ['Sec-Fetch-Site: same-site'],
    ['Referer: https://evil.example/page'],
    ['Referer: http://127.0.0.1:1/'],
    ['Origin: https://evil.example', ...UPGRADE],
    ['Origin: https://app.plex.tv.evil.example'],
  ]) {
    const answer = await guarded.ask(LISTED, '/library/sections', ...fields(headers));
    assert.is(verdict(answer), '403 origin', headers.join(' + '));
    assert.is(answer.headers['access-control-allow-origin'], undefined);
  }
  assert.is(guarded.reached.length, reached);
  for (const headers of [
    [`Origin: https://${guarded.authority}`],
    ['Origin: https://app.plex.tv'],
    ['Sec-Fetch-Site: same-origin'],
    ['Sec-Fetch-Site: none'],
    [`Referer: https://${guarded.authority}/web/index.html`],
  ]) {
    assert.is(verdict(await guarded.ask(LISTED, '/library/sections', ...fields(headers))), '200', headers.join(' + '));
  }
  const ownToken = await guarded.ask(LISTED, '/library/sections', '-H', 'Origin: https://evil.example', ...OWN_TOKEN);
  assert.is(ownToken.status, 200, 'a page with a token of its own needs no lent rights');
});

test('a refusal can be read by the web app, and by whoever brought credentials', async ({ guarded }) => {
  const refusal = async (origin: string, ...args: string[]) => {
    const { headers } = await guarded.ask(OUTSIDER, '/library/sections', '-H', `Origin: ${origin}`, ...args);
    return [headers['access-control-allow-origin'], headers['access-control-expose-headers']];
  };
  assert.equal(await refusal('https://app.plex.tv'), ['https://app.plex.tv', 'X-Lockgate-Reason']);
  assert.equal(await refusal('https://evil.example'), [undefined, undefined]);
  assert.equal(await refusal('https://other.example', '-H', 'X-Plex-Token: stale'), [
    'https://other.example',
    'X-Lockgate-Reason',
  ]);
});

test('what is let in may watch, and nothing else', async ({ guarded }) => {
  const reached = guarded.reached.length;
  for (const [method, path] of [
    ['DELETE', '/library/metadata/1'],
    ['PUT', '/library/sections/1/refresh'],
    ['GET', '/library/sections/1/refresh'],
    ['GET', '/library/sections/1/%72efresh'],
    ['GET', '/library/sections/1/refresh/'],
    ['GET', '/library/sections/1/REFRESH'],
    ['GET', '/library/file?url=file:///etc/passwd'],
    ['POST', '/library/sections/all?name=x&location=/etc'],
    ['POST', '/media/providers?url=http://203.0.113.1/'],
    ['GET', '/myplex/account'],
    ['POST', '/myplex/claim?token=claim-abcdefgh'],
    ['GET', '/:/prefs'],
    ['PUT', '/:/prefs?a=b'],
    ['GET', '/services/browse'],
    ['GET', '/player/proxy/poll'],
    ['GET', '/photo/:/transcode?url=http://203.0.113.1/x.jpg'],
    ['GET', '/photo/:/transcode?url=//203.0.113.1/x.jpg'],
    ['GET', '/photo/:/transcode?url=%2Fmyplex%2Faccount'],
    ['GET', '/library/../myplex/account'],
    ['GET', '/library/%2e%2e/myplex/account'],
    ['GET', '/library/%2e%2e%2fmyplex%2faccount'],
    ['GET', '/library//sections'],
    ['GET', '/library/sections;x=y'],
    ['GET', '/library/..;/myplex/account'],
    ['GET', '/library/sections%00'],
    ['GET', '/library\\..\\myplex\\account'],
    ['GET', '/web/../myplex/account'],
    ['GET', '/web/..%5cmyplex/account'],
    ['GET', '/Library/sections'],
    ['PATCH', '/hubs'],
    ['OPTIONS', '/library/sections'],
  ] as const) {
    const answer = await guarded.ask(LISTED, path, '-X', method);
    assert.is(verdict(answer), '403 not-permitted', `${method} ${path}`);
  }
  assert.is(guarded.reached.length, reached);
  for (const [method, path] of [
    ['GET', '/library/metadata/1'],
    ['GET', '/hubs'],
    ['GET', '/photo/:/transcode?url=%2Flibrary%2Fmetadata%2F1%2Fthumb%2F2&width=100'],
    ['POST', '/playQueues?uri=x'],
    ['PUT', '/:/timeline?state=playing'],
  ] as const) {
    assert.is((await guarded.ask(LISTED, path, '-X', method)).status, 200, `${method} ${path}`);
  }
});

test('lent rights cannot be stretched by a renamed method or a cookie', async ({ guarded }) => {
  const smuggled = ['X-HTTP-Method-Override: DELETE', 'X-Method-Override: PUT', 'Cookie: X-Plex-Token=x; a=b'];
  assert.is((await guarded.ask(LISTED, '/library/metadata/1', ...fields(smuggled))).status, 200);
  const seen = guarded.lastReached;
  for (const name of ['x-http-method-override', 'x-method-override', 'cookie']) assert.equal(seen.values(name), []);
});

test('preflights pass without credentials, and are answered here while nothing may pass', async ({ guarded }) => {
  const asked = ['Origin: https://app.plex.tv', 'Access-Control-Request-Method: GET', 'Cookie: a=b'];
  const passed = await guarded.ask(OUTSIDER, '/library?X-Plex-Token=secret', '-X', 'OPTIONS', ...fields(asked));
  assert.is(passed.status, 200);
  const seen = guarded.lastReached;
  assert.is(seen.url, '/library');
  assert.equal(seen.values('cookie'), []);
  const withBody = await guarded.ask(OUTSIDER, '/library', '-X', 'OPTIONS', '-d', 'x', ...fields(asked));
  assert.is(withBody.status, 401, 'with a body it is no preflight');
  await guarded.reload({ ...OPTIONS, access: `${OPTIONS.access}min_server_version = "99"\n` });
  const reached = guarded.reached.length;
  const answered = await guarded.ask(OUTSIDER, '/library', '-X', 'OPTIONS', ...fields(asked));
  assert.is(answered.status, 204);
  assert.is(answered.headers['access-control-allow-origin'], 'https://app.plex.tv');
  const foreign = ['Origin: https://evil.example', 'Access-Control-Request-Method: GET'];
  const unread = await guarded.ask(OUTSIDER, '/library', '-X', 'OPTIONS', ...fields(foreign));
  assert.is(unread.headers['access-control-allow-origin'], undefined);
  assert.is(guarded.reached.length, reached);
  await guarded.reload(OPTIONS);
});

test('two different tokens are one too many; the same one twice, or an empty one, is not', async ({ guarded }) => {
  const ask = async (path: string, ...headers: string[]) => {
    return verdict(await guarded.ask(OUTSIDER, path, ...fields(headers)));
  };
  const good = `X-Plex-Token: ${OWNER_TOKEN}`;
  assert.is(await ask('/library?X-Plex-Token=other', good), '400 malformed');
  assert.is(await ask('/library', good, 'x-plex-token: other'), '400 malformed');
  assert.is(await ask(`/library?x-plex%2Dtoken=other&X-Plex-Token=${OWNER_TOKEN}`), '400 malformed');
  assert.is(await ask(`/library?X-Plex-Token=other;X-Plex-Token=${OWNER_TOKEN}`), '400 malformed');
  assert.is(await ask(`/library?X-Plex-Token=${OWNER_TOKEN}`, good), '200');
  assert.is(await ask('/library?X-Plex-Token=', good), '200');
});

test('a token that the server calls expired stays 498, and other refusals 401', async ({ guarded }) => {
  guarded.plex.expiredTokens.add('expired-token');
  const expired = await guarded.ask(OUTSIDER, '/library/sections', '-H', 'X-Plex-Token: expired-token');
  assert.is(verdict(expired), '498 bad-credentials');
  const wrong = await guarded.ask(OUTSIDER, '/library/sections', '-H', 'X-Plex-Token: wrong-token');
  assert.is(verdict(wrong), '401 bad-credentials');
  assert.is(wrong.headers['x-plex-protocol'], '1.0');
});

test('a 401 has the shape that Plex apps expect, in either lane, over either scheme', async ({ guarded }) => {
  const origin = ['-H', 'Origin: https://app.plex.tv'];
  for (const express of [true, false]) {
    await guarded.reload({ ...OPTIONS, listen: `express = ${express}` });
    for (const token of [[], ['-H', 'X-Plex-Token: wrong-token']]) {
      const secure = await guarded.ask(OUTSIDER, '/library/sections', ...token, ...origin);
      const plain = await guarded.askPlainly(OUTSIDER, '/library/sections', ...token, ...origin);
      for (const { status, headers, body } of [secure, plain]) {
        assert.is(status, 401);
        assert.is(headers['x-plex-protocol'], '1.0');
        assert.is(headers['content-type'], 'text/html');
        assert.is(headers['connection'], 'close');
        assert.is(headers['access-control-allow-origin'], 'https://app.plex.tv');
        assert.match(body, '<!doctype html>');
      }
    }
  }
  await guarded.reload(OPTIONS);
});

test('required TLS sends plain reading to HTTPS and refuses the rest', async ({ guarded }) => {
  const { port } = guarded.gateway;
  await guarded.reload({ ...OPTIONS, listen: 'secure_connections = "required"' });
  for (const client of [OUTSIDER, LAN_CLIENT]) {
    const sent = await guarded.askPlainly(client, '/library/sections?a=b');
    assert.is(verdict(sent), '308 plain-http');
    assert.is(sent.headers['location'], `https://${guarded.home.name('127-0-0-1')}:${port}/library/sections?a=b`);
    assert.is(sent.headers['cache-control'], 'no-store');
    assert.is(verdict(await guarded.askPlainly(client, '/:/timeline', '-X', 'POST')), '403 plain-http');
    assert.is(
      verdict(await guarded.askPlainly(client, '/:/websockets/notifications', ...fields(UPGRADE))),
      '403 plain-http',
    );
  }
  const rebound = await guarded.askPlainly(OUTSIDER, '/x', '-H', 'Host: evil.example', ...OWN_TOKEN);
  assert.match(rebound.headers['location'] ?? '', /^https:\/\/127-0-0-1\.[0-9a-f]{32}\.plex\.direct:/);
  assert.is((await guarded.askPlainly(OUTSIDER, '/.lockgate/health')).status, 200);
  assert.is((await guarded.askPlainly('127.0.0.1', '/library/sections', ...OWN_TOKEN)).status, 200, 'loopback may');
  const overTls = ['X-Forwarded-Proto: https'];
  assert.is((await guarded.askPlainly(OUTSIDER, '/library', ...fields(overTls), ...OWN_TOKEN)).status, 200);
  await guarded.reload(OPTIONS);
});

test('the pages of the gateway are found under their names only, and never under a foreign Host', async ({
  guarded,
}) => {
  for (const path of [
    '/.lockgate/other',
    '/.LOCKGATE/',
    '/.lockgate//health',
    '/.lockgate/%68ealth',
    '/%2elockgate/',
  ]) {
    assert.is(verdict(await guarded.ask(LISTED, path, ...OWN_TOKEN)), '404 not-found', path);
  }
  for (const path of ['/.lockgate/', '/.lockgate/signin', '/.lockgate/setup', '/.lockgate/metrics']) {
    assert.is(
      verdict(await guarded.askPlainly(LISTED, path, '-H', 'Host: evil.example', ...OWN_TOKEN)),
      '421 host',
      path,
    );
  }
  assert.is((await guarded.askPlainly(OUTSIDER, '/.lockgate/health', '-H', 'Host: evil.example')).body, 'ok\n');
});

test('the status page shows everything to the household, lights to the LAN, nothing to others, and to each its own rule', async ({
  guarded,
}) => {
  await guarded.reload({ ...OPTIONS, access: `allowed_networks = "${LISTED}, 192.168.7.50"\n` });
  const page = (client: string, ...args: string[]) => guarded.ask(client, '/.lockgate/', ...args);
  assert.match((await page(LAN_CLIENT)).body, /Refused lately/);
  const lights = await page('192.168.7.51');
  assert.is(lights.status, 200);
  assert.not.match(lights.body, /Refused lately/);
  assert.match(lights.body, /192\.168\.7\.51/);
  assert.match(lights.body, /Rule <code>default<\/code>/);
  assert.is(verdict(await page(OUTSIDER)), '401 no-credentials');
  assert.is((await page(OUTSIDER, ...OWN_TOKEN)).status, 200);
  assert.is(verdict(await guarded.ask(OUTSIDER, '/.lockgate/metrics')), '403 not-permitted');
  assert.is((await guarded.ask('127.0.0.1', '/.lockgate/metrics')).status, 200);
});

test.run();
