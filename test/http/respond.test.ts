import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Decision, Refuse } from '../../src/access/decision.ts';
import { type TestLaneOptions, withLane } from '../support/full-lane.ts';
import { ok, startAnswering } from '../support/origin.ts';
import { connectRaw, type RawAnswer } from '../support/raw.ts';

const REFUSE: Refuse = {
  action: 'refuse',
  rule: 'default',
  status: 401,
  reason: 'no-credentials',
  detail: 'Sign in first.',
};

/** What the client sees of one decision. */
async function answerTo(
  decision: Decision,
  request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  options: Partial<TestLaneOptions> = {},
): Promise<RawAnswer> {
  const origin = await startAnswering(() => ok());
  let answer: RawAnswer | undefined;
  await withLane(origin, { ...options, decide: () => decision }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write(request);
    answer = await client.readAnswer(request.split(' ')[0]);
    client.destroy();
    assert.equal(origin.connections, [], 'nothing reaches the server');
  });
  if (answer === undefined) throw new Error('no answer');
  return answer;
}

test('a refusal has its status, its reason, a sentence, and is not stored', async () => {
  const answer = await answerTo(REFUSE);
  assert.is(answer.statusLine, 'HTTP/1.1 401 Unauthorized');
  assert.is(answer.header('x-lockgate-reason'), 'no-credentials');
  assert.is(answer.header('cache-control'), 'no-store');
  assert.is(answer.header('content-type'), 'text/plain; charset=utf-8');
  assert.is(answer.header('x-content-type-options'), 'nosniff');
  assert.is(answer.body.toString(), 'Sign in first.\n');
  assert.is(answer.header('access-control-allow-origin'), undefined);
});

for (const status of [400, 401, 403, 404, 405, 421, 429, 431, 498, 502, 503, 504] as const) {
  test(`status ${status} is sent as it is decided`, async () => {
    const answer = await answerTo({ ...REFUSE, status, detail: 'Né' });
    assert.is(answer.status, status);
    assert.is(answer.body.toString(), 'Né\n');
    assert.not.match(answer.statusLine, /undefined|unknown/);
    assert.is(answer.header('connection'), status === 400 || status === 431 ? 'close' : 'keep-alive');
  });
}

test('the origin that the policy names may read the refusal, its status and its reason', async () => {
  const answer = await answerTo({ ...REFUSE, corsOrigin: 'https://app.plex.tv' });
  assert.is(answer.header('access-control-allow-origin'), 'https://app.plex.tv');
  assert.is(answer.header('access-control-expose-headers'), 'X-Lockgate-Reason');
  assert.is(answer.header('vary'), 'Origin');
});

test('Retry-After says when', async () => {
  const answer = await answerTo({ ...REFUSE, status: 429, reason: 'throttled', retryAfterSeconds: 30 });
  assert.is(answer.header('retry-after'), '30');
});

