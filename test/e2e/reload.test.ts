/** Reload: the new state is built completely, swapped in, and what cannot be taken changes nothing; what is open goes on. */
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { curl } from '../support/curl.ts';
import { freePort } from '../support/free-port.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { makePlexHome, type Outcome, type PlexHome, type RunningProgram } from '../support/program.ts';

interface Scene {
  home: PlexHome;
  closers: (() => unknown)[];
}

const test = suite<Scene>('reload');
const HEALTH = '/.lockgate/health';

test.before.each(async (scene) => {
  scene.closers = [];
  scene.home = await makePlexHome();
});
test.after.each(async ({ home, closers }) => {
  for (const close of closers.reverse()) await close();
  await home.close();
});

async function listenSomewhere(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as { port: number }).port };
}

function listening(addresses: readonly string[], ports: readonly number[], more = ''): string {
  return `[listen]\naddresses = ${JSON.stringify(addresses)}\nport = ${JSON.stringify(ports)}\n${more}`;
}

/** Puts a file in the place of the present one and reloads. */
function take({ home }: Scene, more: string): Promise<Outcome> {
  home.installation.configure(home.toml(more));
  return home.installation.command(['reload']);
}

async function start({ home }: Scene, more: string): Promise<RunningProgram> {
  home.installation.configure(home.toml(more));
  const gateway = await home.installation.run();
  await gateway.line((line) => line['state'] === 'claimed');
  return gateway;
}

/** An open WebSocket that says what it is told, and hears its echo. */
async function openSocket(scene: Scene, port: number): Promise<{ echoes(): Promise<boolean> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/:/websockets/notifications?X-Plex-Token=${OWNER_TOKEN}`);
  scene.closers.push(() => socket.terminate());
  await once(socket, 'message');
  return {
    echoes: async () => {
      socket.send('still here');
      const [answer] = (await once(socket, 'message')) as [Buffer];
      return answer.toString() === 'still here';
    },
  };
}

test('ports come and go; what came through one that went goes on', async (scene) => {
  const [one, two] = [await freePort(), await freePort()];
  await start(scene, listening(['127.0.0.1'], [one]));
  const socket = await openSocket(scene, one);
  assert.is((await take(scene, listening(['127.0.0.1', '::1'], [one, two]))).status, 0);
  for (const host of [`127.0.0.1:${one}`, `127.0.0.1:${two}`, `[::1]:${one}`, `[::1]:${two}`]) {
    assert.is((await curl(`http://${host}${HEALTH}`)).status, 200, host);
  }
  assert.is((await take(scene, listening(['127.0.0.1'], [two]))).status, 0);
  assert.is((await curl(`http://127.0.0.1:${one}${HEALTH}`)).exit, 7);
  assert.is((await curl(`http://127.0.0.1:${two}${HEALTH}`)).status, 200);
  assert.ok(await socket.echoes());
});

test('a port moves from every address to one of them and back', async (scene) => {
  const port = await freePort();
  await start(scene, listening(['0.0.0.0'], [port]));
  const socket = await openSocket(scene, port);
  const narrowed = await take(scene, listening(['127.0.0.1'], [port]));
  assert.is(narrowed.status, 0, narrowed.stderr);
  assert.is((await curl(`http://127.0.0.1:${port}${HEALTH}`)).status, 200);
  assert.is((await curl(`http://127.0.0.2:${port}${HEALTH}`)).exit, 7);
  assert.is((await take(scene, listening(['0.0.0.0'], [port]))).status, 0);
  assert.is((await curl(`http://127.0.0.2:${port}${HEALTH}`)).status, 200);
  assert.ok(await socket.echoes());
});

