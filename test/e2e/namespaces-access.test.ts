/** Who is where, on real interfaces: the LAN, a guest network, the Internet, a router that masquerades, a container's bridge, and a lease that moves. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  makePkcs12,
  makePlexCertificate,
  PLEX_PROCESSED_IDENTIFIER,
  PLEX_ZONE,
  plexPreferencesXml,
} from '../support/certificates.ts';
import { end, said } from '../support/home-network.ts';
import { inNamespaces, makeNamespace, type Namespace } from '../support/netns.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { Installation, type LogLine, RunningProgram } from '../support/program.ts';

const PROGRAM = join(import.meta.dirname, '../../build/lockgate');
const PORT = 32443;
const GATEWAY = '192.168.7.2';
const ROUTER = '192.168.7.1';
const SERVER = '192.168.7.20';
const TELEVISION = '192.168.7.50';
const GUEST = '192.168.8.50';
const GUEST_TELEVISION = '192.168.8.77';
const PUBLIC = '9.0.0.2';
const STRANGER = '9.9.9.9';
const CONTAINER = '172.17.0.2';
const BRIDGE = '172.17.0.1';
const TOKEN = `X-Plex-Token: ${OWNER_TOKEN}`;
const FOLLOWS_WITHIN_MS = 15_000;

/** What the router does with a connection from outside to the published port. */
const FORWARD_PORT = `table ip home {
  chain prerouting { type nat hook prerouting priority -100; iifname "wan" tcp dport ${PORT} dnat to ${GATEWAY}; }
  chain postrouting { type nat hook postrouting priority 100; oifname "wan" masquerade; }
}`;
const MASQUERADE_INWARDS = `table ip hiding {
  chain postrouting { type nat hook postrouting priority 90; oifname "lan" ip saddr != 192.168.7.0/24 masquerade; }
}`;
/** As a container engine publishes a port: `userland` hides the client behind the bridge. */
const PUBLISH = `table ip engine {
  chain prerouting { type nat hook prerouting priority -100; tcp dport ${PORT} dnat to ${CONTAINER}; }
  chain postrouting { type nat hook postrouting priority 100; oifname "lan0" masquerade; }
}`;
const PUBLISH_HIDING = `table ip userland {
  chain postrouting { type nat hook postrouting priority 90; oifname "docker0" masquerade; }
}`;

/** A home behind a router, with a guest network beside the LAN and a stranger outside. */
class Neighbourhood {
  readonly installation = new Installation();
  readonly all: Namespace[] = [];
  readonly host: Namespace;
  readonly router: Namespace;
  /** The machine of the media server, which is a client too. */
  readonly neighbour: Namespace;
  readonly guest: Namespace;
  readonly stranger: Namespace;
  program!: RunningProgram;
  #server: ReturnType<Namespace['start']> | undefined;
  #where: Namespace;

  static async make(): Promise<Neighbourhood> {
    const made: Namespace[] = [];
    for (let index = 0; index < 5; index += 1) made.push(await makeNamespace());
    const [host, router, neighbour, guest, stranger] = made as [Namespace, Namespace, Namespace, Namespace, Namespace];
    const home = new Neighbourhood(host, router, neighbour, guest, stranger);
    await home.#startServer();
    return home;
  }

