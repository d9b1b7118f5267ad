/** What a user meets when something is wrong: one sentence with the remedy, the right exit status, and nothing lost. */
import '../support/own-network.ts';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeCertificate, testAuthority } from '../support/certificates.ts';
import { curl } from '../support/curl.ts';
import { startPlex } from '../support/plex.ts';
import { Installation } from '../support/program.ts';

const test = suite<{ installation: Installation }>('trouble');
const QUIET = '[dns]\nenabled = false\n';
const LISTEN = '[listen]\naddresses = ["127.0.0.1"]\nport = 0\n';

test.before.each((context) => {
  context.installation = new Installation();
});
test.after.each(async (context) => {
  await context.installation.remove();
});

test('every fault of a file is shown at once, and run ends with 1', async ({ installation }) => {
  installation.configure('[listen]\nprot = 1\nport = "x"\n[acces]\n');
  const outcome = await installation.command(['run']);
  assert.is(outcome.status, 1);
  assert.match(outcome.stderr, `${installation.configPath}:2:1: `);
  assert.match(outcome.stderr, /did you mean `port`/);
  assert.match(outcome.stderr, `${installation.configPath}:3:9: `);
  assert.match(outcome.stderr, /did you mean \[?"?access/);
  assert.match(outcome.stderr, /3 faults/);
});

test('check says what automatic values became, and ends with 0', async ({ installation }) => {
  installation.configure(`${LISTEN}${QUIET}[access]\nrequire_auth = "everyone"\nallowed_networks = "10.0.0.0/8"\n`);
  const outcome = await installation.command(['check']);
  assert.is(outcome.status, 0, outcome.stderr);
  assert.match(outcome.stdout, /allowed_networks: is ignored/);
  assert.match(outcome.stdout, /access\.lan_networks\s+/);
  assert.match(outcome.stdout, /certificate\.source\s+/);
});

test('check and doctor leave nothing behind', async ({ installation }) => {
  installation.configure(`${LISTEN}${QUIET}`);
  await installation.command(['check']);
  await installation.command(['doctor']);
  assert.not.ok(existsSync(installation.stateDir));
});

test('check --paths names what a jail must mount', async ({ installation }) => {
  installation.configure(
    '[server]\ndata_dir = "/srv/plex"\n[certificate]\ncert_file = "/etc/tls/a.pem"\nkey_file = "/etc/keys/a.key"\n',
  );
  const outcome = await installation.command(['check', '--paths']);
  assert.equal(outcome.stdout.trim().split('\n'), [
    installation.configPath,
    '/srv/plex',
    '/etc/tls',
    '/etc/keys',
    installation.stateDir,
  ]);
});

test('a port that is taken ends run with 3 and names another', async ({ installation }) => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  installation.configure(`[listen]\naddresses = ["127.0.0.1"]\nport = ${port}\n${QUIET}`);
  const outcome = await installation.command(['run']);
  other.close();
  assert.is(outcome.status, 3);
  assert.match(outcome.stderr, `listen.port: ${port} is in use`);
  assert.match(outcome.stderr, /choose another port, for example 32443/);
});

test('wrong usage ends with 2 and a suggestion', async ({ installation }) => {
  for (const [argv, words] of [
    [['rnu'], /did you mean run\?/],
    [['status', '--gatewy'], /did you mean --gateway\?/],
    [['snippet', 'dnsmask'], /did you mean dnsmasq\?/],
    [['explain'], /add --from ADDRESS/],
    [['explain', '--from', 'home'], /"home" is not an address/],
    [['snippet'], /TARGET/],
  ] as const) {
    const outcome = await installation.command(argv);
    assert.is(outcome.status, 2, argv.join(' '));
    assert.match(outcome.stderr, words);
    assert.is(outcome.stderr.trim().split('\n').length, 1, 'one sentence');
  }
});

test('without a gateway, status ends with 1 and says how to start one', async ({ installation }) => {
  const outcome = await installation.command(['status']);
  assert.is(outcome.status, 1);
  assert.match(outcome.stdout + outcome.stderr, /next: start the gateway: lockgate run/);
});

test('an unreadable key, a wrong passphrase and an expired certificate each give one sentence', async ({
  installation,
}) => {
  const folder = installation.folder;
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const good = makeCertificate({ names: ['films.example.org'] });
  const expired = makeCertificate({ names: ['films.example.org'], days: -1, issuer: testAuthority() });
  const toml = (cert: string, key: string) =>
    `[certificate]\nsource = "files"\ncert_file = "${cert}"\nkey_file = "${key}"\n${LISTEN}${QUIET}`;
  const certFile = file('cert.pem', good.certificatePem);
  installation.configure(toml(certFile, join(folder, 'missing.pem')));
  assert.match((await installation.command(['doctor'])).stdout, /FAULT +certificate +.*missing\.pem/);
  installation.configure(toml(certFile, file('garbage.pem', 'not a key')));
  assert.match((await installation.command(['doctor'])).stdout, /FAULT +certificate +.*garbage\.pem/);
  installation.configure(toml(file('old.pem', expired.certificatePem), file('old-key.pem', expired.keyPem)));
  const outcome = await installation.command(['doctor']);
  assert.match(outcome.stdout, /FAULT +certificate +.*expired on/);
  assert.is(outcome.status, 1);
  assert.match(outcome.stdout.trim().split('\n').at(-1) ?? '', /^next: /);
});

test('the gateway starts without the server, says 503 until it is there, and then serves', async ({ installation }) => {
  const plex = await startPlex();
  const { port, url } = plex;
  await plex.stop();
  installation.configure(`[server]\nurl = "${url}"\n${LISTEN}${QUIET}`);
  const gateway = await installation.run();
  const ask = (path: string) => curl('--insecure', `https://127.0.0.1:${gateway.port}${path}`);
  const refused = await ask('/library/sections');
  assert.is(refused.status, 503);
  assert.match(refused.headers['x-lockgate-reason'] ?? '', /^(starting|server-down)$/);
  assert.ok(Number(refused.headers['retry-after']) > 0);
  assert.is((await ask('/.lockgate/health')).status, 200);
  assert.is((await ask('/.lockgate/health?server=1')).status, 503);
  await plex.listen();
  assert.is(plex.port, port);
  assert.is((await ask('/identity')).status, 200);
  await plex.close();
});

test('init writes a file that check accepts, and never over an existing one', async ({ installation }) => {
  const path = join(installation.folder, 'new', 'lockgate.toml');
  const first = await installation.command(['init', '--config', path]);
  assert.is(first.status, 0, first.stderr);
  assert.match(first.stdout, /next: /);
  const text = readFileSync(path, 'utf8');
  assert.is(statSync(path).mode & 0o777, 0o600);
  assert.is((await installation.command(['check', '--config', path])).status, 0);
  const second = await installation.command(['init', '--config', path]);
  assert.is(second.status, 1);
  assert.match(second.stderr, /exists already and stays as it is/);
  assert.is(readFileSync(path, 'utf8'), text);
});

test('a state folder that cannot be written ends run with 3', async ({ installation }) => {
  const blocked = join(installation.folder, 'file');
  writeFileSync(blocked, '');
  installation.configure(`[state]\ndir = "${blocked}/state"\n${LISTEN}${QUIET}`);
  const outcome = await installation.command(['run']);
  assert.is(outcome.status, 3);
  assert.match(outcome.stderr, /state\.dir: .* cannot be written/);
  mkdirSync(join(installation.folder, 'x'));
  chmodSync(join(installation.folder, 'x'), 0o700);
});

test('hash-pin reads a PIN and prints the value for the file, alone', async ({ installation }) => {
  const outcome = await installation.command(['hash-pin'], '2468\n');
  assert.is(outcome.status, 0);
  assert.match(outcome.stdout, /^\$scrypt\$\S+\n$/);
  installation.configure(`[access]\npin_hash = "${outcome.stdout.trim()}"\n`);
  assert.is((await installation.command(['check'])).status, 0);
});

test.run();
