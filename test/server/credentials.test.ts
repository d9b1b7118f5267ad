/** Where each kind carries credentials, in every spelling; and how they are taken out and put in. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emby } from '../../src/server/emby.ts';
import { generic } from '../../src/server/generic.ts';
import { jellyfin } from '../../src/server/jellyfin.ts';
import type { ServerKind } from '../../src/server/kind.ts';
import { plex } from '../../src/server/plex.ts';

const test = suite('credentials');

/** `GET` of a target with headers, as the kind reads it: the value, `none` or `conflict`. */
function find(kind: ServerKind, target: string, ...rawHeaders: string[]): string {
  const query = target.includes('?') ? target.slice(target.indexOf('?') + 1) : '';
  const values = (name: string) =>
    rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
  const found = kind.findCredentials({ query, values });
  return found.found === 'one' ? found.value : found.found;
}

function replace(kind: ServerKind, token: string | undefined, target: string, ...rawHeaders: string[]) {
  return kind.replaceCredentials({ target, rawHeaders }, token);
}

const PLEX_PLACES: readonly [string, ...string[]][] = [
  ['/', 'X-Plex-Token', 'abc'],
  ['/', 'x-plex-token', ' abc\t'],
  ['/', 'X-PLEX-TOKEN', 'abc'],
  ['/?X-Plex-Token=abc'],
  ['/?x-plex-token=abc'],
  ['/?X%2DPlex-Token=abc'],
  ['/?%58%2d%70lex%2DToke%6e=%61bc'],
  ['/a?b=1&X-Plex-Token=abc&c'],
  ['/a?b=1;X-Plex-Token=abc'],
  ['/?X-Plex-Token=abc&X-Plex-Token=abc'],
  ['/?X-Plex-Token=abc&x-plex-token=', 'X-Plex-Token', ''],
  ['/?X-Plex-Token=a%62c', 'X-Plex-Token', 'abc', 'x-plex-token', 'abc'],
];

test('Plex: the token is found in every place and spelling, and the same value twice is one', () => {
  for (const [target, ...headers] of PLEX_PLACES)
    assert.is(find(plex, target, ...headers), 'abc', `${target} ${headers}`);
});

test('Plex: two different values are a conflict wherever they stand', () => {
  const conflicts: readonly [string, ...string[]][] = [
    ['/?X-Plex-Token=a&X-Plex-Token=b'],
    ['/?X-Plex-Token=a&X%2DPlex%2DToken=b'],
    ['/?X-Plex-Token=a;x-plex-token=b'],
    ['/?X-Plex-Token=a', 'X-Plex-Token', 'b'],
    ['/', 'X-Plex-Token', 'a', 'x-plex-token', 'b'],
    ['/?X-Plex-Token=a', 'X-Plex-Token', 'A'],
  ];
  for (const [target, ...headers] of conflicts) assert.is(find(plex, target, ...headers), 'conflict', target);
});

test('Plex: empty values and look-alikes are none', () => {
  const none: readonly [string, ...string[]][] = [
    ['/'],
    ['/?X-Plex-Token='],
    ['/?X-Plex-Token'],
    ['/', 'X-Plex-Token', ''],
    ['/', 'X-Plex-Token', '  '],
    ['/?X-Plex-Token=%20'],
    ['/?X-Plex-Tokens=a&Plex-Token=b&url=%2Fx%3FX-Plex-Token%3Da'],
    ['/?url=/library/x?X-Plex-Token=a'],
    ['/', 'Authorization', 'Bearer abc', 'X-Plex-Client-Identifier', 'abc'],
  ];
  for (const [target, ...headers] of none) assert.is(find(plex, target, ...headers), 'none', target);
});

test('Plex: replacing takes every token out, empty ones too, and adds one header', () => {
  for (const [target, ...headers] of PLEX_PLACES) {
    const replaced = replace(plex, 'fresh', target, 'Host', 'h', ...headers, 'Accept', '*/*');
    assert.equal(replaced.rawHeaders, ['Host', 'h', 'Accept', '*/*', 'X-Plex-Token', 'fresh'], target);
    assert.is(find(plex, replaced.target), 'none');
  }
  assert.equal(replace(plex, undefined, '/a?X-Plex-Token=&b=%7e+%zz&x-plex-token', 'x-PLEX-token', ''), {
    target: '/a?b=%7e+%zz',
    rawHeaders: [],
  });
});

