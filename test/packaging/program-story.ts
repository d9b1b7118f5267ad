/**
 * The self-contained program where there is no Node and no library: it starts, shows the media server's certificate, answers DNS, reloads,
 * ends. On this machine's processor as it is, on the other by emulation.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RUNTIME_ENVIRONMENT } from '../../docker/program/flags.ts';
import { type Architecture, MACHINES } from '../../docker/program/pins.ts';
import { below, tree } from '../../docker/program/tree.ts';
import { curl } from '../support/curl.ts';
import { freePort } from '../support/free-port.ts';
import { OWNER_TOKEN } from '../support/plex.ts';
import { makePlexHome, RunningProgram } from '../support/program.ts';
import { Jail, whyNoJail } from './jail.ts';
import { programFor } from './programs.ts';
import { hasCommand, output } from './system.ts';

const INSTALL_FOLDER = '/opt/lockgate';
const EMULATORS = { x64: 'qemu-x86_64-static', arm64: 'qemu-aarch64-static', armv7: 'qemu-arm-static' } as const;
/** What Node calls the machine. */
const NODE_NAMES = { x64: 'x64', arm64: 'arm64', armv7: 'arm' } as const;
const SERVICE_USER = 32_443;
const ALONE =
  '[server]\nurl = "http://127.0.0.1:32400"\n[listen]\naddresses = ["127.0.0.1"]\nport = 443\n[dns]\nenabled = false\n';
/** Emulated, on a busy machine. */
const READY_TIMEOUT_MS = 120_000;

/** Runs the story as tests; where an input or a command is missing, says so and skips it. */
export async function tellProgramStory(architecture: Architecture): Promise<void> {
  const test = suite<{ jail: Jail; closers: (() => unknown)[] }>(`program for ${architecture}`);
  const emulator = architecture === process.arch ? undefined : EMULATORS[architecture];
  const built = await programFor(architecture, INSTALL_FOLDER);
  const missing = whyNotHere(emulator) ?? ('missing' in built ? built.missing : undefined);
  if (missing !== undefined) console.log(`skipped: the program for ${architecture} (${missing})`);
  const inJail = missing === undefined ? test : test.skip;
  const isScript = architecture === 'armv7';
  const program = [...(emulator === undefined || isScript ? [] : ['/emulator']), `${INSTALL_FOLDER}/lockgate`];

  test.before((context) => {
    if (missing !== undefined || 'missing' in built) return;
    context.jail = new Jail(tree(...below(INSTALL_FOLDER.slice(1), built.tree)));
    if (emulator !== undefined) context.jail.addProgram(emulator, 'emulator');
    if (emulator !== undefined && isScript) emulateLoader(context.jail, MACHINES[architecture].loader);
  });
  test.before.each((context) => {
    context.closers = [];
  });
  test.after.each(async ({ closers }) => {
    for (const close of closers.reverse()) await close();
  });
  test.after(({ jail }) => jail?.remove());

  inJail('it says what it is', ({ jail }) => {
    const { status, stdout, stderr } = jail.run([...program, 'version']);
    assert.is(status, 0, stderr);
    assert.match(stdout, new RegExp(`^lockgate \\S+ \\(Node 24\\.\\S+, linux-${NODE_NAMES[architecture]}\\)\n$`));
  });

  inJail('the environment cannot change how it runs', ({ jail }) => {
    const { status, stdout } = jail.run([...program, 'version'], { env: { NODE_OPTIONS: '--print=1+1' } });
    assert.is(status, 0);
    assert.match(stdout, /^lockgate /);
  });

  // Emulators drop rights on the way.
  const natively = emulator === undefined ? inJail : undefined;
  natively?.(
    'as a user of its own, with the one right of the service and no other, it has port 443',
    async ({ jail, closers }) => {
      mkdirSync(join(jail.root, 'etc'), { recursive: true });
      writeFileSync(join(jail.root, 'etc/alone.toml'), ALONE);
      const env = { PATH: process.env['PATH'], LOCKGATE_CONFIG: '/etc/alone.toml', LOCKGATE_STATE: '/tmp/alone' };
      const gateway = new RunningProgram(spawn('unshare', asService(jail, [...program, 'run']), { env }));
      closers.push(() => gateway.kill());
      const { addresses } = await gateway.line((line) => line['event'] === 'ready', READY_TIMEOUT_MS);
      assert.equal(addresses, ['127.0.0.1:443']);
      const status = readFileSync(`/proc/${gateway.pid}/status`, 'utf8');
      assert.match(status, new RegExp(`^Uid:\\s+${SERVICE_USER}\\s+${SERVICE_USER}\\s`, 'm'));
      assert.match(status, /^CapEff:\s+0000000000000400$/m);
      assert.match(status, /^NoNewPrivs:\s+1$/m);
    },
  );

  inJail('a Plex home: certificate, stream, names, reload, end', async ({ jail, closers }) => {
    const home = await makePlexHome();
    closers.push(() => home.close());
    cpSync(home.dataDir, join(jail.root, 'plex'), { recursive: true });
    const dnsPort = await freePort();
    const configure = (log: string) =>
      writeFileSync(
        join(jail.root, 'etc/lockgate.toml'),
        [
          `[server]\nurl = "${home.plex.url}"\ndata_dir = "/plex"`,
          '[listen]\naddresses = ["127.0.0.1"]\nport = 0',
          `[dns]\nlisten = ["127.0.0.1:${dnsPort}"]\ngateway_addresses = ["192.168.77.1"]`,
          '[remote]\npublic_address = "none"',
          `[log]\nlevel = "${log}"\n`,
        ].join('\n'),
      );
    mkdirSync(join(jail.root, 'etc'), { recursive: true });
    configure('info');
    const env = { LOCKGATE_CONFIG: '/etc/lockgate.toml', LOCKGATE_STATE: '/state', ...RUNTIME_ENVIRONMENT };

    const started = performance.now();
    const gateway = new RunningProgram(jail.start([...program, 'run'], { env }));
    closers.push(() => gateway.kill());
    await gateway.line((line) => line['event'] === 'ready', READY_TIMEOUT_MS);
    await gateway.line((line) => line['state'] === 'claimed', READY_TIMEOUT_MS);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);

    const caFile = join(jail.root, 'root.pem');
    writeFileSync(caFile, home.rootPem);
    const authority = `${home.name('127-0-0-1')}:${gateway.port}`;
    const secure = [
      '--cacert',
      caFile,
      '--resolve',
      `${authority}:127.0.0.1`,
      '--header',
      `X-Plex-Token: ${OWNER_TOKEN}`,
    ];
    assert.is((await curl(...secure, `https://${authority}/library/sections`)).status, 200);
    const memory = memoryOf(gateway.pid);
    console.log(`program for ${architecture}: ready and claimed after ${seconds} s, ${memory}`);

    const name = home.name('192-168-77-1');
    assert.is(output('dig', '@127.0.0.1', '-p', String(dnsPort), '+short', '+tries=3', name).trim(), '192.168.77.1');

    configure('debug');
    gateway.signal('SIGHUP');
    await gateway.line((line) => line['event'] === 'reloaded', READY_TIMEOUT_MS);
    assert.is((await curl(...secure, `https://${authority}/library/sections`)).status, 200);

    gateway.signal('SIGTERM');
    assert.is(await gateway.ended(READY_TIMEOUT_MS), 0);
  });

  // An emulated process does not know what started it.
  if (emulator === undefined) {
    inJail('it starts workers like itself', async ({ jail, closers }) => {
      const toml = [
        '[server]\nkind = "generic"\nurl = "http://127.0.0.1:9"',
        '[listen]\naddresses = ["127.0.0.1"]\nport = 0',
        '[dns]\nenabled = false\n[remote]\npublic_address = "none"\n[run]\nworkers = 2\n',
      ].join('\n');
      mkdirSync(join(jail.root, 'etc'), { recursive: true });
      writeFileSync(join(jail.root, 'etc/workers.toml'), toml);
      const env = { LOCKGATE_CONFIG: '/etc/workers.toml', LOCKGATE_STATE: '/state-of-workers' };
      const gateway = new RunningProgram(jail.start([...program, 'run'], { env }));
      closers.push(() => gateway.kill());
      await gateway.line((line) => line['event'] === 'ready', READY_TIMEOUT_MS);
      assert.is((await curl('--insecure', `https://127.0.0.1:${gateway.port}/.lockgate/health`)).status, 200);
      gateway.signal('SIGTERM');
      assert.is(await gateway.ended(READY_TIMEOUT_MS), 0);
    });
  }

  test.run();
}