test('what cannot be taken as a whole changes nothing, and is said', async (scene) => {
  const port = await freePort();
  const other = await listenSomewhere();
  scene.closers.push(() => other.server.close());
  const good = listening(['0.0.0.0'], [port]);
  const gateway = await start(scene, good);
  const socket = await openSocket(scene, port);
  const dns = `[dns]\nlisten = "192.0.2.1:5354"\n`;
  for (const [more, words] of [
    [listening(['127.0.0.1'], [port, other.port]), `${other.port} is in use`],
    [`${listening(['127.0.0.1'], [port])}[limits]\nconnections_per_client = 1\n${dns}`, '192.0.2.1'],
    [`${good}[server_]\n`, 'unknown section'],
    [`${good}port = [1]\n`, 'given twice'],
    [`${good}[access]\nallowed_networks = "lan"\nlan_networks = "10.0.0.0/33"\n`, '10.0.0.0/33'],
  ] as const) {
    const refused = await take(scene, more);
    assert.is(refused.status, 1, words);
    assert.match(refused.stderr, words);
    assert.match(refused.stderr.trim().split('\n').at(-1) ?? '', /^next: .*the former configuration stays in force/);
    assert.is((await curl(`http://127.0.0.2:${port}${HEALTH}`)).status, 200, words);
    assert.ok(await socket.echoes());
  }
  assert.is(gateway.lines.filter((line) => line['event'] === 'reload-refused').length, 5);
  assert.is((await take(scene, good)).status, 0);
});

function showsSerial(port: number, serverName: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername: serverName, rejectUnauthorized: false });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
  });
}

test('certificate files are swapped under open connections; files that are no certificate take nothing away', async (scene) => {
  const { folder } = scene.home.installation;
  const name = 'films.example.org';
  const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const put = ({ certificatePem, keyPem }: TestCertificate) => {
    for (const [path, content] of [
      [paths.key, keyPem],
      [paths.cert, certificatePem],
    ] as const) {
      writeFileSync(`${path}.new`, content);
      renameSync(`${path}.new`, path);
    }
  };
  put(makeCertificate({ names: [name] }));
  const files = (cert: string) =>
    `${listening(['127.0.0.1'], [0])}[certificate]\ncert_file = "${cert}"\nkey_file = "${paths.key}"\n`;
  const gateway = await start(scene, files(paths.cert));
  const first = await showsSerial(gateway.port, name);
  assert.not.equal(await showsSerial(gateway.port, scene.home.name('127-0-0-1')), first, 'chosen by name');
  const socket = await openSocket(scene, gateway.port);

  const refused = await take(scene, files(join(folder, 'missing.pem')));
  assert.is(refused.status, 1);
  assert.match(refused.stderr, 'missing.pem');
  assert.is(await showsSerial(gateway.port, name), first);

  renameSync(paths.key, `${paths.key}.away`);
  const without = await take(scene, `${files(paths.cert)}[access]\nlan_networks = "10.0.0.0/8"\n`);
  assert.is(without.status, 1, 'the file is good, but the key is gone');
  assert.match(without.stderr, 'key.pem');
  assert.is(await showsSerial(gateway.port, name), first);
  renameSync(`${paths.key}.away`, paths.key);

  assert.is((await take(scene, files(paths.cert))).status, 0);
  put(makeCertificate({ names: [name] }));
  await gateway.line(
    (line) => line['message'] === 'certificate in use' && line['fingerprint'] !== first && line['source'] === 'files',
  );
  assert.is.not(await showsSerial(gateway.port, name), first);
  assert.ok(await socket.echoes());
});

test('a key that takes a restart is named at every reload until it is what it was', async ({ home }) => {
  await home.installation.run();
  const reload = async (more: string) => {
    home.installation.configure(home.toml(more));
    return (await home.installation.command(['reload'])).stdout;
  };
  const note = 'limits.header_bytes: takes effect at the next start';
  assert.match(await reload('[limits]\nheader_bytes = 32768\n'), note);
  assert.match(await reload('[limits]\nheader_bytes = 32768\nconnections = 100\n'), note);
  assert.not.match(await reload(''), note);
});

test('the server appears after a reload that changed the certificates: its own is read then', async (scene) => {
  const { home } = scene;
  // Without them the passphrase of its certificate is known from the server alone.
  rmSync(join(home.dataDir, 'Preferences.xml'));
  await home.plex.stop();
  home.installation.configure(home.toml());
  const gateway = await home.installation.run();
  const changed = await take(scene, '[certificate]\nprofile = "legacy"\n');
  assert.is(changed.status, 0, changed.stderr);
  await home.plex.listen();
  await gateway.line((line) => line['state'] === 'claimed');
  const sources = async () => {
    const { stdout } = await home.installation.command(['status', '--json']);
    return (JSON.parse(stdout) as { certificates: { source: string }[] }).certificates.map(({ source }) => source);
  };
  for (let tries = 0; tries < 20 && !(await sources()).includes('server'); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal(await sources(), ['server']);
});

test.run();
