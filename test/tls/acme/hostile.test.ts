/** An authority that means no good, or is none: every story ends with a sentence and a wait, and is over once the authority behaves. */
import type { ServerResponse } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GatewayError } from '../../../src/lib/errors.ts';
import { Transport } from '../../../src/tls/acme/transport.ts';
import { type StandInRequest, startAcmeStandIn } from '../../support/acme-stand-in.ts';
import { makeCertificate } from '../../support/certificates.ts';
import { type Issuing, whileIssuing } from './issuing.ts';

type Answer = (response: ServerResponse, request: StandInRequest, issuing: Issuing) => void;

function json(document: object, status = 200): Answer {
  return (response) => {
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    response.writeHead(status, { 'Content-Type': type }).end(JSON.stringify(document));
  };
}

function problem(type: string, detail: string, status = 400): Answer {
  return json({ type: `urn:ietf:params:acme:error:${type}`, detail }, status);
}

function chainOf(pem: string): Answer {
  return (response) => response.writeHead(200, { 'Content-Type': 'application/pem-certificate-chain' }).end(pem);
}

/** Never ends by itself. */
const endless: Answer = (response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  const pour = () => {
    while (!response.destroyed && response.write(' '.repeat(65_536)));
  };
  response.on('drain', pour);
  pour();
};

const challenge = { type: 'tls-alpn-01', status: 'pending', url: 'https://127.0.0.1:9/', token: 'token' };
const films = { type: 'dns', value: 'films.example.org' };

/** What is asked for, what is answered, and what the user reads. */
const STORIES: readonly (readonly [string, string, Answer, RegExp])[] = [
  ['a body without an end', '/directory', endless, /sends more than 262144 bytes at once/],
  ['an answer that breaks off', '/newOrder', (response) => response.destroy(), /cannot be asked/],
  [
    'a redirect to the inside of the home',
    '/directory',
    (response) => response.writeHead(302, { Location: 'http://192.168.1.1/' }).end(),
    /^the authority sends elsewhere: http:\/\/192\.168\.1\.1\/$/,
  ],
  [
    'a page where the directory should be',
    '/directory',
    (response) => response.end('<h1>hi'),
    /shows no ACME directory/,
  ],
  ['a directory that is a list', '/directory', json([]), /shows no ACME directory/],
  [
    'addresses without TLS',
    '/directory',
    json({ newNonce: 'http://127.0.0.1:1/', newAccount: 'http://127.0.0.1:1/', newOrder: 'file:///etc/passwd' }),
    /hands out an address that is not https/,
  ],
  [
    'nonces that are never good',
    '/newAccount',
    (response, request, issuing) => {
      response.setHeader('Replay-Nonce', 'again');
      problem('badNonce', 'stale')(response, request, issuing);
    },
    /^the account: stale$/,
  ],
  [
    'no nonces',
    '/newNonce',
    (response) => {
      response.removeHeader('Replay-Nonce');
      response.end();
    },
    /gives no nonce/,
  ],
  [
    'a nonce that would be a header of its own',
    '/newNonce',
    (response) => {
      response.setHeader('Replay-Nonce', '"}, "x": {"');
      response.end();
    },
    /gives no nonce/,
  ],
  ['an account that is nowhere', '/newAccount', json({}, 201), /does not say where the account is/],
  ['an order that is nowhere', '/newOrder', json({}, 201), /does not say where the order is/],
  ['an order of nothing', '/order/1', json({ status: 'pending' }), /an order without authorizations/],
  [
    'an order of ten thousand names',
    '/order/1',
    json({ status: 'pending', authorizations: Array(10_000).fill('https://127.0.0.1:9/') }),
    /an order without authorizations/,
  ],
  ['an order that is never finished', '/order/1', json({ status: 'processing' }), /has not finished after/],
  [
    'the proof of a name of somebody else',
    '/authorization/1/0',
    json({ status: 'pending', identifier: { type: 'dns', value: 'bank.example.net' }, challenges: [challenge] }),
    /wants proof of a name that it was not asked for/,
  ],
  [
    'a token that is a path',
    '/authorization/1/0',
    json({ status: 'pending', identifier: films, challenges: [{ ...challenge, token: '../../.lockgate/health' }] }),
    /gives a token that is none/,
  ],
  [
    'no challenge that is known',
    '/authorization/1/0',
    json({ status: 'pending', identifier: films, challenges: [{ ...challenge, type: 'email-reply-00' }] }),
    /^films\.example\.org: the authority offers email-reply-00$/,
  ],
  [
    'an authorization that stays pending',
    '/authorization/1/0',
    json({ status: 'pending', identifier: films, challenges: [{ ...challenge, status: 'processing' }] }),
    /^films\.example\.org: the authority has not finished after/,
  ],
  [
    'a page for a certificate',
    '/certificate/1',
    (response) => response.end('<h1>'),
    /something else than a certificate/,
  ],
  ['an empty chain', '/certificate/1', chainOf(''), /sends no certificate for the key/],
  [
    'the certificate of another key',
    '/certificate/1',
    chainOf(makeCertificate({ names: ['films.example.org'] }).certificatePem),
    /sends no certificate for the key/,
  ],
  [
    'commands for the terminal',
    '/newOrder',
    problem('malformed', `\u001b]0;owned\u0007${'long '.repeat(1000)}\nsecond line`, 403),
    /^the order: \ufffd\]0;owned\ufffdlong [^\n\p{Cc}]{0,300}…$/u,
  ],
  [
    'an error that is a page',
    '/newOrder',
    (response) => response.writeHead(502).end('<h1>'),
    /^the order: HTTP status 502$/,
  ],
];

