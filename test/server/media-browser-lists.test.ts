/** What Jellyfin and Emby let anybody do, and what nobody may reach through the gateway. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emby } from '../../src/server/emby.ts';
import { generic } from '../../src/server/generic.ts';
import { jellyfin } from '../../src/server/jellyfin.ts';
import { plex } from '../../src/server/plex.ts';

const test = suite('jellyfin and emby lists');

const READS = [
  '/',
  '/favicon.ico',
  '/health',
  '/System/Ping',
  '/Branding/Configuration',
  '/Branding/Css',
  '/Branding/Css.css',
  '/Branding/Splashscreen',
  '/Users/Public',
  '/UserImage',
  '/Users/0123/Images/Primary/0',
  '/QuickConnect/Enabled',
  '/QuickConnect/Connect',
  '/GetUtcTime',
  '/web/ConfigurationPage',
];
const POSTS = [
  '/System/Ping',
  '/Users/AuthenticateByName',
  '/Users/AuthenticateWithQuickConnect',
  '/Users/0123/Authenticate',
  '/QuickConnect/Initiate',
  '/Users/ForgotPassword',
  '/Users/ForgotPassword/Pin',
];
const MEDIA = [
  '/Items/1/Images/Primary',
  '/Artists/A/Images/Logo/0',
  '/Persons/P/Images/Primary',
  '/Genres/G/Images/Thumb',
  '/MusicGenres/G/Images/Thumb',
  '/Studios/S/Images/Thumb',
  '/Videos/1/2/Subtitles/3/0/Stream.vtt',
  '/Videos/1/2/Attachments/4',
  '/Videos/1/hls1/main/0.ts',
  '/Videos/1/hls/a/stream.m3u8',
  '/Audio/1/hls/a/0.aac',
  '/Plugins/1/2.0/Image',
];
const NEITHER = [
  '/Users',
  '/Users/Me',
  '/System/Info',
  '/System/Configuration',
  '/System/Logs',
  '/Startup/User',
  '/Startup/Configuration',
  '/Videos/1/stream',
  '/Videos/1/stream.mkv',
  '/Audio/1/stream.mp3',
  '/Audio/1/universal',
  '/Items/1/Download',
  '/Auth/Keys',
  '/Environment/Drives',
  '/Branding/Other',
  '/QuickConnect/Authorize',
  '/Plugins/1/2.0',
  '/x/Users/Public',
];

for (const kind of [jellyfin, emby]) {
  test(`${kind.title}: signing in is possible, case aside`, () => {
    for (const path of READS.flatMap((path) => [path, path.toLowerCase()])) {
      assert.ok(kind.isSignIn('GET', path) && kind.isSignIn('HEAD', path), path);
    }
    for (const path of POSTS.flatMap((path) => [path, path.toUpperCase()]))
      assert.ok(kind.isSignIn('POST', path), path);
  });

  test(`${kind.title}: a sign-in call is one by its method too`, () => {
    for (const path of READS) if (path !== '/System/Ping') assert.not.ok(kind.isSignIn('POST', path), path);
    for (const path of POSTS) if (path !== '/System/Ping') assert.not.ok(kind.isSignIn('GET', path), path);
    for (const path of [...READS, ...POSTS]) assert.not.ok(kind.isSignIn('DELETE', path), path);
  });

  test(`${kind.title}: the media that apps fetch without a token are known`, () => {
    for (const path of MEDIA) assert.ok(kind.isTokenlessMedia(path) && kind.isTokenlessMedia(path.toLowerCase()), path);
  });

  test(`${kind.title}: nothing else is open`, () => {
    for (const path of NEITHER) {
      for (const method of ['GET', 'POST', 'HEAD']) assert.not.ok(kind.isSignIn(method, path), `${method} ${path}`);
      assert.not.ok(kind.isTokenlessMedia(path), path);
    }
  });

  test(`${kind.title}: a path in disguise is granted nothing`, () => {
    const hostile = [
      '/web/../Startup/User',
      '/web/..%2fStartup/User',
      '/web/%2e%2e/System/Info',
      '/Items/1/Images/../../../Auth/Keys',
      '/Items/1/Images/..%5c..%5cAuth',
      '/Users/1/Images/;/../../../Auth/Keys',
      '//Users/Public',
      '/Users//Public',
      '/Users/Public%00',
      '/Users/./Public',
      '/Users/Public;x',
    ];
    for (const path of hostile) {
      assert.not.ok(kind.isSignIn('GET', path), path);
      assert.not.ok(kind.isTokenlessMedia(path), path);
      assert.not.ok(kind.isWebClient(path), path);
      assert.not.ok(kind.isViewerRequest('GET', path, ''), path);
      assert.not.ok(kind.isIdentity(path), path);
    }
  });

  test(`${kind.title}: the set-up wizard is out of reach, however it is written`, () => {
    const wizard = [
      '/Startup/User',
      '/startup/complete',
      '/Startup',
      '/base/Startup/Configuration',
      '/emby/STARTUP/User',
    ];
    const disguised = [
      '/%53tartup/User',
      '/Startup%2fUser',
      '/x/..%2fStartup/User',
      '/Startup;a/User',
      '/%2553tartup/User',
    ];
    for (const path of [...wizard, ...disguised]) {
      for (const method of ['GET', 'POST']) assert.not.ok(kind.isViewerRequest(method, path, ''), path);
      assert.ok(kind.mayChangeClaim('POST', path), path);
    }
    for (const path of ['/Items', '/Users/Me', '/Sessions/Playing'])
      assert.ok(kind.isViewerRequest('POST', path, ''), path);
  });
}

test('a base path is optional in front of every route, and only the one that was found', () => {
  const based = jellyfin.atBasePath('/media/jf');
  assert.ok(based.isIdentity('/media/jf/system/info/public'));
  assert.ok(based.isIdentity('/System/Info/Public'));
  assert.ok(based.isSignIn('POST', '/media/jf/Users/AuthenticateByName'));
  assert.ok(based.isTokenlessMedia('/Media/JF/Items/1/Images/Primary'));
  assert.ok(based.isWebClient('/media/jf/web/index.html'));
  assert.is(based.webClientPath, '/media/jf/web/index.html');
  assert.not.ok(based.isWebClient('/other/web/index.html'));
  assert.not.ok(jellyfin.isWebClient('/media/jf/web/index.html'));
});

test('the prefix /emby is optional with Emby only', () => {
  assert.ok(emby.isSignIn('POST', '/emby/Users/AuthenticateByName'));
  assert.ok(emby.isIdentity('/EMBY/System/Info/Public'));
  assert.not.ok(jellyfin.isSignIn('POST', '/emby/Users/AuthenticateByName'));
});

test('the web client is static files and nothing else', () => {
  for (const path of ['/web', '/web/', '/web/index.html', '/web/js/a.js']) assert.ok(plex.isWebClient(path), path);
  for (const path of ['/webs', '/Web/index.html', '/web/../library', '/web/%2e%2e/x', '/x/web/'])
    assert.not.ok(plex.isWebClient(path), path);
  for (const path of ['/web/index.html', '/WEB/main.js']) assert.ok(jellyfin.isWebClient(path), path);
});

test('Plex has exactly one public endpoint, no sign-in calls and no token-less media', () => {
  assert.ok(plex.isIdentity('/identity'));
  for (const path of ['/identity/', '/Identity', '//identity', '/%69dentity', '/identity;x'])
    assert.not.ok(plex.isIdentity(path), path);
  assert.not.ok(plex.isSignIn('GET', '/'));
  assert.not.ok(plex.isTokenlessMedia('/library/metadata/1/thumb/2'));
});

test('another web server has every path for who is let in, and nothing for the others', () => {
  assert.ok(generic.isViewerRequest('DELETE', '/%2e%2e//x', ''));
  assert.not.ok(generic.isIdentity('/identity') || generic.isWebClient('/web/') || generic.isSignIn('GET', '/'));
  assert.not.ok(generic.isTokenlessMedia('/Items/1/Images/Primary'));
});

test.run();
