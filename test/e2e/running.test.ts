/** Running it: the demo, signals, users, addresses, certificates from elsewhere, and what the log must not say. */
import '../support/own-network.ts';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makePkcs12, makePlexCertificate, PLEX_PROCESSED_IDENTIFIER } from '../support/certificates.ts';
import { curl } from '../support/curl.ts';
import { OWNER_TOKEN, startPlex } from '../support/plex.ts';
import { Installation, makePlexHome, type PlexHome } from '../support/program.ts';

const test = suite<{ closers: (() => Promise<void>)[] }>('running');
const LISTEN = '[listen]\naddresses = ["127.0.0.1"]\nport = 0\n';
const QUIET = '[dns]\nenabled = false\n';

test.before.each((context) => {
  context.closers = [];
});
test.after.each(async (context) => {
  for (const close of context.closers.reverse()) await close();
});

interface Closing {
  closers: (() => Promise<void>)[];
}

function install(context: Closing, toml = ''): Installation {
  const installation = new Installation(toml);
  context.closers.push(() => installation.remove());
  return installation;
}

async function plexHome(context: Closing): Promise<PlexHome> {
  const home = await makePlexHome();
  context.closers.push(() => home.close());
  return home;
}

test('the demo needs no file: it prints what to open, and what it prints works', async (context) => {
  const demo = await install(context).run(['--demo']);
  const text = await demo.errorText(/stop +Ctrl-C/);
  const page = /open +(https:\S+)/.exec(text)?.[1] ?? '';
  const caFile = /trust the CA +(\S+)/.exec(text)?.[1] ?? '';
  const shown = await curl('--cacert', caFile, page);
  assert.is(shown.status, 200);
  assert.match(shown.body, /Sample library/);
  const part = await curl('--cacert', caFile, '-H', 'Range: bytes=1000-1999', `${page}melody.wav`);
  assert.is(part.status, 206);
  assert.is(part.body.length, 1000);
  const plain = /plain HTTP +(http:\S+)/.exec(text)?.[1] ?? '';
  assert.is((await curl(plain)).status, 200);
  const [, ...secureName] = /a secure name +(curl .+)/.exec(text)?.[1]?.split(' ') ?? [];
  assert.is((await curl(...secureName)).status, 200);
  demo.signal('SIGTERM');
  assert.is(await demo.ended(), 0);
});

test('SIGHUP takes a new file, opens its port and closes the former one', async (context) => {
  const home = await plexHome(context);
  const gateway = await home.installation.run();
  const former = gateway.port;
  home.installation.configure(home.toml('[listen]\naddresses = ["127.0.0.2"]\nport = 0\n'));
  gateway.signal('SIGHUP');
  const reloaded = await gateway.line((line) => line['event'] === 'reloaded');
  const [address = ''] = reloaded['addresses'] as string[];
  assert.match(address, /^127\.0\.0\.2:\d+$/);
  assert.is((await curl('--insecure', `https://${address}/.lockgate/health`)).status, 200);
  assert.is((await curl('--insecure', `https://127.0.0.1:${former}/.lockgate/health`)).exit, 7);
});

test('IPv6 is served like IPv4, on every port', async (context) => {
  const home = await plexHome(context);
  home.installation.configure(home.toml('[listen]\naddresses = ["127.0.0.1", "::1"]\nport = 0\n'));
  const gateway = await home.installation.run();
  const ready = await gateway.line((line) => line['event'] === 'ready');
  const addresses = ready['addresses'] as string[];
  assert.is(addresses.length, 2);
  for (const address of addresses) {
    assert.is((await curl(`http://${address}/identity`)).status, 200, address);
    assert.is((await curl('--insecure', `https://${address}/identity`)).status, 200, address);
  }
});

test('started as root, it becomes the user of the file once the ports are open, and still reloads', async (context) => {
  if (process.getuid?.() !== 0) {
    console.log('skipped: dropping privileges takes root');
    return;
  }
  const home = await plexHome(context);
  chmodSync(home.installation.folder, 0o755);
  home.installation.configure(home.toml(`[run]\nuser = "nobody"\n[listen]\naddresses = ["127.0.0.3"]\nport = 443\n`));
  const gateway = await home.installation.run();
  const ids = readFileSync(`/proc/${gateway.pid}/status`, 'utf8');
  assert.match(ids, /^Uid:\s+65534\s+65534\s+65534\s+65534$/m);
  assert.match(ids, /^Gid:\s+65534\s+65534\s+65534\s+65534$/m);
  assert.is((await curl('--insecure', 'https://127.0.0.3/identity')).status, 200);
  assert.is((await home.installation.command(['reload'])).status, 0);
  assert.is((await home.installation.command(['status', '--gateway'])).status, 0);
});

test('secure_connections: required sends readers on, disabled speaks no TLS', async (context) => {
  const home = await plexHome(context);
  const modes = (mode: string) =>
    `[listen]\naddresses = ["127.0.0.1"]\nport = 0\nsecure_connections = "${mode}"\n[access]\ntrusted_proxies = "127.0.0.1"\nlan_networks = "192.168.7.0/24"\n`;
  home.installation.configure(home.toml(modes('required')));
  const required = await home.installation.run();
  const fromLan = ['-H', 'X-Forwarded-For: 192.168.7.7'];
  const sent = await curl(...fromLan, `http://127.0.0.1:${required.port}/library?x=1`);
  assert.is(sent.status, 308);
  assert.is(sent.headers['location'], `https://${home.name('127-0-0-1')}:${required.port}/library?x=1`);
  assert.is(sent.headers['cache-control'], 'no-store');
  assert.is((await curl(...fromLan, '-d', 'x', `http://127.0.0.1:${required.port}/library`)).status, 403);
  await required.kill();
  home.installation.configure(home.toml(modes('disabled')));
  const disabled = await home.installation.run();
  assert.is((await curl(`http://127.0.0.1:${disabled.port}/identity`)).status, 200);
  assert.not.equal((await curl('--insecure', `https://127.0.0.1:${disabled.port}/identity`)).exit, 0);
});