for (const [name, path, answer, sentence] of STORIES) {
  test(name, () =>
    whileIssuing(async (issuing) => {
      const { authority, restart, until, entries } = issuing;
      authority.before = (request) => {
        if (request.path !== path) return false;
        answer(request.response, request, issuing);
        return true;
      };
      const issuer = await restart({ stepTimeoutMs: 600 });
      const { lastError, nextAttemptAt } = await until((view) => view.lastError !== undefined);
      assert.match(lastError?.sentence ?? '', sentence);
      assert.ok((lastError?.remedy ?? '') !== '');
      assert.ok(nextAttemptAt > Date.now() + 30_000);
      assert.ok(authority.requests.length < 40, `${authority.requests.length} requests`);
      assert.equal(
        entries.filter(({ level }) => level === 'error'),
        [],
      );
      authority.before = () => false;
      await issuer.hurry('unchanged');
      await until(({ notAfter }) => notAfter !== undefined);
    }),
  );
}

test('a wait of a thousand years is one of eight days', () =>
  whileIssuing(async ({ authority, restart, until }) => {
    authority.before = ({ path, response }) => {
      if (path !== '/newOrder') return false;
      response.setHeader('Retry-After', '99999999999');
      response.writeHead(429, { 'Content-Type': 'text/html' }).end('slow down');
      return true;
    };
    await restart();
    const { nextAttemptAt } = await until(({ lastError }) => lastError !== undefined);
    assert.ok(Math.abs(nextAttemptAt - Date.now() - 8 * 24 * 60 * 60_000) < 60_000);
  }));

test('an authority that never answers does not hold up the end of the gateway', () =>
  whileIssuing(async ({ authority, restart, until }) => {
    authority.before = ({ path }) => path === '/newOrder';
    const issuer = await restart();
    await until(() => authority.requests.includes('newOrder'));
    const startedAt = performance.now();
    await issuer.close();
    assert.ok(performance.now() - startedAt < 2_500, 'less than closing waits for what does not end');
    assert.is(issuer.view.lastError, undefined, 'being stopped is no failure');
  }));

test('an authority that nobody vouches for is told in words for users, with where to name its root', async () => {
  const authority = await startAcmeStandIn();
  try {
    const transport = new Transport({ signal: new AbortController().signal });
    const error = await transport.ask({ url: authority.directory, method: 'GET' }).catch((cause: unknown) => cause);
    assert.instance(error, GatewayError);
    assert.match((error as GatewayError).message, /its own certificate is of nobody who is trusted here$/);
    assert.match((error as GatewayError).hint ?? '', '[acme] ca_file');
  } finally {
    await authority.close();
  }
});

test.run();