test('Plex: a token in a cookie does not count, but goes when the token is replaced', () => {
  assert.is(find(plex, '/', 'Cookie', 'X-Plex-Token=abc'), 'none');
  const { rawHeaders } = replace(
    plex,
    undefined,
    '/',
    'Cookie',
    'a=1; x-plex-token=abc; b=2',
    'cookie',
    'X-Plex-Token=abc',
  );
  assert.equal(rawHeaders, ['Cookie', 'a=1; b=2']);
});

const MEDIA_BROWSER_PLACES: readonly [string, ...string[]][] = [
  ['/', 'Authorization', 'MediaBrowser Client="x", Device="y", Token="abc"'],
  ['/', 'authorization', 'mediabrowser token=abc'],
  ['/', 'Authorization', 'Emby UserId="1",Token="abc",Version="1"'],
  ['/', 'Authorization', 'MediaBrowser Device="a, b=c", Token="%61bc"'],
  ['/', 'Authorization', 'MediaBrowser Device=x=Token="abc"'],
  ['/', 'X-Emby-Authorization', 'MediaBrowser  Token="abc" , Client="x"'],
  ['/', 'X-Emby-Token', 'abc'],
  ['/', 'X-MediaBrowser-Token', 'abc'],
  ['/?ApiKey=abc'],
  ['/?api_key=abc'],
  ['/?API_KEY=abc'],
  ['/?apikey=abc'],
  ['/?api%5Fkey=abc'],
  ['/?X-Emby-Token=abc'],
  ['/?api_key=abc&ApiKey=abc', 'X-Emby-Token', 'abc', 'Authorization', 'MediaBrowser Token="abc"'],
];

for (const kind of [jellyfin, emby]) {
  test(`${kind.title}: the token is found in every place and spelling`, () => {
    for (const [target, ...headers] of MEDIA_BROWSER_PLACES) {
      assert.is(find(kind, target, ...headers), 'abc', `${target} ${headers}`);
    }
  });

  test(`${kind.title}: two different values are a conflict wherever they stand`, () => {
    for (const [target, ...headers] of MEDIA_BROWSER_PLACES) {
      assert.is(find(kind, target, ...headers, 'X-MediaBrowser-Token', 'other'), 'conflict', `${target} ${headers}`);
    }
    assert.is(find(kind, '/', 'Authorization', 'MediaBrowser Token="a", Token="b"'), 'conflict');
  });

  test(`${kind.title}: no token, an empty one and another scheme are none`, () => {
    const headers = [
      'MediaBrowser Client="x", Token=""',
      'Basic YTpi',
      'Bearer abc',
      'MediaBrowser',
      'Digest token="abc"',
    ];
    for (const header of headers) assert.is(find(kind, '/?api_key=', 'Authorization', header), 'none', header);
    assert.is(find(kind, '/', 'Authorization', 'MediaBrowser Client="Token=abc"'), 'none');
  });

  test(`${kind.title}: removing leaves what signing in needs, and nothing is ever added`, () => {
    for (const [target, ...headers] of MEDIA_BROWSER_PLACES) {
      const replaced = replace(kind, 'an-api-key', target, ...headers);
      assert.is(find(kind, replaced.target, ...replaced.rawHeaders), 'none', target);
      assert.not.match(JSON.stringify(replaced), /abc|an-api-key/);
    }
    const signIn = 'MediaBrowser Client="Web", Device="TV, big", Token="abc", DeviceId="1"';
    assert.equal(replace(kind, undefined, '/Users/AuthenticateByName?a=1', 'Authorization', signIn).rawHeaders, [
      'Authorization',
      'MediaBrowser Client="Web", Device="TV, big", DeviceId="1"',
    ]);
    assert.equal(replace(kind, undefined, '/', 'Authorization', 'Basic YTpi').rawHeaders, [
      'Authorization',
      'Basic YTpi',
    ]);
  });
}

test('another web server has no credentials, and nothing is touched', () => {
  const request = {
    target: '/?X-Plex-Token=a&api_key=b',
    rawHeaders: ['Authorization', 'Bearer c', 'X-Emby-Token', 'd'],
  };
  assert.is(find(generic, request.target, ...request.rawHeaders), 'none');
  assert.equal(generic.replaceCredentials(request, 'fresh'), request);
});

test.run();