test('no token reaches the log, in whatever wrapping it comes', async (context) => {
  const home = await plexHome(context);
  home.installation.configure(home.toml('[log]\naccess = "all"\nlevel = "debug"\n'));
  const gateway = await home.installation.run();
  await gateway.line((line) => line['state'] === 'claimed');
  const url = `http://127.0.0.1:${gateway.port}`;
  const nested = encodeURIComponent(`/library/parts/1/x.jpg?X-Plex-Token=${OWNER_TOKEN}`);
  await curl(`${url}/photo/:/transcode?url=${nested}&X-Plex-Token=${OWNER_TOKEN}`);
  await curl('-H', `X-Plex-Token: ${OWNER_TOKEN}`, `${url}/library/sections`);
  await curl('-H', `Referer: ${url}/web/?X-Plex-Token=${OWNER_TOKEN}`, `${url}/library/${OWNER_TOKEN.slice(0, 3)}`);
  await curl(`${url}/x%0aX-Plex-Token=${OWNER_TOKEN}`);
  await gateway.line((line) => line['message'] === 'served');
  const status = await home.installation.command(['status', '--json']);
  assert.not.match(JSON.stringify(gateway.lines) + status.stdout, OWNER_TOKEN);
});

test('a certificate that is pushed over standard input is used at once; a foreign one is refused', async (context) => {
  const home = await plexHome(context);
  rmSync(home.dataDir, { recursive: true });
  home.installation.configure(home.toml().replace(/^data_dir.*\n/m, ''));
  const gateway = await home.installation.run();
  await gateway.line((line) => line['state'] === 'claimed');
  const secure = () =>
    curl(
      '--cacert',
      caFile,
      '--resolve',
      `${home.name('127-0-0-1')}:${gateway.port}:127.0.0.1`,
      `https://${home.name('127-0-0-1')}:${gateway.port}/identity`,
    );
  const certificate = makePlexCertificate({ key: 'ec' });
  const caFile = join(home.installation.folder, 'root.pem');
  writeFileSync(caFile, certificate.rootPem);
  assert.is((await secure()).exit, 60, 'the private CA stands in');
  const path = join(home.installation.folder, 'cert-v2.p12');
  writeFileSync(path, makePkcs12(certificate, { passphrase: 'wrong' }));
  const refused = await home.installation.command(['certificate', 'import', path]);
  assert.is(refused.status, 1);
  writeFileSync(path, makePkcs12(certificate, { encryption: 'legacy' }));
  const taken = await home.installation.command(['certificate', 'import', path]);
  assert.is(taken.status, 0, taken.stderr);
  await gateway.line((line) => line['source'] === 'server' && line['message'] === 'certificate in use');
  assert.is((await secure()).status, 200);
});

test('without a certificate the private CA serves browsers, and its root is printed', async (context) => {
  const installation = install(
    context,
    `[server]\nkind = "generic"\nurl = "http://127.0.0.1:9"\n${LISTEN}${QUIET}[certificate]\nnames = ["films.home.arpa"]\n`,
  );
  const gateway = await installation.run();
  assert.ok(gateway.lines.some((line) => line['level'] === 'warn' && /private CA/.test(String(line['message']))));
  const caFile = join(installation.folder, 'ca.pem');
  writeFileSync(caFile, (await installation.command(['ca'])).stdout);
  const answer = await curl(
    '--cacert',
    caFile,
    '--resolve',
    `films.home.arpa:${gateway.port}:127.0.0.1`,
    `https://films.home.arpa:${gateway.port}/.lockgate/health`,
  );
  assert.is(answer.status, 200);
  assert.match((await installation.command(['ca', '--mobileconfig'])).stdout, /<plist version="1\.0">/);
});

test('a server that speaks TLS alone is reached over TLS', async (context) => {
  const certificate = makePlexCertificate({ key: 'ec' });
  const plex = await startPlex({
    machineIdentifier: PLEX_PROCESSED_IDENTIFIER,
    tls: { key: certificate.keyPem, cert: certificate.certificatePem + certificate.chainPem },
  });
  context.closers.push(() => plex.close());
  const installation = install(context, `[server]\nurl = "${plex.httpsUrl}"\n${LISTEN}${QUIET}`);
  const gateway = await installation.run();
  await gateway.line((line) => line['state'] === 'claimed');
  assert.is(
    (await curl('-H', `X-Plex-Token: ${OWNER_TOKEN}`, `http://127.0.0.1:${gateway.port}/library/sections`)).status,
    200,
  );
});

test('a server that does not answer is a fault that names its address', async (context) => {
  const installation = install(context, `[server]\nkind = "plex"\nurl = "http://127.0.0.1:9"\n${LISTEN}${QUIET}`);
  const outcome = await installation.command(['doctor', '--json']);
  assert.is(outcome.status, 1);
  const { checks } = JSON.parse(outcome.stdout) as { checks: { name: string; verdict: string; remedy: string }[] };
  const server = checks.find(({ name }) => name === 'server');
  assert.is(server?.verdict, 'fault');
  assert.match(server?.remedy ?? '', /127\.0\.0\.1:9/);
});

test.run();
