/** A made-up day of a household on the Internet: what its apps, televisions, strangers and scanners send, from a seed. */
import { Choices } from '../access/random.ts';
import { OWNER_TOKEN } from '../support/plex.ts';

export const FRIEND_TOKEN = 'friend-token-1234567';
export const VIEWER_TOKEN = 'viewer-token-1234567';
export const PIN = '2468';

/** Who sends a request, and with it what may come of it. */
export type Sender = 'app' | 'friend' | 'television' | 'stale-device' | 'outsider' | 'scanner' | 'web-app' | 'browser';

export interface Visit {
  readonly sender: Sender;
  readonly address: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** `websocket`: an upgrade. */
  readonly kind: 'request' | 'websocket';
}

const TELEVISIONS = ['192.168.7.20', '192.168.7.21', 'fd00:7::20'];
const AT_HOME = [...TELEVISIONS, '192.168.7.99', '192.168.7.100'];
const OUTSIDE = ['203.0.113.9', '198.51.100.77', '2001:db8:1::9', '2001:db8:2::9'];
const LIBRARY = [
  '/library/sections',
  '/library/metadata/1',
  '/library/parts/1/film.mkv?bytes=20000',
  '/hubs',
  '/playlists',
  '/photo/:/transcode?url=%2Flibrary%2Fmetadata%2F1%2Fthumb%2F1&width=9',
  '/:/timeline?state=playing',
];
/** Where rights are lent, these must not be had with them. */
const FORBIDDEN = [
  ['DELETE', '/library/metadata/1'],
  ['PUT', '/:/prefs?x=y'],
  ['GET', '/myplex/account'],
  ['POST', '/library/sections/all?location=/etc'],
  ['GET', '/library/sections/1/refresh'],
  ['GET', '/photo/:/transcode?url=http://203.0.113.1/'],
] as const;
const HOSTILE_PATHS = [
  '/.env',
  '/.git/config',
  '/wp-login.php',
  '/cgi-bin/.%2e/.%2e/bin/sh',
  '/web/../library/sections',
  '/web/..%2flibrary/sections',
  '/web/%2e%2e/library/sections',
  '/web//../library',
  '/web/..;/library/sections',
  '/identity/../library/sections',
  '/identity%00',
  '/identity/',
  '/identity;x=/library',
  '//library/sections',
  '/library/sections%20HTTP/1.1',
  '/.lockgate/../library/sections',
  '/.lockgate/%2e%2e/library',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/library/sections?X-Plex-Token=%00',
  '/:/prefs',
  '/myplex/claim?token=claim-evil12345678',
  '/',
];
const FORGED_HEADERS: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'X-Real-IP': '192.168.7.20' },
  { Forwarded: 'for=192.168.7.20' },
  { 'True-Client-IP': '127.0.0.1' },
  { Host: 'evil.example' },
  { Host: 'localhost:32400' },
  { 'X-Original-URL': '/library/sections' },
  { 'X-Rewrite-URL': '/library/sections' },
  { 'X-HTTP-Method-Override': 'GET' },
  { Cookie: '__Host-lockgate=9999999999.x.x; lockgate=9999999999.x.x' },
  { Authorization: 'Basic YWRtaW46YWRtaW4=' },
  { Origin: 'https://evil.example' },
  { Connection: 'close, X-Forwarded-For' },
];

/** The next visit of the day. */
export type Visits = () => Visit;

export function visitsFrom(seed: number): Visits {
  const choices = new Choices(seed);
  const makers: readonly (() => Visit)[] = [
    () => withToken(choices, 'app', choices.of([...OUTSIDE, ...AT_HOME]), OWNER_TOKEN),
    () => withToken(choices, 'app', choices.of(OUTSIDE), OWNER_TOKEN),
    () => withToken(choices, 'friend', choices.of(OUTSIDE), FRIEND_TOKEN),
    () => television(choices),
    () => television(choices),
    () => staleDevice(choices),
    () => visit(choices, 'outsider', choices.of(OUTSIDE), 'GET', choices.of(LIBRARY)),
    () => scanner(choices),
    () => scanner(choices),
    () => webApp(choices),
    () => (choices.chance(0.1) ? browser(choices) : television(choices)),
    () => publicRead(choices),
  ];
  return () => choices.of(makers)();
}

