/** The names of the certificate in a home with two networks: the built program on a machine in both, the media server in one of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  makeCertificate,
  makePkcs12,
  makePlexCertificate,
  PLEX_PROCESSED_IDENTIFIER,
  PLEX_ZONE,
  plexPreferencesXml,
  type TestCertificate,
} from '../support/certificates.ts';
import { end, said } from '../support/home-network.ts';
import { inNamespaces, makeNamespace, type Namespace } from '../support/netns.ts';
import { Installation, RunningProgram } from '../support/program.ts';

const PROGRAM = join(import.meta.dirname, '../../build/lockgate');
const GATEWAY = '192.168.1.5';
const SECOND_GATEWAY = '10.7.0.5';
const SERVER = '192.168.1.10';
const PUBLIC_ADDRESS = '9.0.0.2';
const FOLLOWS_WITHIN_MS = 30_000;

/** A datagram with source port 0: UDP header by hand, IPv4 by the kernel. Arguments: address, question in hex. */
const SEND_FROM_PORT_0 = `import socket, struct, sys
message = bytes.fromhex(sys.argv[2])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
raw.sendto(struct.pack('!HHHH', 0, 53, 8 + len(message), 0) + message, (sys.argv[1], 0))`;

interface DnsStatus {
  readonly zones: readonly { zone: string; leadsTo: string; because: string }[];
  readonly counters: Readonly<Record<string, number>>;
}

/** The gateway on two networks; the server and its neighbours on the first, others on the second. */
class TwoNetworks {
  readonly installation = new Installation();
  readonly certificate = makePlexCertificate({ key: 'ec' });
  readonly gateway: Namespace;
  readonly first: Namespace;
  readonly second: Namespace;
  #server: ReturnType<Namespace['start']> | undefined;
  #program: RunningProgram | undefined;

  static async make(): Promise<TwoNetworks> {
    return new TwoNetworks(await makeNamespace(), await makeNamespace(), await makeNamespace());
  }

  private constructor(gateway: Namespace, first: Namespace, second: Namespace) {
    [this.gateway, this.first, this.second] = [gateway, first, second];
    gateway.connect('lan0', first, 'lan0');
    gateway.connect('lan1', second, 'lan0');
    gateway.ip(`addr add ${GATEWAY}/24 dev lan0`, `addr add ${SECOND_GATEWAY}/24 dev lan1`);
    first.ip(`addr add ${SERVER}/24 dev lan0`, `route add default via ${GATEWAY}`);
    second.ip('addr add 10.7.0.20/24 dev lan0');
  }