/** A network of its own, the service's user and capabilities (openwrt/files/etc/capabilities), the jail; what entering it takes is given up. */
function asService({ root }: Jail, command: readonly string[]): string[] {
  const both = (list: string) => [`--inh-caps=${list}`, `--ambient-caps=${list}`];
  const user = [`--reuid=${SERVICE_USER}`, `--regid=${SERVICE_USER}`, '--clear-groups', '--no-new-privs'];
  const rights = '-all,+net_bind_service,+sys_chroot';
  const enter = ['setpriv', ...user, ...both(rights), `--bounding-set=${rights}`, '/usr/sbin/chroot', root];
  const inside = ['/bin/busybox', 'setpriv', '--inh-caps', '-sys_chroot', '--ambient-caps', '-sys_chroot'];
  return ['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...enter, ...inside, ...command];
}

/** A script starts the loader by its path: there, the emulator is put before it. */
function emulateLoader({ root }: Jail, loader: string): void {
  const path = join(INSTALL_FOLDER, 'lib', loader);
  renameSync(join(root, path), join(root, `${path}.true`));
  writeFileSync(join(root, path), `#!/bin/sh\nexec /emulator ${path}.true "$@"\n`, { mode: 0o755 });
}

function whyNotHere(emulator: string | undefined): string | undefined {
  if (emulator !== undefined && !hasCommand(emulator)) return `${emulator} is not installed`;
  return whyNoJail();
}

/** Resident memory, all and private. */
function memoryOf(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (field: string) =>
    Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024);
  return `${mebibytes('VmRSS')} MiB resident, ${mebibytes('RssAnon')} of them its own`;
}
