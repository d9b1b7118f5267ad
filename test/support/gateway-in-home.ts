/** The built program on the host of a home in network namespaces, with a Plex stand-in on the LAN and services on the "Internet". */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePkcs12, makePlexCertificate, PLEX_PROCESSED_IDENTIFIER, plexPreferencesXml } from './certificates.ts';
import { end, type Home, makeHome, OUTSIDE, said, type Uplink } from './home-network.ts';
import type { Namespace } from './netns.ts';
import { type Outcome, RunningProgram } from './program.ts';

const PROGRAM = 'build/lockgate';
const SERVER_NUMBER = 20;
const COMMAND_TIMEOUT_MS = 60_000;

export interface GatewayHome extends Home {
  readonly folder: string;
  /** The machine of the media server: 192.168.7.20 at first. */
  readonly server: Namespace;
  configure(toml: string): void;
  /** Writes the settings of the media server, which the gateway can read. */
  setPreferences(attributes: Readonly<Record<string, string>>): void;
  startServer(address?: string): Promise<void>;
  /** The media server runs beside the gateway instead; `address`: the wildcard, or loopback. */
  startServerHere(address: string): Promise<void>;
  stopServer(): Promise<void>;
  /** Starts `lockgate run` on the host, and waits for its ready line. */
  run(): Promise<RunningProgram>;
  /** Runs a command of the program on the host. */
  command(...argv: string[]): Promise<Outcome>;
}

/** `holdsCertificate`: the gateway has a copy of the server's data folder. */
export async function makeGatewayHome(
  uplink: Uplink,
  options: { readonly holdsCertificate?: boolean } = {},
): Promise<GatewayHome> {
  const home = await makeHome(uplink);
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-home-'));
  const certificate = makePlexCertificate({ key: 'ec' });
  writeFileSync(join(folder, 'key.pem'), certificate.keyPem);
  writeFileSync(join(folder, 'chain.pem'), certificate.certificatePem + certificate.chainPem);
  const dataDir = join(folder, 'data');
  mkdirSync(join(dataDir, 'Cache'), { recursive: true });
  if (options.holdsCertificate === true) writeFileSync(join(dataDir, 'Cache', 'cert-v2.p12'), makePkcs12(certificate));
  const server = await home.addHost(SERVER_NUMBER);
  const internet = home.outside.start(process.execPath, 'test/support/outside-services.ts', OUTSIDE);
  await said(internet, /ready/);
  const gateways: RunningProgram[] = [];
  const config = join(folder, 'lockgate.toml');
  const environment = [`LOCKGATE_CONFIG=${config}`, `LOCKGATE_STATE=${join(folder, 'state')}`];
  let plex: ChildProcess | undefined;

  return {
    ...home,
    folder,
    server,
    configure: (toml) => writeFileSync(config, toml),
    setPreferences: (attributes) => writeFileSync(join(dataDir, 'Preferences.xml'), plexPreferencesXml(attributes)),
    async startServer(address = `192.168.7.${SERVER_NUMBER}`) {
      const script = 'test/support/plex-in-namespace.ts';
      plex = server.start(process.execPath, script, address, folder, PLEX_PROCESSED_IDENTIFIER);
      await said(plex, /ready/);
    },
    async startServerHere(address) {
      const script = 'test/support/plex-in-namespace.ts';
      plex = home.host.start(process.execPath, script, address, folder, PLEX_PROCESSED_IDENTIFIER);
      await said(plex, /ready/);
    },
    async stopServer() {
      if (plex !== undefined) await end(plex);
    },
    async run() {
      const program = new RunningProgram(home.host.start('env', ...environment, PROGRAM, 'run'));
      gateways.push(program);
      await program.line((line) => line['event'] === 'ready');
      return program;
    },
    async command(...argv) {
      const child = home.host.start('env', ...environment, PROGRAM, ...argv);
      const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS);
      let [stdout, stderr] = ['', ''];
      child.stdout?.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
      });
      child.stderr?.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      const [status] = (await once(child, 'close')) as [number | null];
      clearTimeout(timer);
      return { status, stdout, stderr };
    },
    async close() {
      for (const gateway of gateways) await gateway.kill();
      if (plex !== undefined) await end(plex);
      await end(internet);
      await home.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
