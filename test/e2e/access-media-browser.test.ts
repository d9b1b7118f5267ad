/** Jellyfin and Emby behind the gateway: signing in, media without tokens, the wizard, and what the gateway never adds. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CurlAnswer, curl } from '../support/curl.ts';
import { isForwarded, PROXY } from '../support/guarded-home.ts';
import { API_KEY, type JellyfinStandIn, startEmby, startJellyfin, USER, USER_TOKEN } from '../support/jellyfin.ts';
import { Installation, type RunningProgram } from '../support/program.ts';

const LAN = '192.168.7.50';
const OUTSIDER = '203.0.113.9';
const DEVICE = 'Authorization: MediaBrowser Client="TV", Device="TV", DeviceId="1", Version="1"';
const POSTER = '/Items/1234/Images/Primary?maxWidth=200';

class Scene {
  readonly server: JellyfinStandIn;
  readonly installation: Installation;
  gateway!: RunningProgram;

  private constructor(server: JellyfinStandIn, installation: Installation) {
    this.server = server;
    this.installation = installation;
  }

  static async start(server: JellyfinStandIn, access = '', state = 'claimed'): Promise<Scene> {
    const scene = new Scene(server, new Installation(tomlFor(server, access)));
    scene.gateway = await scene.installation.run();
    await scene.gateway.line((line) => line['state'] === state);
    return scene;
  }

  async reload(access: string): Promise<void> {
    this.installation.configure(tomlFor(this.server, access));
    const outcome = await this.installation.command(['reload']);
    assert.is(outcome.status, 0, outcome.stderr);
  }

  ask(client: string, path: string, ...args: readonly string[]): Promise<CurlAnswer> {
    const sender = ['--interface', PROXY, '-H', `X-Forwarded-For: ${client}`, '--path-as-is'];
    return curl(...sender, ...args, `http://127.0.0.1:${this.gateway.port}${path}`);
  }

  signIn(client: string, password: string, prefix = ''): Promise<CurlAnswer> {
    const body = JSON.stringify({ Username: USER.name, Pw: password });
    return this.ask(client, `${prefix}/Users/AuthenticateByName`, '-H', DEVICE, '--data', body);
  }

  async close(): Promise<void> {
    await this.installation.remove();
    await this.server.close();
  }
}

function tomlFor(server: JellyfinStandIn, access: string): string {
  return `[server]
kind = "${server.flavour}"
url = "${server.url}"
[listen]
addresses = ["127.0.0.1"]
port = 0
[dns]
enabled = false
[log]
access = "all"
[access]
trusted_proxies = "${PROXY}"
lan_networks = "192.168.7.0/24"
${access}`;
}

function verdict({ status, headers }: CurlAnswer): string {
  return [status, headers['x-lockgate-reason']].join(' ').trim();
}

const token = (value: string) => ['-H', `X-Emby-Token: ${value}`];

const test = suite<{ scenes: Scene[] }>('Jellyfin and Emby');

test.before.each((context) => {
  context.scenes = [];
});
test.after.each(async ({ scenes }) => {
  for (const scene of scenes) await scene.close();
});

test('a viewer signs in at the server itself from the LAN, then watches, also from outside', async ({ scenes }) => {
  const scene = await Scene.start(await startJellyfin());
  scenes.push(scene);
  assert.is((await scene.ask(LAN, '/Users/Public')).status, 200);
  assert.is((await scene.signIn(LAN, 'wrong')).status, 401);
  const signedIn = await scene.signIn(LAN, USER.password);
  assert.is(signedIn.status, 200);
  const { AccessToken } = JSON.parse(signedIn.body) as { AccessToken: string };
  for (const client of [LAN, OUTSIDER]) {
    assert.is((await scene.ask(client, '/Users/Me', ...token(AccessToken))).status, 200);
  }
  const authorization = `Authorization: MediaBrowser Client="x", Token="${USER_TOKEN}"`;
  assert.is((await scene.ask(OUTSIDER, '/Items', '-H', authorization)).status, 200);
  assert.is((await scene.ask(OUTSIDER, `/Items?ApiKey=${API_KEY}`)).status, 200, 'an API key is a credential too');
  assert.is(verdict(await scene.ask(OUTSIDER, '/Items', ...token('made-up'))), '401 bad-credentials');
  assert.is(verdict(await scene.ask(OUTSIDER, '/Items', '-H', authorization, ...token('other'))), '400 malformed');
});

test('the sign-in is for the LAN unless the operator opens it, and nothing else is open', async ({ scenes }) => {
  const scene = await Scene.start(await startJellyfin());
  scenes.push(scene);
  // The gateway has questions of its own.
  const reachedCount = () => scene.server.requests.filter(isForwarded).length;
  const reached = reachedCount();
  assert.is(verdict(await scene.signIn(OUTSIDER, USER.password)), '401 no-credentials');
  for (const path of ['/Items', '/System/Info', '/Users', '/socket', '/Startup/User', '/videos/1/stream.mkv', '/a/b']) {
    for (const client of [LAN, OUTSIDER]) assert.is((await scene.ask(client, path)).status, 401, path);
  }
  assert.is((await scene.ask(LAN, '/Users/AuthenticateByName/../../System/Configuration', '-d', '{}')).status, 401);
  assert.is(reachedCount(), reached);
  await scene.reload('sign_in_networks = "any"\n');
  assert.is((await scene.signIn(OUTSIDER, USER.password)).status, 200);
});

test('guessing passwords runs dry, also when all are sent at once', async ({ scenes }) => {
  const scene = await Scene.start(await startJellyfin());
  scenes.push(scene);
  assert.is((await scene.ask(LAN, '/Users/Me', ...token(USER_TOKEN))).status, 200);
  const answers = await Promise.all(Array.from({ length: 24 }, (_, index) => scene.signIn(LAN, `guess-${index}`)));
  assert.is(answers.filter(({ status }) => status === 401).length, 10);
  assert.is(answers.filter((answer) => verdict(answer) === '429 throttled').length, 14);
  assert.is(verdict(await scene.signIn(LAN, USER.password)), '429 throttled');
  assert.is((await scene.signIn('192.168.7.51', USER.password)).status, 200);
  assert.is((await scene.ask(LAN, '/Users/Me', ...token(USER_TOKEN))).status, 200, 'who is in stays in');
});

test('posters and subtitles need no token where one was valid lately; films always do', async ({ scenes }) => {
  const scene = await Scene.start(await startJellyfin());
  scenes.push(scene);
  assert.is(verdict(await scene.ask(OUTSIDER, POSTER)), '401 no-credentials');
  assert.is((await scene.ask(OUTSIDER, '/Users/Me', ...token(USER_TOKEN))).status, 200);
  for (const path of [
    POSTER,
    '/Videos/1/2/Subtitles/3/0/Stream.vtt',
    '/videos/1/hls1/main/0.ts',
    '/Audio/1/hls/a.ts',
  ]) {
    assert.is((await scene.ask(OUTSIDER, path)).status, 200, path);
    assert.is((await scene.ask('203.0.113.10', path)).status, 401, path);
  }
  for (const path of ['/Videos/1/stream.mkv', '/Audio/1/stream', '/Items/1234', '/Items/1234/Images/../../../Users']) {
    assert.is((await scene.ask(OUTSIDER, path)).status, 401, path);
  }
  assert.is((await scene.ask(OUTSIDER, POSTER, '-X', 'DELETE')).status, 401);
  assert.is((await scene.ask(OUTSIDER, POSTER, ...token('stale'))).status, 401, 'a bad token is no token');
});

test('who is on the list reaches the server’s own sign-in with nothing added', async ({ scenes }) => {
  const scene = await Scene.start(await startJellyfin(), `allowed_networks = "${OUTSIDER}"\n`);
  scenes.push(scene);
  assert.is((await scene.signIn(OUTSIDER, USER.password)).status, 200);
  assert.is((await scene.ask(OUTSIDER, `/Items?ApiKey=stale&a=b`, ...token('stale'))).status, 401);
  const seen = scene.server.requests.findLast(isForwarded);
  assert.is(seen?.url, '/Items?a=b');
  assert.equal(seen?.values('x-emby-token'), []);
  assert.is(verdict(await scene.ask(OUTSIDER, '/Startup/User', '-d', '{}')), '403 not-permitted');
  const check = new Installation(`${tomlFor(scene.server, '')}[server.x]\n`);
  check.configure(tomlFor(scene.server, '').replace('[server]', '[server]\ntoken = "key"'));
  const outcome = await check.command(['check']);
  await check.remove();
  assert.is(outcome.status, 1);
  assert.match(outcome.stderr, /server\.token.*plex only/);
});

test('while its wizard is open, nobody comes near it', async ({ scenes }) => {
  const server = await startJellyfin({ wizardCompleted: false });
  const scene = await Scene.start(server, `allowed_networks = "${LAN}"\nrequire_claimed = false\n`, 'unclaimed');
  scenes.push(scene);
  const reached = server.requests.filter(isForwarded).length;
  for (const path of ['/Startup/User', '/startup/configuration', '/web/index.html', '/Items', '/']) {
    for (const args of [[], token(USER_TOKEN), ['-d', '{}']]) {
      const answer = await scene.ask(LAN, path, ...args);
      assert.is(verdict(answer), '403 unclaimed', path);
      assert.match(answer.body, /finish its wizard at its own address/);
    }
  }
  assert.match((await scene.ask(LAN, '/System/Info/Public')).body, /"StartupWizardCompleted":false/);
  assert.is(server.requests.filter(isForwarded).length, reached);
  server.wizardCompleted = true;
  await scene.gateway.line((line) => line['state'] === 'claimed', 15_000);
  assert.is((await scene.ask(LAN, '/Items', ...token(USER_TOKEN))).status, 200);
});

test('Emby signs in below its prefix too, and is closed to the world unless the operator vouches for it', async ({
  scenes,
}) => {
  const scene = await Scene.start(await startEmby());
  scenes.push(scene);
  for (const prefix of ['', '/emby']) assert.is((await scene.signIn(LAN, USER.password, prefix)).status, 200);
  assert.is((await scene.ask(OUTSIDER, `/emby/Items?api_key=${USER_TOKEN}`)).status, 200);
  assert.is((await scene.ask(OUTSIDER, `/emby${POSTER}`)).status, 200);
  assert.is((await scene.ask('203.0.113.10', `/emby${POSTER}`)).status, 401);
  const forwarded = scene.server.requests.findLast(isForwarded);
  assert.equal(forwarded?.values('x-forwarded-for'), [OUTSIDER]);
  scene.installation.configure(tomlFor(scene.server, 'sign_in_networks = "any"\n'));
  const refused = await scene.installation.command(['check']);
  assert.is(refused.status, 1);
  assert.match(refused.stderr, /takes everybody for a local user/);
});

test('a server below a base path has the same rules there, whether the URL names it or not', async ({ scenes }) => {
  const server = await startJellyfin({ basePath: '/films' });
  const scene = await Scene.start(server);
  scenes.push(scene);
  for (const url of [server.url, `${server.url}/films`]) {
    scene.installation.configure(tomlFor(server, '').replace(`url = "${server.url}"`, `url = "${url}"`));
    assert.is((await scene.installation.command(['reload'])).status, 0);
    assert.is((await scene.signIn(LAN, USER.password, '/films')).status, 200, url);
    assert.is((await scene.ask(OUTSIDER, '/films/Items', ...token(USER_TOKEN))).status, 200);
    assert.is((await scene.ask(OUTSIDER, `/films${POSTER}`)).status, 200);
    assert.is((await scene.ask(LAN, '/films/Startup/User')).status, 401);
    const home = await scene.ask(LAN, '/', '-H', 'Accept: text/html');
    assert.is(home.headers['location'], '/films/web/index.html');
  }
});

test.run();
