/** The names of the server's certificate, asked of the built program: directly, and through a resolver with rebinding protection. */
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort } from '../support/free-port.ts';
import { makePlexHome, type PlexHome, type RunningProgram } from '../support/program.ts';

const run = promisify(execFile);
const OWN_ADDRESS = '192.168.77.1';

interface Scene {
  home: PlexHome;
  port: number;
  gateway: RunningProgram;
}

const test = suite<Scene>('DNS of the gateway');

test.before(async (scene) => {
  scene.home = await makePlexHome();
  scene.port = await freePort();
  scene.home.installation.configure(
    scene.home.toml(`[dns]\nlisten = ["127.0.0.1:${scene.port}"]\ngateway_addresses = ["${OWN_ADDRESS}"]\n`),
  );
  scene.gateway = await scene.home.installation.run();
  await scene.gateway.line((line) => line['state'] === 'claimed');
});
test.after(async ({ home }) => {
  await home.close();
});

async function dig(port: number, ...args: string[]): Promise<string> {
  const { stdout } = await run('dig', ['@127.0.0.1', '-p', String(port), '+time=5', '+tries=2', ...args]);
  return stdout;
}

test('a name that spells an address of the gateway is answered with it, over UDP and TCP', async ({ home, port }) => {
  const name = home.name(OWN_ADDRESS.replaceAll('.', '-'));
  assert.is((await dig(port, '+short', name)).trim(), OWN_ADDRESS);
  assert.is((await dig(port, '+short', '+tcp', name)).trim(), OWN_ADDRESS);
});

test('a name that spells a foreign private address is not answered, and that is counted', async ({
  home,
  gateway,
  port,
}) => {
  assert.match(await dig(port, home.name('10-9-8-7')), /status: NOERROR[\s\S]*ANSWER: 0/);
  const status = await home.installation.command(['status', '--json']);
  const { dns } = JSON.parse(status.stdout) as { dns: { counters: Record<string, number> } };
  assert.ok((dns.counters['refusedAsRebinding'] ?? 0) > 0, JSON.stringify(dns.counters));
  const metrics = await fetch(`http://127.0.0.1:${gateway.port}/.lockgate/metrics`);
  assert.match(await metrics.text(), /^lockgate_dns_refused_as_rebinding_total [1-9]/m);
});

test('what is not ours is refused without upstreams', async ({ port }) => {
  assert.match(await dig(port, 'example.org'), /status: REFUSED/);
});

test('through dnsmasq with rebinding protection on, the snippet makes the names work', async ({ home, port }) => {
  const frontPort = await freePort();
  const { stdout } = await home.installation.command(['snippet', 'dnsmasq']);
  const file = join(home.installation.folder, 'dnsmasq.conf');
  const common = `port=${frontPort}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\nstop-dns-rebind\nuser=root\n`;
  writeFileSync(file, common + stdout.slice(0, stdout.indexOf('#\n')));
  const dnsmasq = spawn('dnsmasq', ['--keep-in-foreground', `--conf-file=${file}`, '--pid-file='], { stdio: 'ignore' });
  const ended = once(dnsmasq, 'close');
  try {
    const name = home.name(OWN_ADDRESS.replaceAll('.', '-'));
    let answer = '';
    while (answer === '' && dnsmasq.exitCode === null) {
      answer = (await dig(frontPort, '+short', name).catch(() => '')).trim();
    }
    assert.is(answer, OWN_ADDRESS);
    assert.match(stdout, `server=/${home.name('x').slice(2)}/127.0.0.1#${port}`);
  } finally {
    dnsmasq.kill();
    await ended;
  }
});

test('a port of the file that is taken ends run with 3 and a remedy; a reload to it changes nothing', async ({
  home,
  port,
}) => {
  const taken = createSocket('udp4');
  await new Promise<void>((resolve) => taken.bind(0, '127.0.0.1', resolve));
  const other = taken.address().port;
  home.installation.configure(home.toml(`[dns]\nlisten = ["127.0.0.1:${other}"]\n`));
  const reload = await home.installation.command(['reload']);
  assert.is(reload.status, 1);
  assert.match(reload.stderr, /in use/);
  assert.is((await dig(port, '+short', home.name('192-168-77-1'))).trim(), OWN_ADDRESS);
  await new Promise<void>((resolve) => taken.close(() => resolve()));
});

test.run();