  private constructor(host: Namespace, router: Namespace, neighbour: Namespace, guest: Namespace, stranger: Namespace) {
    [this.host, this.router, this.neighbour, this.guest, this.stranger] = [host, router, neighbour, guest, stranger];
    this.all.push(host, router, neighbour, guest, stranger);
    this.#where = host;
    router.ip('link add lan type bridge', 'link set lan up', `addr add ${ROUTER}/24 dev lan`);
    router.ip('-6 addr add fd00:7::1/64 dev lan nodad');
    for (const [machine, port] of [
      [host, 'port2'],
      [neighbour, 'port20'],
    ] as const) {
      machine.connect('lan0', router, port);
      router.ip(`link set ${port} master lan`);
    }
    host.ip(`addr add ${GATEWAY}/24 dev lan0`, `route add default via ${ROUTER}`);
    host.ip('-6 addr add fd00:7::2/64 dev lan0 nodad', '-6 route add default via fd00:7::1');
    neighbour.ip(
      `addr add ${SERVER}/24 dev lan0`,
      `addr add ${TELEVISION}/24 dev lan0`,
      `route add default via ${ROUTER}`,
    );
    neighbour.ip('-6 addr add fd00:7::50/64 dev lan0 nodad');
    guest.connect('guest0', router, 'guests');
    router.ip('addr add 192.168.8.1/24 dev guests', '-6 addr add fd00:8::1/64 dev guests nodad');
    guest.ip(
      `addr add ${GUEST}/24 dev guest0`,
      `addr add ${GUEST_TELEVISION}/24 dev guest0`,
      'route add default via 192.168.8.1',
    );
    guest.ip('-6 addr add fd00:8::50/64 dev guest0 nodad', '-6 route add default via fd00:8::1');
    router.connect('wan', stranger, 'wan');
    router.ip(`addr add ${PUBLIC}/24 dev wan`, 'route add default via 9.0.0.1');
    stranger.ip('addr add 9.0.0.1/24 dev wan', `addr add ${STRANGER}/32 dev lo`);
    router.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
    this.rules(router, FORWARD_PORT);
  }

  rules(machine: Namespace, text: string): void {
    const file = join(this.installation.folder, 'rules.nft');
    writeFileSync(file, text);
    machine.run('nft', '-f', file);
  }

  configure(access: string, more = ''): void {
    this.installation.configure(`
[server]
url = "http://${SERVER}:32400"
data_dir = "${this.#dataDir}"
token = "${OWNER_TOKEN}"
[listen]
port = ${PORT}
${more}
[dns]
enabled = false
[log]
access = "all"
[access]
${access}
`);
  }