  async stopServer(): Promise<void> {
    if (this.#server !== undefined) await end(this.#server);
  }

  /** Starts the media server with this certificate. */
  async startServer(certificate: TestCertificate): Promise<void> {
    const { folder } = this.installation;
    writeFileSync(join(folder, 'key.pem'), certificate.keyPem);
    writeFileSync(join(folder, 'chain.pem'), certificate.certificatePem + certificate.chainPem);
    const script = ['test/support/plex-in-namespace.ts', SERVER, folder, PLEX_PROCESSED_IDENTIFIER];
    this.#server = this.first.start(process.execPath, ...script);
    await said(this.#server, /ready/);
  }

  /** The server's data folder, as a share of it: with it comes the private key. */
  makeDataFolder(): string {
    const folder = join(this.installation.folder, 'Plex Media Server');
    mkdirSync(join(folder, 'Cache'), { recursive: true });
    const outside = { ManualPortMappingMode: '1', ManualPortMappingPort: '32400' };
    writeFileSync(join(folder, 'Preferences.xml'), plexPreferencesXml(outside));
    writeFileSync(join(folder, 'Cache', 'cert-v2.p12'), makePkcs12(this.certificate));
    return folder;
  }

  /** `server`, `listen` and `dns`: further lines of these sections. */
  configure({ server = '', listen = '', dns = '' } = {}): void {
    this.installation.configure(`
[server]
kind = "plex"
url = "http://${SERVER}:32400"
${server}
[listen]
${listen}
[dns]
listen = ["127.0.0.1:53", "0.0.0.0:53"]
${dns}
[remote]
public_address = "${PUBLIC_ADDRESS}"
`);
  }

  async run(): Promise<RunningProgram> {
    const program = new RunningProgram(this.gateway.start('env', ...this.#environment, PROGRAM, 'run'));
    this.#program = program;
    await program.line((line) => line['event'] === 'ready');
    return program;
  }

  command(...argv: string[]): string {
    return this.gateway.run('env', ...this.#environment, PROGRAM, ...argv);
  }

  status(): DnsStatus {
    // It ends with 1 while anything is at fault, of which this wants to know nothing.
    const run = ['sh', '-c', '"$0" status --json || true', PROGRAM];
    return (JSON.parse(this.gateway.run('env', ...this.#environment, ...run)) as { dns: DnsStatus }).dns;
  }

  /** The addresses that `dig` gets there for a name of the zone. */
  dig(from: Namespace, resolver: string, label: string): string {
    return from.run('dig', `@${resolver}`, '+short', '+time=5', '+tries=2', `${label}.${PLEX_ZONE}`).trim();
  }

  async close(): Promise<void> {
    await this.#program?.kill();
    await this.stopServer();
    for (const namespace of [this.gateway, this.first, this.second]) await namespace.close();
    await this.installation.remove();
  }

  get #environment(): string[] {
    const { configPath, stateDir } = this.installation;
    return [`LOCKGATE_CONFIG=${configPath}`, `LOCKGATE_STATE=${stateDir}`];
  }
}

/** Asks until it is so; the answer that it was not, otherwise. */
async function eventually(look: () => string, wanted: string): Promise<void> {
  const deadline = performance.now() + FOLLOWS_WITHIN_MS;
  let seen = '';
  while (performance.now() < deadline) {
    try {
      seen = look();
    } catch (error) {
      seen = String(error);
    }
    if (seen === wanted) return;
    await wait(200);
  }
  assert.is(seen, wanted);
}

const test = suite('names in a home with two networks');
const it = inNamespaces(test);
let home: TwoNetworks;
const label = (address: string) => address.replaceAll('.', '-');

test.before.each(async () => {
  home = await TwoNetworks.make();
  await home.startServer(home.certificate);
});
test.after.each(() => home.close());

it('without the private key the zone is known and names are literal; with key and port they lead to the gateway', async () => {
  home.configure();
  await home.run();
  await eventually(() => home.dig(home.first, GATEWAY, label(SERVER)), SERVER);
  assert.match(home.command('check'), new RegExp(`dns.answer +names of ${PLEX_ZONE} lead to the addresses`));
  assert.match(home.command('status'), /dns +names of .* \(the gateway does not hold the certificate of this zone\)/);

  const server = `data_dir = ${JSON.stringify(home.makeDataFolder())}`;
  home.configure({ server, listen: 'port = 32400', dns: 'allow_clients = "192.168.1.0/24, 10.7.0.0/24, loopback"' });
  home.command('reload');
  await eventually(() => home.dig(home.first, GATEWAY, label(SERVER)), GATEWAY);
  assert.is(home.dig(home.second, SECOND_GATEWAY, label(SERVER)), GATEWAY, 'the network of the name decides');
  assert.is(home.dig(home.gateway, '127.0.0.1', label(SERVER)), GATEWAY, 'for a forwarder, too');
  assert.is(home.dig(home.gateway, '127.0.0.1', label(SECOND_GATEWAY)), SECOND_GATEWAY);
  // Here the network of the asker decides.
  await eventually(() => home.dig(home.first, GATEWAY, label(PUBLIC_ADDRESS)), GATEWAY);
  assert.is(home.dig(home.second, SECOND_GATEWAY, label(PUBLIC_ADDRESS)), SECOND_GATEWAY);
  assert.equal(
    home.status().zones.map(({ leadsTo }) => leadsTo),
    ['gateway'],
  );
  assert.match(home.command('status'), /dns +names of .* lead to the gateway \(.+\)\n[\s\S]*^dns: \d+ answered/m);
});

it('names lead to an address on which the gateway listens, not to another one of its own', async () => {
  const server = `data_dir = ${JSON.stringify(home.makeDataFolder())}`;
  const dns = 'allow_clients = "10.7.0.0/24"';
  home.configure({ server, listen: `addresses = ["${GATEWAY}"]\nport = 32400`, dns });
  await home.run();
  await eventually(() => home.dig(home.second, SECOND_GATEWAY, label(PUBLIC_ADDRESS)), GATEWAY);
});

it('answers follow the address of the gateway, and the zone follows the server', async () => {
  const server = `data_dir = ${JSON.stringify(home.makeDataFolder())}`;
  home.configure({ server, listen: 'port = 32400' });
  const program = await home.run();
  home.gateway.ip(`addr del ${GATEWAY}/24 dev lan0`, 'addr add 192.168.1.6/24 dev lan0');
  await eventually(() => home.dig(home.first, '192.168.1.6', label(SERVER)), '192.168.1.6');

  home.configure();
  home.command('reload');
  const zone = `${'fedcba9876543210'.repeat(2)}.plex.direct`;
  await home.stopServer();
  // Down, or not found yet where the reload had not met it before.
  await program.line((line) => line['state'] === 'unknown', FOLLOWS_WITHIN_MS);
  await home.startServer(makeCertificate({ names: [`*.${zone}`] }));
  await eventually(() => home.status().zones[0]?.zone ?? '', zone);
});

it('upstreams to which there is no way end nothing but their questions', async () => {
  home.configure({ dns: 'upstreams = ["203.0.113.1", "[2001:db8::1]:53"]' });
  const program = await home.run();
  assert.match(home.gateway.run('dig', '@127.0.0.1', '+time=10', '+tries=1', 'www.example.org'), /status: SERVFAIL/);
  await eventually(() => home.dig(home.first, GATEWAY, label(SERVER)), SERVER);
  assert.match(home.command('status'), /dns upstream 203\.0\.113\.1: .*ENETUNREACH/);
  program.signal('SIGTERM');
  assert.is(await program.ended(), 0);
});

it('a question from port 0 gets silence, one from a foreign network REFUSED', async () => {
  home.configure();
  await home.run();
  const question = '123401000001000000000000076578616d706c65036f72670000010001';
  home.first.run('python3', '-c', SEND_FROM_PORT_0, GATEWAY, question);
  await eventually(() => String(home.status().counters['dropped']), '1');
  const refused = home.second.run('dig', `@${SECOND_GATEWAY}`, '+noedns', '+time=5', `${label(SERVER)}.${PLEX_ZONE}`);
  assert.match(refused, /status: REFUSED[\s\S]*ANSWER: 0/);
  assert.is(home.dig(home.gateway, SECOND_GATEWAY, label(SERVER)), SERVER, 'this host may ask at any of its addresses');
});

test.run();
