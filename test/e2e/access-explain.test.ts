/** `explain` agrees with what happens: the same rule for a supposed request and for the real one; and status says what would let it in. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CurlAnswer } from '../support/curl.ts';
import { GuardedHome, type GuardedHomeOptions, LAN_CLIENT, OUTSIDER, PROXY } from '../support/guarded-home.ts';
import { OWNER_TOKEN } from '../support/plex.ts';

const VIEWER_TOKEN = 'viewer-token-1234567';
const LISTED = '127.0.0.7';
const PIN = '2468';

/** One request, as it is sent and as it is supposed. */
interface Row {
  readonly rule: string;
  readonly from: string;
  readonly path: string;
  readonly method?: string;
  readonly host?: string;
  readonly token?: string;
  readonly origin?: string;
  readonly isPlain?: boolean;
  readonly hasSession?: boolean;
  /** A forwarding header from a peer that is no proxy of ours. */
  readonly forwardedFor?: string;
}

const ROWS: readonly Row[] = [
  { rule: 'malformed', from: OUTSIDER, path: `/library?X-Plex-Token=other`, token: OWNER_TOKEN },
  { rule: 'host', from: LISTED, path: '/library/a', host: 'evil.example', isPlain: true },
  { rule: 'plain-http', from: OUTSIDER, path: '/library/b', isPlain: true },
  { rule: 'plain-http', from: LAN_CLIENT, path: '/library/c', isPlain: true, method: 'POST' },
  { rule: 'gateway-page', from: OUTSIDER, path: '/.lockgate/health', isPlain: true },
  { rule: 'gateway-page', from: OUTSIDER, path: '/.lockgate/metrics' },
  { rule: 'gateway-page', from: OUTSIDER, path: '/.lockgate//x' },
  { rule: 'identity', from: OUTSIDER, path: '/identity' },
  { rule: 'valid', from: OUTSIDER, path: '/library/d', token: OWNER_TOKEN },
  { rule: 'valid', from: LISTED, path: '/library/e', token: OWNER_TOKEN },
  { rule: 'valid', from: OUTSIDER, path: '/library/f', token: OWNER_TOKEN, host: 'evil.example' },
  { rule: 'invalid', from: OUTSIDER, path: '/library/g', token: 'stale' },
  { rule: 'admitted', from: LISTED, path: '/library/h', token: 'stale' },
  { rule: 'admitted', from: LISTED, path: '/library/i' },
  { rule: 'admitted', from: LAN_CLIENT, path: '/library/j' },
  { rule: 'admitted', from: LISTED, path: '/library/k', origin: 'https://app.plex.tv' },
  { rule: 'origin', from: LISTED, path: '/library/l', origin: 'https://evil.example' },
  { rule: 'viewer-only', from: LISTED, path: '/library/m', method: 'DELETE' },
  { rule: 'viewer-only', from: LISTED, path: '/:/prefs' },
  { rule: 'session', from: '192.168.7.60', path: '/library/n', hasSession: true },
  { rule: 'viewer-only', from: '192.168.7.60', path: '/library/o', hasSession: true, method: 'PUT' },
  { rule: 'default', from: OUTSIDER, path: '/library/p', hasSession: true },
  { rule: 'default', from: LISTED, path: '/library/q', forwardedFor: LAN_CLIENT },
  { rule: 'default', from: '192.168.7.60', path: '/library/r' },
  { rule: 'web-app', from: OUTSIDER, path: '/web/js/main.js' },
  { rule: 'default', from: OUTSIDER, path: '/web/..%2fmyplex/account' },
];

interface Scene {
  guarded: GuardedHome;
  options: GuardedHomeOptions;
  cookie: string;
}

const test = suite<Scene>('explain');

test.before(async (scene) => {
  scene.guarded = await GuardedHome.start({ tokens: [OWNER_TOKEN, VIEWER_TOKEN] });
  const hashed = await scene.guarded.home.installation.command(['hash-pin'], `${PIN}\n`);
  scene.options = {
    server: `token = "${VIEWER_TOKEN}"`,
    access: `allowed_networks = "${LAN_CLIENT}, ${LISTED}"\n${pinLine(hashed.stdout)}`,
    listen: 'secure_connections = "required"',
  };
  await scene.guarded.reload(scene.options);
  const own = ['-H', `Origin: https://${scene.guarded.authority}`, '--data', `pin=${PIN}`];
  const signedIn = await scene.guarded.ask('192.168.7.60', '/.lockgate/signin', ...own);
  scene.cookie = signedIn.headers['set-cookie']?.split(';')[0] ?? '';
});
test.after(async ({ guarded }) => {
  await guarded.close();
});

