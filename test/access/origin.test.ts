import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  hasOwnOrigin,
  isForeignPage,
  type KnownOrigins,
  ownOrigin,
  readableOrigin,
  sendingPage,
  serializeOrigin,
} from '../../src/access/origin.ts';
import { headOf } from './requests.ts';

const known: KnownOrigins = {
  own: 'https://192.168.1.10:32400',
  allowed: new Set(['https://films.example.org']),
  webApps: ['https://app.plex.tv'],
};
const isForeign = (headers: Record<string, string>) => isForeignPage(headOf('GET /library', headers), known);

const spelling = suite('origin');

spelling('is written in visible ASCII, or is none', () => {
  assert.is(serializeOrigin('HTTPS://Films.example.org:443'), 'https://films.example.org');
  for (const text of [
    'https://a\x9b31m',
    'https://a\x7f',
    'https://caf\xe9.example',
    'https://a b',
    'https://a\x1b[2J',
  ]) {
    assert.is(serializeOrigin(text), undefined, JSON.stringify(text));
  }
});

spelling.run();

const page = suite('foreign page');

page('is none when nothing speaks of a page', () => assert.not(isForeign({})));

page('is judged by Origin', () => {
  for (const origin of [
    'https://192.168.1.10:32400',
    'https://app.plex.tv',
    'https://films.example.org',
    'HTTPS://App.Plex.TV',
  ]) {
    assert.not(isForeign({ Origin: origin }), origin);
  }
  const foreign = [
    'null',
    '',
    'https://evil.example',
    'http://192.168.1.10:32400',
    'https://192.168.1.10',
    'https://192.168.1.10:32401',
    'https://app.plex.tv.evil.example',
    'https://app.plex.tv@evil.example',
    'http://app.plex.tv',
    'https://app.plex.tv:8443',
    'app.plex.tv',
  ];
  for (const origin of foreign) assert.ok(isForeign({ Origin: origin }), origin);
});

page('may say cross-site when its Origin is listed', () => {
  assert.not(isForeign({ Origin: 'https://app.plex.tv', 'Sec-Fetch-Site': 'cross-site' }));
});

page('is judged by Sec-Fetch-Site when there is no Origin', () => {
  for (const site of ['cross-site', 'same-site', 'CROSS-SITE', 'something-new']) {
    assert.ok(isForeign({ 'Sec-Fetch-Site': site }), site);
  }
  for (const site of ['same-origin', 'none']) assert.not(isForeign({ 'Sec-Fetch-Site': site }), site);
});

page('is judged by Referer when there is neither', () => {
  for (const referer of ['https://192.168.1.10:32400/web/index.html', 'https://app.plex.tv/desktop?x#y', '']) {
    assert.not(isForeign({ Referer: referer }), referer);
  }
  const foreign = [
    'https://evil.example/',
    'http://192.168.1.10:32400/',
    'about:blank',
    '/web',
    'https://app.plex.tv@evil.example/',
  ];
  for (const referer of foreign) assert.ok(isForeign({ Referer: referer }), referer);
  assert.not(isForeign({ Referer: 'https://evil.example/', 'Sec-Fetch-Site': 'same-origin' }));
});

page.run();

const origins = suite('origins');

origins('have one spelling', () => {
  assert.is(serializeOrigin('HTTPS://App.Plex.TV:443/'), 'https://app.plex.tv');
  assert.is(serializeOrigin('http://nas:80'), 'http://nas');
  assert.is(serializeOrigin('http://nas:443'), 'http://nas:443');
  assert.is(serializeOrigin('capacitor://localhost'), 'capacitor://localhost');
  for (const text of [
    'null',
    '',
    'https://',
    'https://a/b',
    'https://a b',
    'javascript:alert(1)',
    `https://${'a'.repeat(400)}`,
  ]) {
    assert.is(serializeOrigin(text), undefined, text);
  }
});

origins('of a request are its own scheme and Host', () => {
  assert.is(ownOrigin('NAS:443', true), 'https://nas');
  assert.is(ownOrigin('nas:443', false), 'http://nas:443');
  assert.is(ownOrigin('[fd00::10]:32400', true), 'https://[fd00::10]:32400');
  assert.is(ownOrigin(undefined, true), undefined);
});

origins('are the page’s own only when the header says so', () => {
  const own = (headers: Record<string, string>) => hasOwnOrigin(headOf('POST /.lockgate/signin', headers), known.own);
  assert.ok(own({ Origin: 'https://192.168.1.10:32400' }));
  assert.not(own({}));
  assert.not(own({ Origin: 'null' }));
  assert.not(own({ Origin: 'https://app.plex.tv' }));
  assert.not(own({ 'Sec-Fetch-Site': 'same-origin' }));
});

origins('may read refusals when they are known, or brought credentials', () => {
  const readable = (origin: string, brought: boolean) =>
    readableOrigin(headOf('GET /', { Origin: origin }), known, brought);
  assert.is(readable('https://app.plex.tv', false), 'https://app.plex.tv');
  assert.is(readable('https://evil.example', false), undefined);
  assert.is(readable('https://evil.example', true), 'https://evil.example');
  assert.is(readable('null', false), undefined);
  assert.is(readable('null', true), 'null');
  assert.is(readable('nonsense', true), undefined);
  assert.is(readableOrigin(headOf('GET /'), known, true), undefined);
});

origins('of the sending page are named for the operator', () => {
  assert.is(sendingPage(headOf('GET /', { Origin: 'https://evil.example' })), 'https://evil.example');
  assert.is(sendingPage(headOf('GET /', { Referer: 'https://evil.example/a?token=1' })), 'https://evil.example');
  assert.is(sendingPage(headOf('GET /', { Origin: 'null' })), undefined);
  assert.is(sendingPage(headOf('GET /')), undefined);
});

origins.run();
