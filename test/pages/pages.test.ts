import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { renderErrorPage } from '../../src/http/pages/error-page.ts';
import type { RenderedPage } from '../../src/http/pages/layout.ts';
import { renderSetupPage } from '../../src/http/pages/setup-page.ts';
import { renderSignInPage } from '../../src/http/pages/signin-page.ts';
import { renderStatusPage, statusEvent } from '../../src/http/pages/status-page.ts';
import { SAMPLE_PAGES } from './samples.ts';

const test = suite('pages');
const pages = Object.entries(SAMPLE_PAGES);

const policyOf = ({ headers }: RenderedPage) => headers['Content-Security-Policy'] ?? '';
const matchesOf = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), (match) => match[1] ?? '');

test('the policy of every page allows exactly its own inline style and script, and nothing from anywhere', () => {
  for (const [name, page] of pages) {
    const policy = policyOf(page);
    assert.match(policy, /^default-src 'none'; /, name);
    assert.not.match(policy, /unsafe|\*|https?:(?!\/\/127-0-0-1)/, name);
    for (const element of ['style', 'script']) {
      const hashes = matchesOf(page.html, new RegExp(`<${element}>(.*?)</${element}>`, 'gs')).map(
        (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
      );
      const allowed = matchesOf(policy, new RegExp(`${element}-src ([^;]*)`, 'g'));
      assert.equal(allowed, hashes, `${name} ${element}`);
    }
  }
});

test('no page can be framed, cached, sniffed, or give its address away', () => {
  for (const [name, { headers }] of pages) {
    assert.match(headers['Content-Security-Policy'] ?? '', "frame-ancestors 'none'", name);
    assert.match(headers['Content-Security-Policy'] ?? '', "base-uri 'none'", name);
    assert.match(headers['Content-Security-Policy'] ?? '', "form-action 'self'", name);
    assert.is(headers['X-Frame-Options'], 'DENY', name);
    assert.is(headers['X-Content-Type-Options'], 'nosniff', name);
    assert.is(headers['Cache-Control'], 'no-store', name);
    assert.is(headers['Referrer-Policy'], 'same-origin', name);
    assert.is(headers['Content-Type'], 'text/html; charset=utf-8', name);
  }
});

test('no page has an inline handler, an inline style, or an address elsewhere but plex.tv/claim and the gateway itself', () => {
  for (const [name, { html }] of pages) {
    const markup = html.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '');
    assert.not.match(markup, /\s(?:on\w+|style|srcset|formaction)=/i, name);
    const addresses = matchesOf(markup, /(?:href|src|action)="([^"]*)"/g);
    const isOwn = /^(\/(?!\/)|data:image\/svg|$|https:\/\/127-0-0-1\.invalid:1\/\.lockgate\/)/;
    const foreign = addresses.filter((address) => !isOwn.test(address));
    assert.ok(
      foreign.every((address) =>
        ['https://www.plex.tv/claim', 'https://192.168.1.2:32443/.lockgate/'].includes(address),
      ),
      `${name}: ${foreign}`,
    );
    assert.not.match(matchesOf(html, /<style>([\s\S]*?)<\/style>/g).join(''), /url\(|@import/, name);
  }
});

test('every field has a label, and every reference to an id finds exactly one', () => {
  for (const [name, { html }] of pages) {
    const ids = matchesOf(html, /\sid="([^"]*)"/g);
    assert.is(new Set(ids).size, ids.length, `${name}: ${ids}`);
    for (const input of matchesOf(html, /<input ([^>]*)>/g)) {
      const id = /\bid="([^"]*)"/.exec(input)?.[1] ?? '';
      assert.ok(html.includes(`<label for="${id}">`), `${name}: ${input}`);
    }
    const references = matchesOf(html, /\s(?:for|aria-labelledby|aria-describedby)="([^"]*)"/g).flatMap((list) =>
      list.split(' '),
    );
    for (const reference of references) assert.ok(ids.includes(reference), `${name}: ${reference}`);
  }
});

