/** The first boot with the file that a package brings: nothing is served until a server is found and claimed; doctor says the next step. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makePlexCertificate } from '../support/certificates.ts';
import { end, said } from '../support/home-network.ts';
import { inNamespaces, makeNamespace, type Namespace } from '../support/netns.ts';
import { PROGRAM, RunningProgram } from '../support/program.ts';

const ROOT = join(import.meta.dirname, '../..');
const GATEWAY = '192.168.5.2';
const SERVER = '192.168.5.10';

interface FirstBoot {
  readonly name: string;
  /** The file as the package leaves it, and the port in it. */
  readonly text: string;
  readonly port: number;
  /** What the package's scripts add to the environment. */
  readonly environment: readonly string[];
}

const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const BOOTS: readonly FirstBoot[] = [
  {
    name: 'OpenWrt',
    text: textOf('openwrt/files/etc/lockgate/lockgate.toml'),
    port: 32400,
    environment: [`LOCKGATE_LAN_NETWORKS=${GATEWAY}/24`],
  },
  { name: 'the container image', text: textOf('docker/image/lockgate.toml'), port: 32443, environment: [] },
  { name: 'DSM', text: fileOfWizard(), port: 32443, environment: [] },
];

/** What the wizard's answers become when nothing is typed. */
function fileOfWizard(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-wizard-'));
  const scripts = join(ROOT, 'synology/scripts');
  for (const name of ['common', 'postinst']) {
    const text = readFileSync(join(scripts, name), 'utf8').replaceAll('/var/packages/lockgate', folder);
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  const { status, stderr } = spawnSync('sh', [join(folder, 'postinst')], { encoding: 'utf8' });
  assert.is(status, 0, stderr);
  const text = readFileSync(join(folder, 'etc/lockgate.toml'), 'utf8');
  rmSync(folder, { recursive: true });
  return text;
}

type Scene = {
  folder: string;
  gateway: Namespace;
  lan: Namespace;
};

const test = suite<Scene>('the first boot');
const there = inNamespaces(test) as typeof test;

test.before.each(async (scene) => {
  scene.folder = mkdtempSync(join(tmpdir(), 'lockgate-first-boot-'));
  const { certificatePem, chainPem, keyPem } = makePlexCertificate({ key: 'ec' });
  writeFileSync(join(scene.folder, 'key.pem'), keyPem);
  writeFileSync(join(scene.folder, 'chain.pem'), certificatePem + chainPem);
  scene.gateway = await makeNamespace();
  scene.lan = await makeNamespace();
  scene.gateway.connect('lan0', scene.lan, 'lan0');
  scene.gateway.ip(`addr add ${GATEWAY}/24 brd + dev lan0`, `route add default via ${SERVER}`);
  scene.lan.ip(`addr add ${SERVER}/24 brd + dev lan0`);
});
test.after.each(async ({ folder, gateway, lan }) => {
  await gateway.close();
  await lan.close();
  rmSync(folder, { recursive: true });
});

for (const { name, text, port, environment: added } of BOOTS) {
  there(`on ${name}: refused until the server is found, then by who is asking`, async ({ folder, gateway, lan }) => {
    const config = join(folder, 'lockgate.toml');
    const state = join(folder, 'state');
    writeFileSync(config, text);
    mkdirSync(state, { mode: 0o700 });
    const environment = [`LOCKGATE_CONFIG=${config}`, `LOCKGATE_STATE=${state}`, ...added];
    const command = (...argv: string[]) =>
      gateway.run('env', ...environment, 'sh', '-c', '"$0" "$@"; echo "status $?"', PROGRAM, ...argv);
    const ask = () =>
      lan.run(
        ...(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code} %header{x-lockgate-reason}'] as const),
        `http://${GATEWAY}:${port}/library`,
      );

    const program = new RunningProgram(gateway.start('env', ...environment, PROGRAM, 'run'));
    try {
      await program.line((line) => line['event'] === 'ready');
      assert.is(ask(), '503 starting');
      const doctor = command('doctor');
      assert.match(doctor, /^status 1$/m);
      assert.match(doctor, /^next: start the media server, or name it in the file: \[server\] url$/m);

      const script = ['test/support/plex-in-namespace.ts', SERVER, folder, 'a'.repeat(40)];
      const server = lan.start(process.execPath, ...script);
      await said(server, /ready/);
      await program.line((line) => line['state'] === 'claimed', 60_000);
      assert.is(ask(), '401 no-credentials');
      await end(server);
    } finally {
      await program.kill();
    }
  });
}

test.run();
