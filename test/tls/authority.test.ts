/** The private CA: certificates that strict clients accept, a root that stays, leaves that follow addresses and time. */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type Server } from 'node:tls';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GatewayError } from '../../src/lib/errors.ts';
import { StateFolder } from '../../src/lib/state-folder.ts';
import { Authority } from '../../src/tls/authority.ts';
import { AuthoritySource } from '../../src/tls/authority-source.ts';
import { alternativeNames } from '../../src/tls/certificate-facts.ts';
import { keyIdentifier, writeCertificate } from '../../src/tls/certificate-writer.ts';
import { renderMobileconfig } from '../../src/tls/mobileconfig.ts';

const run = promisify(execFile);
const DAY_MS = 24 * 60 * 60 * 1000;

interface Context {
  folder: string;
  state: StateFolder;
}

const test = suite<Context>('authority');

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'lockgate-authority-'));
  context.state = new StateFolder(join(context.folder, 'state'));
});
test.after.each(async ({ folder }) => {
  await rm(folder, { recursive: true });
});

interface HomeOptions {
  names?: readonly string[];
  addresses?: readonly string[];
  now?: () => Date;
}

/** The source of a home with one server at 127.0.0.1. */
function homeSource(
  state: StateFolder,
  { names = ['films.example.org'], addresses = ['127.0.0.1', 'fd00::5'], now }: HomeOptions = {},
) {
  return new AuthoritySource({
    state,
    names,
    hostName: 'Nas.fritz.box',
    addresses: () => addresses,
    ...(now && { now }),
  });
}

/** What `openssl verify` says of a leaf. */
async function verify(folder: string, rootPem: string, leafPem: string, ...flags: string[]): Promise<string> {
  const [root, leaf] = [join(folder, 'root.pem'), join(folder, 'leaf.pem')];
  await writeFile(root, rootPem);
  await writeFile(leaf, leafPem);
  const outcome = await run('openssl', [
    'verify',
    '-x509_strict',
    '-purpose',
    'sslserver',
    ...flags,
    '-CAfile',
    root,
    leaf,
  ]).catch((error: { stdout: string; stderr: string }) => error);
  return outcome.stdout + outcome.stderr;
}

test('openssl accepts root and leaf with -x509_strict, for addresses, names and names that spell addresses', async ({
  state,
  folder,
}) => {
  const { chain } = await homeSource(state).load();
  const authority = await Authority.open({ state, names: [] });
  for (const flags of [
    ['-verify_ip', '127.0.0.1'],
    ['-verify_ip', 'fd00::5'],
    ['-verify_hostname', 'films.example.org'],
    ['-verify_hostname', 'nas.local'],
    ['-verify_hostname', `192-168-1-10.${authority.zone}`],
  ]) {
    assert.match(
      await verify(folder, authority.certificatePem, chain.certificatePem, ...flags),
      /: OK\n$/,
      flags.join(' '),
    );
  }
  assert.match(
    await verify(folder, authority.certificatePem, chain.certificatePem, '-verify_ip', '192.168.1.1'),
    'mismatch',
  );
});