test('every page says its language, has one main landmark, one first heading and a title of its own', () => {
  for (const [name, { html }] of pages) {
    assert.match(html, '<html lang="en">', name);
    assert.is(matchesOf(html, /(<main>)/g).length, 1, name);
    assert.is(matchesOf(html, /(<h1>)/g).length, 1, name);
    assert.match(html, /<title>[^<]{3,} · lockgate<\/title>/, name);
  }
});

test('forms post to the gateway itself', () => {
  for (const [name, { html }] of pages) {
    for (const form of matchesOf(html, /<form ([^>]*)>/g)) {
      assert.match(form, /method="post" action="\/\.lockgate\/(signin|setup)"/, name);
    }
  }
});

const VISIT = { asker: { address: '::1', place: 'loopback', rule: 'default', meaning: '' }, asOf: '12:03:04' } as const;
const EVERYTHING = {
  scope: 'everything',
  lights: [],
  version: '',
  serverName: undefined,
  clients: [],
  certificates: [],
  dnsCounters: undefined,
  listeners: [],
  lanNetworks: [],
  refusals: [],
} as const;

const HOSTILE = `"'><script>alert(1)</script><img src=x onerror=alert(1)>\`&\u202E</title></style>`;

test('hostile names and requests stay text, on every page', () => {
  const asker = { address: HOSTILE, place: 'lan', rule: 'default', meaning: HOSTILE } as const;
  const light = { name: HOSTILE, verdict: 'fault', summary: HOSTILE, remedy: HOSTILE } as const;
  const hostile = [
    renderErrorPage({ status: 421, title: HOSTILE, detail: HOSTILE, reason: HOSTILE, signInPath: HOSTILE }),
    ...(['ready', 'wrong-pin', 'signed-in', 'signed-out'] as const).map(
      (state) => renderSignInPage({ state, serverName: HOSTILE }).html,
    ),
    ...(['ready', 'wrong-key', 'rejected-code', 'unreachable', 'waiting', 'done'] as const).map(
      (state) => renderSetupPage({ state, serverName: HOSTILE }).html,
    ),
    renderSetupPage({ state: 'other-subnet', serverName: HOSTILE, serverUrl: HOSTILE }).html,
    renderStatusPage(
      {
        scope: 'everything',
        lights: [light],
        version: HOSTILE,
        clients: [{ address: HOSTILE, isAtHome: true, rule: 'valid', connections: 1, requests: 1, webSockets: 1 }],
        dnsCounters: [{ what: HOSTILE, count: 1 }],
        serverName: HOSTILE,
        certificates: [{ names: [HOSTILE], source: HOSTILE, daysLeft: 1 }],
        listeners: [{ purpose: HOSTILE, endpoint: HOSTILE }],
        lanNetworks: [HOSTILE],
        refusals: [
          {
            secondsAgo: 1,
            address: HOSTILE,
            method: HOSTILE,
            path: HOSTILE,
            reason: 'host',
            rule: 'host',
            remedy: HOSTILE,
          },
        ],
      },
      {
        asker,
        asOf: HOSTILE,
        nameTest: { origin: 'https://films.example', snippets: [{ router: HOSTILE, text: HOSTILE }] },
      },
    ).html,
  ];
  for (const page of hostile) {
    assert.match(page, '&lt;img src=x onerror=alert(1)&gt;');
    assert.not.match(page, /<img|<script>alert|\u202E/);
    assert.is(matchesOf(page, /(<\/title>)/g).length, 1);
    assert.is(matchesOf(page, /(<\/style>)/g).length, 1);
  }
});

test('the origin of the name test cannot add a directive to the policy', () => {
  const page = (origin: string) =>
    renderStatusPage({ scope: 'lights', lights: [] }, { ...VISIT, nameTest: { origin, snippets: [] } });
  const policy = policyOf(page('https://films.example/; script-src *'));
  assert.match(policy, "connect-src 'self' https://films.example;");
  assert.not.match(policy, '*');
  assert.throws(() => page('; script-src *'), /Invalid URL/);
});

test('the lights alone tell nothing of the gateway’s listeners, certificates and refusals', () => {
  const page = SAMPLE_PAGES['status-lights']?.html ?? '';
  for (const secret of ['32443', 'plex.direct', '192.168.7.19', 'fd12', '0.1.0']) assert.not.match(page, secret);
  assert.match(page, '192.168.1.42');
});