test('HEAD gets the same head and no body', async () => {
  const answer = await answerTo(REFUSE, 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.is(answer.status, 401);
  assert.is(answer.header('content-length'), '15');
});

for (const [accept, isPage] of [
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
  ['TEXT/HTML', true],
  ['text/plain;q=0.5, text/html;q=0.6', true],
  ['text/plain, text/html;q=0.6', false],
  ['text/html;q=0', false],
  ['application/json', false],
  ['*/*', false],
] as const) {
  test(`Accept: ${accept} gets ${isPage ? 'a page' : 'a sentence'}`, async () => {
    const answer = await answerTo(
      { ...REFUSE, detail: 'A <b> & "c"', offerSignIn: true },
      `GET / HTTP/1.1\r\nHost: a\r\nAccept: ${accept}\r\n\r\n`,
    );
    assert.is(answer.header('content-type')?.split(';')[0], isPage ? 'text/html' : 'text/plain');
    if (!isPage) return;
    const page = answer.body.toString();
    assert.match(page, 'A &lt;b&gt; &amp; &quot;c&quot;');
    assert.match(page, '/.lockgate/signin');
    assert.match(page, 'no-credentials');
    assert.not.match(page, /https?:\/\/|<script/);
    assert.ok(answer.header('content-security-policy'));
  });
}

test('a page offers to sign in only when the policy says so', async () => {
  const answer = await answerTo(REFUSE, 'GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n');
  assert.not.match(answer.body.toString(), 'signin');
});

const PLEX = { 'X-Plex-Protocol': '1.0', 'Content-Type': 'text/html', Connection: 'close' };

test('a 401 has the shape that the server kind gives it', async () => {
  const answer = await answerTo(REFUSE, undefined, { unauthorizedHeaders: () => PLEX });
  assert.is(answer.header('x-plex-protocol'), '1.0');
  assert.equal(answer.values('content-type'), ['text/html']);
  assert.equal(answer.values('connection'), ['close']);
  assert.is(answer.header('x-lockgate-reason'), 'no-credentials');
  assert.match(answer.body.toString(), '<!doctype html>');
});

test('so has a 498, and an answer to HEAD', async () => {
  const expired = { ...REFUSE, status: 498 } as const;
  const answer = await answerTo(expired, undefined, { unauthorizedHeaders: () => PLEX });
  assert.is(answer.statusLine, 'HTTP/1.1 498 Invalid Token');
  assert.equal(answer.values('content-type'), ['text/html']);
  assert.equal(answer.values('connection'), ['close']);
});

test('other refusals do not', async () => {
  const answer = await answerTo({ ...REFUSE, status: 403 }, undefined, { unauthorizedHeaders: () => PLEX });
  assert.is(answer.header('x-plex-protocol'), undefined);
  assert.is(answer.header('connection'), 'keep-alive');
});

test('redirects carry their location and are not stored', async () => {
  const location = 'https://10-0-0-1.hash.plex.direct:32443/web?a=b';
  const answer = await answerTo({
    action: 'redirect',
    rule: 'plain-http',
    status: 308,
    location,
    reason: 'plain-http',
  });
  assert.is(answer.statusLine, 'HTTP/1.1 308 Permanent Redirect');
  assert.is(answer.header('location'), location);
  assert.is(answer.header('cache-control'), 'no-store');
  assert.is(answer.header('x-lockgate-reason'), 'plain-http');
  const home = await answerTo({ action: 'redirect', rule: 'home', status: 302, location: '/web' });
  assert.is(home.statusLine, 'HTTP/1.1 302 Found');
  assert.is(home.header('x-lockgate-reason'), undefined);
});

test('a preflight is answered with 204 and what the browser asked for', async () => {
  const answer = await answerTo(
    { action: 'preflight', rule: 'preflight', corsOrigin: 'https://app.plex.tv' },
    'OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://app.plex.tv\r\nAccess-Control-Request-Method: GET\r\n' +
      'Access-Control-Request-Headers: x-plex-token,accept\r\nAccess-Control-Request-Private-Network: true\r\n\r\n',
  );
  assert.is(answer.statusLine, 'HTTP/1.1 204 No Content');
  assert.is(answer.header('access-control-allow-origin'), 'https://app.plex.tv');
  assert.is(answer.header('access-control-allow-headers'), 'x-plex-token,accept');
  assert.match(answer.header('access-control-allow-methods') ?? '', 'GET');
  assert.is(answer.header('access-control-allow-private-network'), 'true');
  assert.is(answer.header('content-length'), undefined);
});

test('a preflight of a foreign origin is answered without leave', async () => {
  const answer = await answerTo({ action: 'preflight', rule: 'preflight' }, 'OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.is(answer.status, 204);
  assert.is(answer.header('access-control-allow-origin'), undefined);
  assert.is(answer.header('access-control-allow-methods'), undefined);
});

test('the identity comes from the last probe; before there was one it is 503', async () => {
  const decision: Decision = { action: 'identity', rule: 'identity', corsOrigin: 'https://app.plex.tv' };
  const answer = await answerTo(decision, undefined, { identity: () => ({ contentType: 'text/xml', body: '<a/>' }) });
  assert.is(answer.status, 200);
  assert.is(answer.header('content-type'), 'text/xml');
  assert.is(answer.header('access-control-allow-origin'), 'https://app.plex.tv');
  assert.is(answer.body.toString(), '<a/>');
  const none = await answerTo(decision);
  assert.is(none.status, 503);
  assert.is(none.header('x-lockgate-reason'), 'starting');
  assert.ok(none.header('retry-after'));
});

test('a page is written by its handler, which gets what it needs', async () => {
  const decision: Decision = { action: 'page', rule: 'gateway-page', page: 'signin', scope: 'none' };
  const page: TestLaneOptions['page'] = async ({ request, response, head, peer, client }) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.writeHead(200, { 'X-Page': 'yes' });
    response.end([body, head.path, peer.address, client.address].join(' '));
  };
  await withLane(await startAnswering(() => ok()), { decide: () => decision, page }, async (lane) => {
    const client = await connectRaw({ port: lane.port });
    client.write('POST /.lockgate/signin HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n');
    await client.readUntil('100 Continue\r\n\r\n');
    client.write('pin=1234');
    const answer = await client.readAnswer();
    assert.is(answer.header('x-page'), 'yes');
    assert.is(answer.body.toString(), 'pin=1234 /.lockgate/signin 127.0.0.1 127.0.0.1');
    client.destroy();
  });
});

test('a page whose handler fails is 503, and so is a decision or a preparation that fails', async () => {
  const page: Decision = { action: 'page', rule: 'gateway-page', page: 'status', scope: 'none' };
  const fails = () => {
    throw new Error('a defect');
  };
  for (const [decision, options] of [
    [page, { page: fails }],
    [page, { page: async () => fails() }],
    [{ action: 'forward', rule: 'valid', credentials: 'keep' }, { prepare: fails }],
    [{ action: 'forward', rule: 'valid', credentials: 'keep' }, { clientOf: fails }],
  ] as const) {
    const answer = await answerTo(decision, undefined, options);
    assert.is(answer.status, 503);
    assert.is(answer.header('x-lockgate-reason'), 'starting');
  }
});

test('a policy that fails lets nothing through', async () => {
  const origin = await startAnswering(() => ok());
  for (const decide of [() => Promise.reject(new Error('a defect')), () => JSON.parse('{')]) {
    await withLane(await startAnswering(() => ok()), { decide }, async (lane) => {
      const client = await connectRaw({ port: lane.port });
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.is((await client.readAnswer()).status, 503);
      client.destroy();
    });
  }
  assert.equal(origin.connections, []);
  await origin.close();
});

test.run();