  async run(where: Namespace = this.host): Promise<void> {
    this.#where = where;
    this.program = new RunningProgram(where.start('env', ...this.#environment, PROGRAM, 'run'));
    await this.program.line((line) => line['event'] === 'ready', 15_000);
    await this.program.line((line) => line['state'] === 'claimed');
  }

  command(...argv: string[]): string {
    return this.#where.run('env', ...this.#environment, PROGRAM, ...argv);
  }

  reload(access: string, more = ''): void {
    this.configure(access, more);
    this.command('reload');
  }

  async stop(): Promise<void> {
    await this.program.kill();
  }

  async close(): Promise<void> {
    await this.program.kill();
    if (this.#server !== undefined) await end(this.#server);
    for (const namespace of this.all) await namespace.close();
    await this.installation.remove();
  }

  get #dataDir(): string {
    return join(this.installation.folder, 'Plex Media Server');
  }

  get #environment(): string[] {
    const { configPath, stateDir } = this.installation;
    return [`LOCKGATE_CONFIG=${configPath}`, `LOCKGATE_STATE=${stateDir}`];
  }

  async #startServer(): Promise<void> {
    const { folder } = this.installation;
    const certificate = makePlexCertificate({ key: 'ec' });
    writeFileSync(join(folder, 'key.pem'), certificate.keyPem);
    writeFileSync(join(folder, 'chain.pem'), certificate.certificatePem + certificate.chainPem);
    mkdirSync(join(this.#dataDir, 'Cache'), { recursive: true });
    writeFileSync(join(this.#dataDir, 'Preferences.xml'), plexPreferencesXml());
    writeFileSync(join(this.#dataDir, 'Cache', 'cert-v2.p12'), makePkcs12(certificate));
    const script = ['test/support/plex-in-namespace.ts', SERVER, folder, PLEX_PROCESSED_IDENTIFIER];
    this.#server = this.neighbour.start(process.execPath, ...script);
    await said(this.#server, /ready/);
  }
}

interface Asking {
  readonly from?: string;
  readonly to?: string;
  readonly path?: string;
  readonly args?: readonly string[];
}

/** `status reason` as curl on that machine sees it. */
function ask(machine: Namespace, { from, to = GATEWAY, path = '/library/sections', args = [] }: Asking = {}): string {
  const host = to.includes(':') ? `[${to}]` : to;
  const sender = from === undefined ? [] : ['--interface', from];
  const format = '%{http_code} %header{x-lockgate-reason}';
  const url = `http://${host}:${PORT}${path}`;
  return machine.run('curl', '-s', '-o', '/dev/null', '-w', format, '--max-time', '8', ...sender, ...args, url).trim();
}

const test = suite('networks of a home');
const inHome = inNamespaces(test);
const isPossible = inHome === test;
let home: Neighbourhood;

test.before(async () => {
  if (isPossible) home = await Neighbourhood.make();
});
test.after(async () => {
  if (isPossible) await home.close();
});

inHome('the LAN is found, and it alone is the LAN', async () => {
  home.configure('allowed_networks = "lan"');
  await home.run();
  const ready = await home.program.line((line) => line['event'] === 'ready');
  assert.equal((ready['lan'] as string[]).toSorted(), ['192.168.7.0/24', 'fd00:7::/64']);
  assert.is(ask(home.neighbour, { from: TELEVISION }), '200');
  assert.is(ask(home.neighbour, { to: 'fd00:7::2' }), '200');
  assert.is(ask(home.guest), '401 no-credentials');
  assert.is(ask(home.guest, { to: 'fd00:7::2' }), '401 no-credentials');
  assert.is(ask(home.stranger, { from: STRANGER, to: PUBLIC }), '401 no-credentials');
  assert.is(ask(home.stranger, { from: STRANGER, to: PUBLIC, args: ['-H', TOKEN] }), '200');
  assert.is(ask(home.host, { to: '127.0.0.1' }), '401 no-credentials', 'this machine is not the LAN');
});

inHome('each is known by the address of its own, and the pages of the household are for the household', async () => {
  for (const [machine, client] of [
    [home.neighbour, TELEVISION],
    [home.guest, GUEST],
    [home.stranger, STRANGER],
  ] as const) {
    const to = machine === home.stranger ? PUBLIC : GATEWAY;
    ask(machine, { from: client, to, path: `/hubs/${client}` });
    const line = await home.program.line((candidate: LogLine) => candidate['path'] === `/hubs/${client}`);
    assert.is(line['client'], client);
  }
  assert.is(ask(home.neighbour, { path: '/.lockgate/' }), '200');
  assert.is(ask(home.guest, { path: '/.lockgate/' }), '401 no-credentials');
  assert.is(ask(home.guest, { path: '/.lockgate/setup' }), '403 not-permitted');
  assert.is(ask(home.stranger, { from: STRANGER, to: PUBLIC, path: '/.lockgate/metrics' }), '403 not-permitted');
});

inHome('one television of the guests is let in by its lease, and nobody beside it', async () => {
  home.reload(`allowed_networks = "${GUEST_TELEVISION}"`);
  assert.is(ask(home.guest, { from: GUEST_TELEVISION }), '200');
  assert.is(ask(home.guest, { from: GUEST }), '401 no-credentials');
  assert.is(ask(home.neighbour), '401 no-credentials');
  assert.is(ask(home.guest, { from: GUEST_TELEVISION, path: '/.lockgate/setup' }), '403 not-permitted', 'it is no LAN');
});

inHome('required TLS leads from an address to the secure name of that address', async () => {
  home.reload('allowed_networks = "lan"', 'secure_connections = "required"');
  const location = home.neighbour.run(
    'curl',
    '-s',
    '-o',
    '/dev/null',
    '-w',
    '%{redirect_url}',
    `http://${GATEWAY}:${PORT}/hubs`,
  );
  assert.is(location, `https://192-168-7-2.${PLEX_ZONE}:${PORT}/hubs`);
  assert.is(ask(home.neighbour, { args: ['-X', 'POST'] }), '403 plain-http');
});

inHome('a router that hides its clients makes nobody a neighbour', async () => {
  home.reload('allowed_networks = "lan"');
  home.rules(home.router, MASQUERADE_INWARDS);
  for (const [machine, to] of [
    [home.stranger, PUBLIC],
    [home.guest, GATEWAY],
  ] as const) {
    assert.is(ask(machine, { to }), '401 no-credentials');
    assert.is(ask(machine, { to, path: '/.lockgate/signin' }), '403 not-permitted');
  }
  assert.is(ask(home.neighbour), '200', 'neighbours do not come through the router');
  const said = await home.program.line((line) => line['address'] === ROUTER);
  assert.match(String(said['remedy']), /the router 192\.168\.7\.1 hides its clients/);
  assert.match(home.command('explain', '--from', ROUTER), /place +masked/);
  home.reload(`allowed_networks = "${ROUTER}"`);
  assert.is(ask(home.guest), '200', 'listed by itself, its owner knows what comes through it');
  home.router.run('nft', 'delete', 'table', 'ip', 'hiding');
});

inHome('in a container, whom the engine hides behind its bridge is nobody; whom it shows is known', async () => {
  await home.stop();
  const container = await makeNamespace();
  home.all.push(container);
  home.host.ip('link add docker0 type bridge', `addr add ${BRIDGE}/16 dev docker0`, 'link set docker0 up');
  container.connect('eth0', home.host, 'veth0');
  home.host.ip('link set veth0 master docker0');
  container.ip(`addr add ${CONTAINER}/16 dev eth0`, `route add default via ${BRIDGE}`);
  home.host.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
  home.rules(home.host, PUBLISH);
  home.rules(home.host, PUBLISH_HIDING);
  home.configure('allowed_networks = "172.17.0.0/16, 192.168.7.0/24"', `published = "${GATEWAY}:${PORT}"`);
  await home.run(container);
  assert.is(ask(home.neighbour), '401 no-credentials');
  assert.is(ask(home.stranger, { to: PUBLIC }), '401 no-credentials');
  assert.is(ask(home.stranger, { to: PUBLIC, args: ['-H', TOKEN] }), '200');
  await home.program.line((line) => line['address'] === BRIDGE && /hides its clients/.test(String(line['remedy'])));
  home.host.run('nft', 'delete', 'table', 'ip', 'userland');
  assert.is(ask(home.neighbour), '200');
  assert.is(ask(home.stranger, { to: PUBLIC }), '401 no-credentials');
  home.host.run('nft', 'delete', 'table', 'ip', 'engine');
  await home.stop();
});

inHome('a lease that moves takes the LAN with it, and forgives no guesser', async () => {
  home.configure('allowed_networks = "lan"', '[limits]\nauth_failures = 2');
  home.host.ip('link set docker0 down');
  await home.run();
  assert.is(ask(home.neighbour), '200');
  const guess = (token: string) => ask(home.guest, { args: ['-H', `X-Plex-Token: ${token}`] });
  assert.equal(['one', 'two', 'three'].map(guess), ['401 bad-credentials', '401 bad-credentials', '429 throttled']);
  home.host.ip(
    `addr del ${GATEWAY}/24 dev lan0`,
    'addr add 192.168.7.2/28 dev lan0',
    `route add default via ${ROUTER}`,
  );
  const deadline = performance.now() + FOLLOWS_WITHIN_MS;
  // .20 and .50 are outside 192.168.7.0/28: the same machine is a neighbour no more.
  while (performance.now() < deadline && ask(home.neighbour, { from: TELEVISION }) === '200') {
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  assert.is(ask(home.neighbour, { from: TELEVISION }), '401 no-credentials');
  assert.is(guess('four'), '429 throttled');
});

test.run();