/** What `hash-pin` prints, as a line of the file. */
function pinLine(printed: string): string {
  const hash = /\$scrypt\$[^"\s]+/.exec(printed)?.[0];
  return `pin_hash = "${hash}"\n`;
}

function send({ guarded, cookie }: Scene, row: Row): Promise<CurlAnswer> {
  const { method, host, token, origin, hasSession, forwardedFor } = row;
  const args = [
    ...(method === undefined ? [] : ['-X', method]),
    ...(host === undefined ? [] : ['-H', `Host: ${host}`]),
    ...(token === undefined ? [] : ['-H', `X-Plex-Token: ${token}`]),
    ...(origin === undefined ? [] : ['-H', `Origin: ${origin}`]),
    ...(hasSession === true ? ['-H', `Cookie: ${cookie}`] : []),
    ...(forwardedFor === undefined ? [] : ['-H', `X-Forwarded-For: ${forwardedFor}`]),
  ];
  return row.isPlain === true
    ? guarded.askPlainly(row.from, row.path, ...args)
    : guarded.ask(row.from, row.path, ...args);
}

function suppose(row: Row): string[] {
  const isDirect = row.from.startsWith('127.');
  const { method, host, token, origin } = row;
  const given = { method, host, token, origin, 'forwarded-for': isDirect ? row.forwardedFor : row.from };
  const options = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
  const flags = [...(row.isPlain === true ? ['--plain'] : []), ...(row.hasSession === true ? ['--session'] : [])];
  return ['--from', isDirect ? row.from : PROXY, '--path', row.path, ...options, ...flags];
}

test('a supposed request meets the rule that the real one meets', async (scene) => {
  for (const row of ROWS) {
    await send(scene, row);
    const [path = ''] = row.path.split('?');
    const { rule } = await scene.guarded.accessLine(path);
    const explained = await scene.guarded.explain(...suppose(row));
    assert.equal([rule, explained.rule], [row.rule, row.rule], JSON.stringify(row));
  }
});

test('what explain and status would change lets the request in', async (scene) => {
  const { guarded, options } = scene;
  const row: Row = { rule: 'default', from: '192.168.7.77', path: '/library/s' };
  assert.is((await send(scene, row)).status, 401);
  const { change } = await guarded.explain(...suppose(row));
  assert.is(change, '[access] allowed_networks: add "192.168.7.77"');
  const { refusals } = (await guarded.status()) as { refusals: { address: string; path: string; remedy: string }[] };
  const refusal = refusals.find(({ address }) => address === row.from);
  assert.equal([refusal?.path, refusal?.remedy], [row.path, change]);
  await guarded.reload({
    ...options,
    access: options.access?.replace(LAN_CLIENT, `${LAN_CLIENT}, 192.168.7.77`) ?? '',
  });
  assert.is((await send(scene, row)).status, 200);
  await guarded.reload(options);
});

test('status keeps the last twenty refusals, the newest first, each with address, path, rule and remedy', async (scene) => {
  for (let index = 0; index < 22; index += 1) await scene.guarded.ask(OUTSIDER, `/library/metadata/${index}`);
  await scene.guarded.ask(OUTSIDER, '/library/metadata/21?X-Plex-Token=secret-of-somebody');
  const { refusals } = (await scene.guarded.status()) as { refusals: Record<string, unknown>[] };
  assert.is(refusals.length, 20);
  const [first] = refusals;
  assert.is(first?.['path'], '/library/metadata/21');
  assert.is(first?.['rule'], 'invalid');
  const text = (await scene.guarded.home.installation.command(['status'])).stdout;
  assert.match(text, /203\.0\.113\.9 {2}GET \/library\/metadata\/21 {2}401 by default/);
  assert.match(text, '[access] allowed_networks: add "203.0.113.9"');
  assert.not.match(text, /secret-of-somebody/);
});

test('without a gateway explain answers from the file, and says so', async (scene) => {
  await scene.guarded.gateway.kill();
  for (const row of ROWS.filter(
    ({ rule, token }) => ['host', 'admitted', 'viewer-only', 'default'].includes(rule) && !token,
  )) {
    if (row.hasSession === true) continue;
    assert.is((await scene.guarded.explain(...suppose(row))).rule, row.rule, JSON.stringify(row));
  }
  const outcome = await scene.guarded.home.installation.command(['explain', '--from', LISTED]);
  assert.match(outcome.stdout, /according to the file alone/);
});

test.run();