function visit(
  choices: Choices,
  sender: Sender,
  address: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Visit {
  const isSocket = method === 'GET' && sender !== 'scanner' && choices.chance(0.06);
  if (!isSocket) return { sender, address, method, path, headers, kind: 'request' };
  return { sender, address, method, path: '/:/websockets/notifications', headers, kind: 'websocket' };
}

function withToken(choices: Choices, sender: Sender, address: string, token: string): Visit {
  const [method, path] = choices.chance(0.8)
    ? (['GET', choices.of(LIBRARY)] as const)
    : choices.of([...FORBIDDEN, ['POST', '/playQueues?uri=x']] as const);
  return visit(choices, sender, address, method, path, { 'X-Plex-Token': token });
}

function television(choices: Choices): Visit {
  const forbidden = [...FORBIDDEN, ['GET', choices.of(HOSTILE_PATHS)], ['GET', disguised(choices)]] as const;
  const [method, path] = choices.chance(0.8) ? (['GET', choices.of(LIBRARY)] as const) : choices.of(forbidden);
  const headers = choices.of([{}, {}, { 'X-Plex-Token': '' }, { Origin: 'https://evil.example' }]);
  return visit(choices, 'television', choices.of(TELEVISIONS), method, path, headers);
}

/** A path that is not for viewers, written so that it may pass for one. */
function disguised(choices: Choices): string {
  const target = choices.of(['/myplex/account', '/:/prefs', '/library/sections/1/refresh', '/services/browse', '/log']);
  const up = choices.of(['/..', '/%2e%2e', '/.%2e', '/..;', '\\..', '/%252e%252e', '/./..', '/..%00']);
  const slash = choices.of(['/', '%2f', '%5c', '//', '\\', '%252f']);
  return `${choices.of(['/library', '/hubs/a', '/web', '/identity'])}${up}${choices.chance() ? up : ''}${target.replaceAll('/', slash)}`;
}

function staleDevice(choices: Choices): Visit {
  const token = choices.of(['stale-device-1', 'stale-device-1', 'stale-device-2']);
  return visit(choices, 'stale-device', '198.51.100.77', 'GET', choices.of(LIBRARY), { 'X-Plex-Token': token });
}

function scanner(choices: Choices): Visit {
  const method = choices.of(['GET', 'GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'PROPFIND']);
  const token = choices.chance(0.2) ? { 'X-Plex-Token': `guess-${choices.below(1e6)}` } : {};
  const headers = { ...choices.of(FORGED_HEADERS), ...token };
  const made = visit(
    choices,
    'scanner',
    choices.of(OUTSIDE),
    method,
    choices.of([...HOSTILE_PATHS, ...LIBRARY]),
    headers,
  );
  return method === 'POST' ? { ...made, body: 'x=y' } : made;
}

function webApp(choices: Choices): Visit {
  const headers = {
    Origin: choices.of(['https://app.plex.tv', 'https://evil.example']),
    'Access-Control-Request-Method': 'GET',
    'Access-Control-Request-Headers': 'x-plex-token',
  };
  return visit(choices, 'web-app', choices.of([...OUTSIDE, ...AT_HOME]), 'OPTIONS', choices.of(LIBRARY), headers);
}

function browser(choices: Choices): Visit {
  const pin = choices.of([PIN, PIN, '0000', '1111', '']);
  const made = visit(choices, 'browser', choices.of(AT_HOME), 'POST', '/.lockgate/signin');
  return { ...made, body: `pin=${pin}` };
}

function publicRead(choices: Choices): Visit {
  const path = choices.of(['/identity', '/web/index.html', '/web/js/main.js', '/.lockgate/health']);
  return visit(choices, 'outsider', choices.of(OUTSIDE), choices.of(['GET', 'HEAD']), path);
}
