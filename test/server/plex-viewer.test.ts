/** What a viewer without credentials may do with Plex, and every way around it that was thought of. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plex } from '../../src/server/plex.ts';
import { Choices } from '../access/random.ts';

const test = suite('plex viewer list');
const may = (method: string, path: string, query = '') => plex.isViewerRequest(method, path, query);

const READABLE = [
  '/',
  '/library',
  '/library/',
  '/library/sections',
  '/library/sections/1/all',
  '/library/metadata/1/children',
  '/library/parts/1/1600000000/file.mkv',
  '/library/metadata/1/thumb/1600000000',
  '/library/streams/1',
  '/library/sections/1/refreshed',
  '/library/sections/1/match/1',
  '/hubs',
  '/hubs/home/continueWatching',
  '/playlists',
  '/playlists/1/items',
  '/media/providers',
  '/livetv/sessions',
  '/livetv/sessions/a/b/index.m3u8',
  '/:/resources/movie.png',
  '/:/websocket/notifications',
  '/:/websockets/notifications',
  '/:/eventsource/notifications',
  '/clients',
  '/resources',
  '/player/timeline/poll',
  '/player/playback/playMedia',
];
const USABLE = [
  '/:/timeline',
  '/:/progress',
  '/:/scrobble',
  '/:/unscrobble',
  '/:/rate',
  '/playQueues',
  '/playQueues/1/items',
  '/video/:/transcode/universal/start.m3u8',
  '/video/:/transcode/universal/session/a/0/1.ts',
  '/music/:/transcode/universal/start.mp3',
  '/audio/:/transcode/universal/decision',
  '/photo/:/transcode/x',
];
const REFUSED = [
  '/myplex/account',
  '/myplex/claim',
  '/:/prefs',
  '/services/browse',
  '/services/browse/L2V0Yw',
  '/log',
  '/log/networked',
  '/livetv/dvrs',
  '/livetv',
  '/accounts',
  '/statistics/media',
  '/status/sessions',
  '/system/agents',
  '/diagnostics/logs',
  '/security/token',
  '/butler',
  '/updater/status',
  '/channels/all',
  '/devices',
  '/transcode/sessions',
  '/identity/x',
  '/web/index.html',
  '/library/file',
  '/library/file/x',
  '/library/optimize',
  '/library/sections/1/refresh',
  '/library/sections/all/refresh',
  '/library/metadata/1/refresh',
  '/library/metadata/1/refresh/',
  '/library/metadata/1/analyze',
  '/library/sections/1/emptyTrash',
  '/library/metadata/1/match',
  '/library/metadata/1/unmatch',
  '/library/metadata/1/merge',
  '/library/metadata/1/split',
  '/player/proxy',
  '/player/proxy/poll',
  '/unknown/:/transcode/universal/start',
  '/video/:/transcoder',
  '/librarysections',
  '/:/websockets',
  '/:/timelines',
];

test('reading and playing is granted', () => {
  for (const path of READABLE) for (const method of ['GET', 'HEAD']) assert.ok(may(method, path), `${method} ${path}`);
  for (const path of USABLE) for (const method of ['GET', 'POST', 'PUT', 'DELETE']) assert.ok(may(method, path), path);
});

test('nothing is changed by who only reads', () => {
  for (const path of READABLE) {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'get'])
      assert.not.ok(may(method, path), `${method} ${path}`);
  }
});

test('everything else is refused', () => {
  for (const path of REFUSED) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])
      assert.not.ok(may(method, path), `${method} ${path}`);
  }
});

test('a refused path stays refused in any disguise', () => {
  const disguises = [
    '/library/..%2fmyplex/account',
    '//myplex/account',
    '/library/%2e%2e/myplex/account',
    '/library/../myplex/account',
    '/library/.%2e/myplex/account',
    '/library/..;/myplex/account',
    '/library/..\\myplex/account',
    '/library/..%5cmyplex/account',
    '/library/..%255cmyplex/account',
    '/library/%252e%252e/myplex/account',
    '/library/..%c0%afmyplex/account',
    '/LIBRARY/FILE',
    '/library/FILE',
    '/library/File/',
    '/library/%66ile',
    '/library/fil%65',
    '/library/%2566ile',
    '/library//file',
    '/library/./file',
    '/library/file;x',
    '/library/file%3bx',
    '/library/file%00',
    '/library/file%00.jpg',
    '/library/file%20/..',
    '/library/file%3f',
    '/library/file%23',
    '/library/metadata/1/REFRESH',
    '/library/metadata/1/%72efresh',
    '/library/metadata/1/refresh;a=b',
    '/library/metadata/1/refresh%2f',
    '/library/metadata/1/refresh%3Fa',
    '/library/metadata/1/refresh/.',
    '/player/PROXY/poll',
    '/player/%70roxy/poll',
    '/player/x/../proxy/poll',
    '/video/:/transcode/../../../myplex/account',
    '/video/:/transcode/%2e%2e/%2e%2e/%2e%2e/:/prefs',
    '/library/\tfile',
    '/library/\u00a0/file',
    'library/sections',
    '',
  ];
  for (const path of disguises) assert.not.ok(may('GET', path), JSON.stringify(path));
});

test('the picture scaler fetches only pictures that a viewer may read anyway', () => {
  const scale = (query: string) => may('GET', '/photo/:/transcode', query);
  const thumb = encodeURIComponent('/library/metadata/1/thumb/2');
  for (const query of [
    `url=${thumb}`,
    `width=1&url=${thumb}&height=2`,
    'url=/library/metadata/1/thumb/2',
    'URL=%2Fhubs%2Fa',
  ]) {
    assert.ok(scale(query), query);
  }
  const hostile = [
    '',
    'width=1',
    'url=',
    'url=http://127.0.0.1:32400/library/metadata/1/thumb/2',
    'url=http%3A%2F%2Fevil.example%2F',
    'url=//evil.example/x',
    'url=%2F%2Fevil.example',
    'url=/\\evil.example',
    'url=file:///etc/passwd',
    'url=@evil.example',
    'url=library/metadata',
    `url=${thumb}&url=http://evil.example`,
    `url=http://evil.example&url=${thumb}`,
    `url=${thumb};url=http://evil.example`,
    `%75rl=http://evil.example&url=${thumb}`,
    `url=${thumb}&URL=http://evil.example`,
    'url=%2Fmyplex%2Faccount',
    'url=/library/metadata/1/refresh',
    'url=/library/../myplex/account',
    'url=%2Flibrary%2F..%2Fmyplex%2Faccount',
    'url=%252Flibrary',
    'url=/library/file%3Furl=/etc/passwd',
    'url=/photo/:/transcode%3Furl=http://evil.example',
    'url=/:/timeline',
  ];
  for (const query of hostile) assert.not.ok(scale(query), query);
  assert.not.ok(may('GET', '/photo/:/transcode/', 'url=http://evil.example'));
  assert.not.ok(may('POST', '/photo/:/transcode/x', 'url=http://evil.example'));
});

test('no random mutation of a refused path is granted while any server could still read the refused one', () => {
  const choose = new Choices(0x5eed);
  const mutations: readonly ((path: string) => string)[] = [
    (path) => at(path, choose, (character) => `%${character.charCodeAt(0).toString(16)}`),
    (path) => at(path, choose, (character) => `%25${character.charCodeAt(0).toString(16).toUpperCase()}`),
    (path) => at(path, choose, (character) => character.toUpperCase()),
    (path) =>
      path.replace(/\//g, (slash) =>
        choose.chance(0.3) ? choose.of(['//', '/./', '%2f', '\\', '%5C', '/x/../', ';/', '/%2e/']) : slash,
      ),
    (path) => path + choose.of(['/', '//', ';', ';a=b', '/.', '%2f', '%00', '%3f', '?', '/x/..', '%20/..']),
    (path) =>
      choose.of(['/library/..', '/library/%2e%2e', '/hubs/..;', '/', '/player/.%2e', '/video/:/transcode/../../..']) +
      path,
  ];
  for (let round = 0; round < 30_000; round++) {
    let path = choose.of(REFUSED);
    for (let count = 1 + choose.below(3); count > 0; count--) path = choose.of(mutations)(path);
    assert.not.ok(may(choose.of(['GET', 'POST', 'HEAD']), path, ''), JSON.stringify(path));
  }
});

function at(path: string, choose: Choices, change: (character: string) => string): string {
  const index = choose.below(path.length);
  return path.slice(0, index) + change(path[index]!) + path.slice(index + 1);
}

test.run();