test('curl and node accept a server with the leaf once they have the root', async ({ state, folder }) => {
  const { chain } = await homeSource(state).load();
  const { certificatePem, zone } = await Authority.open({ state, names: [] });
  const server: Server = createServer({ cert: chain.certificatePem, key: chain.keyPem }, (socket) => {
    socket.on('error', () => {});
    socket.end('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const root = join(folder, 'ca.pem');
  await writeFile(root, certificatePem);
  const name = `127-0-0-1.${zone}`;
  for (const url of [`https://127.0.0.1:${port}/`, `https://${name}:${port}/`]) {
    const resolve = ['--resolve', `${name}:${port}:127.0.0.1`];
    assert.is((await run('curl', ['-sS', '--noproxy', '*', '--cacert', root, ...resolve, url])).stdout, 'ok', url);
  }
  const client = connect({ port, host: '127.0.0.1', ca: certificatePem });
  await once(client, 'secureConnect');
  assert.ok(client.authorized);
  client.destroy();
  server.close();
});

test('a leaf outside the name constraints is refused by openssl even though the root signed it', async ({
  state,
  folder,
}) => {
  const authority = await Authority.open({ state, names: ['films.example.org'] });
  const pem = await readFile(join(state.path, 'ca', 'root.pem'), 'utf8');
  const { createPrivateKey, generateKeyPairSync } = await import('node:crypto');
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const forged = async (names: readonly string[], addresses: readonly string[]) => {
    const leaf = await writeCertificate({
      commonName: 'forged',
      publicKey: pair.publicKey,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + DAY_MS),
      signer: { certificate: new X509Certificate(authority.certificatePem), key: createPrivateKey(pem) },
      use: { kind: 'server', names, addresses },
    });
    return verify(folder, authority.certificatePem, leaf.toString());
  };
  assert.match(await forged(['films.example.org'], ['10.1.2.3']), ': OK');
  assert.match(await forged(['bank.example.com'], []), 'permitted subtree violation');
  assert.match(await forged([], ['8.8.8.8']), 'permitted subtree violation');
  assert.match(await forged([], ['2001:4860:4860::8888']), 'permitted subtree violation');
});

test('root and keys are private files, and the root stays the same over restarts', async ({ state }) => {
  await homeSource(state).load();
  const first = await readFile(join(state.path, 'ca', 'root.pem'), 'utf8');
  for (const name of await readdir(join(state.path, 'ca'))) {
    assert.is((await stat(join(state.path, 'ca', name))).mode & 0o777, 0o600, name);
  }
  await homeSource(state, { names: [], addresses: ['192.168.7.7'] }).load();
  assert.is(await readFile(join(state.path, 'ca', 'root.pem'), 'utf8'), first);
});

test('the same addresses give the same leaf; other addresses or names a new one', async ({ state }) => {
  const one = await homeSource(state).load();
  const same = await homeSource(state, { addresses: ['fd00::5', '127.0.0.1'] }).load();
  assert.is(same.chain.certificatePem, one.chain.certificatePem);
  const moved = await homeSource(state, { addresses: ['192.168.1.20'] }).load();
  assert.equal(alternativeNames(moved.chain.leaf.subjectAltName).addresses, ['192.168.1.20']);
  const named = await homeSource(state, { addresses: ['192.168.1.20'], names: [] }).load();
  assert.not(alternativeNames(named.chain.leaf.subjectAltName).names.includes('films.example.org'));
});

test('one running source issues a new leaf when the addresses change under it', async ({ state }) => {
  let addresses = ['192.168.1.20'];
  const source = new AuthoritySource({ state, names: [], hostName: 'nas', addresses: () => addresses });
  await source.load();
  addresses = ['192.168.1.21'];
  assert.equal(alternativeNames((await source.load()).chain.leaf.subjectAltName).addresses, ['192.168.1.21']);
});

test('a leaf lives 397 days and is renewed a month before; the root lives ten years', async ({ state }) => {
  const start = new Date('2027-01-01T00:00:00Z');
  const at = (days: number) => homeSource(state, { now: () => new Date(start.getTime() + days * DAY_MS) }).load();
  const first = (await at(0)).chain.leaf;
  assert.is((first.validToDate.getTime() - first.validFromDate.getTime()) / DAY_MS, 397);
  assert.is(first.validFromDate.getTime(), start.getTime() - DAY_MS);
  assert.is((await at(360)).chain.leaf.fingerprint256, first.fingerprint256);
  const second = (await at(370)).chain.leaf;
  assert.is.not(second.fingerprint256, first.fingerprint256);
  const root = new X509Certificate((await Authority.open({ state, names: [], now: () => start })).certificatePem);
  assert.is(root.validToDate.getUTCFullYear(), 2036);
});

test('a root that has expired is replaced', async ({ state }) => {
  const old = await Authority.open({ state, names: [], now: () => new Date('2026-06-01T00:00:00Z') });
  const later = () => new Date('2040-01-01T00:00:00Z');
  assert.is(await Authority.existing(state, later), undefined);
  assert.is.not((await Authority.open({ state, names: [], now: later })).certificatePem, old.certificatePem);
});

test('a machine whose clock says 1970 still makes certificates that are valid once it is set', async ({ state }) => {
  const { chain } = await homeSource(state, { now: () => new Date(0) }).load();
  assert.ok(chain.leaf.validFromDate > new Date('2025-12-01T00:00:00Z'));
  const root = new X509Certificate((await Authority.open({ state, names: [] })).certificatePem);
  assert.ok(root.validToDate > new Date('2035-01-01T00:00:00Z'));
});

test('public addresses are left out; a name that came after the root is named with the remedy', async ({ state }) => {
  const loaded = await homeSource(state, { addresses: ['192.168.1.2', '2001:db8::1', '8.8.8.8'] }).load();
  assert.equal(alternativeNames(loaded.chain.leaf.subjectAltName).addresses, ['192.168.1.2']);
  assert.is((loaded as { fault?: GatewayError }).fault, undefined);
  const more = await homeSource(state, { names: ['films.example.org', 'Music.example.net'] }).load();
  assert.match(more.fault?.sentence ?? '', /"Music\.example\.net" and may not vouch for it \(remove ".*ca"/);
  assert.not(alternativeNames(more.chain.leaf.subjectAltName).names.includes('music.example.net'));
});

test('a name that another source is to bring is no fault of the private CA', async ({ state }) => {
  await homeSource(state).load();
  const names = ['films.example.org', 'music.example.net', 'late.lan.example'];
  const source = new AuthoritySource({
    state,
    names,
    namesOfOthers: ['music.example.net'],
    hostName: 'nas',
    addresses: () => ['127.0.0.1'],
  });
  const sentence = (await source.load()).fault?.sentence ?? '';
  assert.match(sentence, 'late.lan.example');
  assert.not.match(sentence, 'music.example.net');
});

test('a damaged root is reported, never replaced in silence', async ({ state }) => {
  await homeSource(state).load();
  const path = join(state.path, 'ca', 'root.pem');
  const text = await readFile(path, 'utf8');
  for (const damaged of ['', text.slice(0, 300), text.replace('MII', 'XXX')]) {
    await writeFile(path, damaged);
    const error = await homeSource(state)
      .load()
      .then(
        () => assert.unreachable(),
        (fault: unknown) => fault,
      );
    assert.instance(error, GatewayError);
    assert.is(await readFile(path, 'utf8'), damaged);
  }
});

test('a damaged leaf is simply issued again', async ({ state }) => {
  await homeSource(state).load();
  await writeFile(join(state.path, 'ca', 'leaf.pem'), 'half a fi');
  assert.ok((await homeSource(state).load()).chain.leaf);
});

test('before it is needed there is no authority and no file', async ({ state }) => {
  assert.is(await Authority.existing(state), undefined);
  assert.equal(await readdir(state.path).catch(() => []), []);
});

test('the zone is sixteen hex digits of the key under lockgate.home.arpa, and the leaf covers it', async ({
  state,
}) => {
  const authority = await Authority.open({ state, names: [] });
  assert.match(authority.zone, /^[0-9a-f]{16}\.lockgate\.home\.arpa$/);
  const { publicKey } = new X509Certificate(authority.certificatePem);
  assert.ok(authority.zone.startsWith(keyIdentifier(publicKey).toString('hex').slice(0, 16)));
  assert.equal(alternativeNames((await homeSource(state).load()).chain.leaf.subjectAltName).zones, [authority.zone]);
});

test('serial numbers are long, positive and never repeat', async ({ state }) => {
  const serials = new Set<string>();
  for (let round = 0; round < 20; round++) {
    const { chain } = await homeSource(state, { addresses: [`192.168.1.${round}`] }).load();
    assert.match(chain.leaf.serialNumber, /^[0-7][0-9A-F]{31}$/);
    serials.add(chain.leaf.serialNumber);
  }
  assert.is(serials.size, 20);
});

test('the Apple profile holds the root and is the same each time', async ({ state }) => {
  const { certificatePem, mobileconfig: profile } = await Authority.open({ state, names: [] });
  const der = /<data>([^<]+)<\/data>/.exec(profile)?.[1] ?? '';
  assert.is(
    new X509Certificate(Buffer.from(der, 'base64')).fingerprint256,
    new X509Certificate(certificatePem).fingerprint256,
  );
  assert.match(profile, /<key>PayloadUUID<\/key><string>[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}<\/string>/);
  assert.is(renderMobileconfig(certificatePem), profile);
});

test.run();