test('the status page takes the worst light for its headline', () => {
  const headline = (...verdicts: ('good' | 'attention' | 'fault' | 'unknown')[]) => {
    const lights = verdicts.map((verdict) => ({ name: 'Light', verdict, summary: '' }));
    return /<h1>(.*)<\/h1>/.exec(renderStatusPage({ scope: 'lights', lights }, VISIT).html)?.[1];
  };
  assert.is(headline('good', 'good'), 'Everything is in order');
  assert.is(headline('good', 'unknown'), 'Not everything is known yet');
  assert.is(headline('unknown', 'attention'), 'Something needs attention');
  assert.is(headline('attention', 'fault', 'good'), 'Something is wrong');
  assert.is(headline(), 'Not everything is known yet');
});

test('a name of the private CA leads to where that is trusted, another one does not', () => {
  const page = (needsTrust: boolean) =>
    renderStatusPage(
      { scope: 'lights', lights: [] },
      { ...VISIT, nameTest: { origin: 'https://films.example', needsTrust, snippets: [] } },
    );
  assert.match(page(true).html, 'href="/.lockgate/trust"');
  assert.not.match(page(false).html, '/.lockgate/trust');
  assert.not.match(page(true).html, 'Your DNS drops private answers', 'which may not be so');
  assert.match(page(false).html, 'Your DNS drops private answers');
});

test('every part that an open page is sent is in the page, with the same content', () => {
  const clients = [
    { address: '192.168.1.7', isAtHome: true, rule: 'valid', connections: 2, requests: 1, webSockets: 0 },
  ] as const;
  const view = { ...EVERYTHING, clients };
  const { html } = renderStatusPage(view, VISIT);
  const { scope, title, ...parts } = statusEvent(view);
  assert.is(scope, 'everything');
  assert.match(html, `<title>${title}</title>`);
  assert.equal(Object.keys(parts).sort(), matchesOf(html, /data-part="([a-z]+)"/g).sort());
  for (const [name, part] of Object.entries(parts)) assert.match(html, part, name);
  assert.match(parts['clients'] ?? '', '2 connections, 1 request<');
});

test('a client beyond the fiftieth is counted, not shown', () => {
  const client = (index: number) => ({
    address: `10.0.0.${index}`,
    isAtHome: false,
    rule: null,
    connections: 1,
    requests: 0,
    webSockets: 0,
  });
  const { clients = '' } = statusEvent({
    ...EVERYTHING,
    clients: Array.from({ length: 53 }, (_, index) => client(index)),
  });
  assert.match(clients, 'and 3 more');
  assert.not.match(clients, '10.0.0.50');
});

test('days left are said as a person would', () => {
  const expiry = (daysLeft: number) => {
    const certificates = [{ names: ['a.example'], source: 'acme', daysLeft }];
    const { html } = renderStatusPage({ ...EVERYTHING, certificates }, VISIT);
    return /data-label="Expires">(.*?)</.exec(html)?.[1];
  };
  assert.is(expiry(90), 'in 90 days');
  assert.is(expiry(1), 'in 1 day');
  assert.is(expiry(0), 'today');
  assert.is(expiry(-3), 'has expired');
});

test('the sign-in page marks a wrong PIN for screen readers, and shows no form while PINs are not looked at', () => {
  const wrong = SAMPLE_PAGES['signin-wrong-pin']?.html ?? '';
  assert.match(wrong, /role="alert" id="pin-error"/);
  assert.match(wrong, /aria-invalid="true" aria-describedby="pin-error pin-hint"/);
  const throttled = SAMPLE_PAGES['signin-throttled']?.html ?? '';
  assert.not.match(throttled, '<form');
  assert.match(throttled, 'Wait 4 minutes');
});

test('the waiting page goes on by itself, to an address without a fragment', () => {
  assert.match(
    SAMPLE_PAGES['setup-waiting']?.html ?? '',
    '<meta http-equiv="refresh" content="2;url=/.lockgate/setup">',
  );
});

test.run();
