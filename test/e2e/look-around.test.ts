/** What `check`, `doctor` and `snippet` say before the gateway has ever run, and that looking around leaves nothing behind. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makePkcs12, makePlexCertificate, PLEX_PROCESSED_IDENTIFIER } from '../support/certificates.ts';
import { type PlexStandIn, startPlex } from '../support/plex.ts';
import { Installation, PROGRAM } from '../support/program.ts';

/** An installation whose commands have a folder for temporary files of their own. */
class Apart extends Installation {
  temporary = join(this.folder, 'tmp');

  override get env(): NodeJS.ProcessEnv {
    return { ...super.env, TMPDIR: this.temporary };
  }
}

const test = suite<{ apart: Apart; plex: PlexStandIn; toml: string }>('looking around');

test.before.each(async (context) => {
  context.plex = await startPlex({ machineIdentifier: PLEX_PROCESSED_IDENTIFIER });
  context.apart = new Apart();
  mkdirSync(context.apart.temporary);
  context.toml = `[server]\nurl = "${context.plex.url}"\n[listen]\naddresses = ["127.0.0.1"]\nport = 0\n[dns]\nenabled = false\n`;
  context.apart.configure(context.toml);
});
test.after.each(async ({ apart, plex }) => {
  await apart.remove();
  await plex.close();
});

test('before the first start no name of a private CA is shown, for there is none yet', async ({ apart }) => {
  const checked = await apart.command(['check']);
  assert.is(checked.status, 0, checked.stderr);
  assert.match(
    checked.stdout,
    /certificate\.source +there is no certificate yet: a private CA is made at the first start/,
  );
  assert.not.match(checked.stdout, /lockgate\.home\.arpa/);
  const snippet = await apart.command(['snippet', 'dnsmasq']);
  assert.is(snippet.status, 1);
  assert.match(snippet.stderr, /there is no name to answer yet/);
  const gateway = await apart.run();
  await gateway.kill();
  const zone = /\*\.([0-9a-f]{16}\.lockgate\.home\.arpa)/.exec((await apart.command(['check'])).stdout)?.[1];
  assert.ok(zone);
  assert.match((await apart.command(['snippet', 'dnsmasq'])).stdout, `server=/${zone}/`);
});

test('a look around ends well and leaves nothing behind, whatever is still being written', async ({ apart, plex }) => {
  apart.configure(`[server]\nurl = "${plex.url}"\ntoken = "abc"\naccount_url = "http://127.0.0.1:9"\n`);
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => apart.command(['check', '--json'])));
  for (const { status, stderr } of outcomes) assert.is(status, 0, stderr);
  assert.equal(readdirSync(apart.temporary), []);
});

test('a look around needs no folder to write to, and one that is killed leaves nothing behind', async ({
  apart,
  plex,
  toml,
}) => {
  const gateway = await apart.run();
  gateway.signal('SIGTERM');
  await gateway.ended();
  const known = readdirSync(apart.stateDir, { recursive: true }).sort();
  assert.match(known.join(' '), 'ca/root.pem');
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  apart.configure(toml.replace(plex.url, `http://127.0.0.1:${port}`));
  const doctor = spawn(PROGRAM, ['doctor'], { env: apart.env, stdio: 'ignore' });
  const [asked] = (await once(silent, 'connection')) as [Socket];
  doctor.kill('SIGKILL');
  await once(doctor, 'close');
  asked.destroy();
  silent.close();
  assert.equal(readdirSync(apart.temporary), []);
  apart.configure(toml);
  apart.temporary = '/nowhere';
  assert.is((await apart.command(['check'])).status, 0);
  assert.equal(readdirSync(apart.stateDir, { recursive: true }).sort(), known);
});

test('check says what every automatic value became', async ({ apart, plex, toml }) => {
  apart.configure(toml.replace('enabled = false', 'listen = "127.0.0.1:0"'));
  const { stdout, status } = await apart.command(['check', '--json']);
  assert.is(status, 0);
  const { values } = JSON.parse(stdout) as { values: Record<string, string> };
  assert.is(values['server.kind'], 'plex');
  assert.match(values['server.url'] ?? '', `${plex.url} (Plex Media Server, claimed)`);
  assert.is(values['server.id'], PLEX_PROCESSED_IDENTIFIER);
  assert.is(values['server.bare_streams'], 'true');
  assert.match(values['access.require_auth'] ?? '', /^unlisted .*everybody signs in$/);
  assert.match(values['access.min_server_version'] ?? '', /^\d+\.\d+\.\d+, for clients from outside$/);
  assert.is(values['state.dir'], apart.stateDir);
  const keys = [
    'server.data_dir',
    'certificate.source',
    'access.lan_networks',
    'dns.zones',
    'dns.answer',
    'dns.gateway_addresses',
  ];
  for (const key of [...keys, 'remote.public_address', 'log.format']) assert.ok(values[key], key);
});

test('check says what would keep the gateway from starting, unless it runs', async ({ apart, toml }) => {
  const gateway = await apart.run();
  const taken = toml.replace('port = 0', `port = ${gateway.port}`);
  apart.configure(taken);
  assert.not.match((await apart.command(['check'])).stdout, 'will not start');
  apart.configure(`${taken}[state]\ndir = "${join(apart.folder, 'another')}"\n`);
  const { stdout, status } = await apart.command(['check']);
  assert.is(status, 0);
  assert.match(stdout, `run will not start: listen.port: ${gateway.port} is in use`);
});

test('check says that a DNS port which the file names is taken, and minds the default one no more than run does', async ({
  apart,
  toml,
}) => {
  const other = createSocket('udp4').bind(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address();
  apart.configure(toml.replace('enabled = false', `listen = "127.0.0.1:${port}"`));
  assert.match((await apart.command(['check'])).stdout, `run will not start: dns.listen: 127.0.0.1:${port} is in use`);
  other.close();
  assert.not.match((await apart.command(['check'])).stdout, 'will not start');
});

test('check ends with 1 and one next line when a certificate of the file cannot be had', async ({ apart, toml }) => {
  for (const [lines, words] of [
    [
      '[certificate]\ncert_file = "/nowhere.pem"\nkey_file = "/nowhere.key"\n',
      /certificate\.cert_file: "\/nowhere\.pem" does not exist/,
    ],
    ['[certificate]\nsource = "server"\n', /there is no certificate/],
  ] as const) {
    apart.configure(toml + lines);
    const { stdout, status } = await apart.command(['check']);
    assert.is(status, 1, stdout);
    assert.match(stdout, words);
    assert.is(stdout.match(/^next: /gm)?.length, 1);
    assert.match(stdout.trim().split('\n').at(-1) ?? '', /^next: /);
  }
});

test('a file with the wrong passphrase is not imported, and the command says so', async ({ apart }) => {
  const file = makePkcs12(makePlexCertificate({ key: 'ec' }), { passphrase: 'wrong' });
  const outcome = await apart.command(['certificate', 'import', '-'], file);
  assert.is(outcome.status, 1, outcome.stderr);
  assert.match(outcome.stderr, /passphrase/);
});

test.run();
