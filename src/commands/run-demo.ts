/** `lockgate run --demo`: no file, no server; a sample library behind a gateway with a private CA. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Config, defaultConfig } from '../config/schema.ts';
import { startSampleLibrary } from '../demo/sample-library.ts';
import { endpointOf } from '../gateway/published.ts';
import { Gateway } from '../gateway.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { StateFolder } from '../lib/state-folder.ts';
import { Authority } from '../tls/authority.ts';
import type { CommandContext } from './command.ts';
import { logFor, serveUntilStopped } from './serve.ts';

const FIRST_PORT = 32443;
/** Another program may have the first ones. */
const PORTS_TO_TRY = 10;
const CA_FILE = 'lockgate-demo-ca.pem';

export async function runDemo(context: CommandContext): Promise<number> {
  const library = await startSampleLibrary();
  try {
    const config = demoConfig(library.port);
    const log = logFor(config, context);
    const state = new StateFolder(demoStateFolder(context.env));
    const gateway = await startOnFreePort(config, state, log);
    const caFile = await writeAuthority(state);
    return await serveUntilStopped(gateway, log, {
      reload: async () => ({ taken: false, lines: ['the demo has no file to reload'] }),
      onReady: () => {
        if (!context.json) for (const line of welcome(gateway, caFile)) context.complain(line);
      },
    });
  } finally {
    await library.close();
  }
}

/** Whoever is on this machine or the LAN may look at the samples. */
function demoConfig(libraryPort: number): Config {
  const config = defaultConfig();
  return {
    ...config,
    server: { ...config.server, kind: 'generic', url: `http://127.0.0.1:${libraryPort}` },
    certificate: { ...config.certificate, source: 'private-ca' },
    access: { ...config.access, allowed_networks: ['lan', 'loopback'] },
    remote: { ...config.remote, public_address: 'none' },
  };
}

/** Kept between runs, so that a CA that was trusted once stays good. */
function demoStateFolder(env: CommandContext['env']): string {
  return env['LOCKGATE_STATE'] ?? join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'lockgate-demo');
}

async function startOnFreePort(config: Config, state: StateFolder, log: Log): Promise<Gateway> {
  for (let port = FIRST_PORT; ; port += 1) {
    try {
      return await Gateway.start({
        config: { ...config, listen: { ...config.listen, port: [port] } },
        state,
        log,
        vouchForLoopback: true,
      });
    } catch (error) {
      const isTaken = error instanceof GatewayError && error.code === 'bind';
      if (!isTaken || port >= FIRST_PORT + PORTS_TO_TRY) throw error;
    }
  }
}

async function writeAuthority(state: StateFolder): Promise<string> {
  const authority = await Authority.existing(state);
  await state.write(CA_FILE, authority?.certificatePem ?? '', 0o644);
  return state.pathOf(CA_FILE);
}

function welcome(gateway: Gateway, caFile: string): string[] {
  const port = gateway.entrance.addresses()[0]?.port ?? FIRST_PORT;
  const { site, certificates } = gateway.parts;
  const [lanAddress] = site.lanAddresses;
  const name = certificates.nameForAddress('127.0.0.1');
  const lanName = lanAddress === undefined ? undefined : certificates.nameForAddress(lanAddress);
  const [resolver] = gateway.dns?.addresses() ?? [];
  return [
    '',
    'lockgate demo: a sample media library behind the gateway',
    '',
    `  open              https://127.0.0.1:${port}/   (the browser warns once: this private CA is new to it)`,
    ...(lanAddress === undefined ? [] : [`  from the LAN      https://${endpointOf(lanAddress, port)}/`]),
    `  plain HTTP        http://127.0.0.1:${port}/   (the same port, told apart by the first byte)`,
    `  its status        https://127.0.0.1:${port}/.lockgate/`,
    `  trust the CA      ${caFile}`,
    `  on your devices   http://${endpointOf(lanAddress ?? '127.0.0.1', port)}/.lockgate/trust   (the root to install, step by step)`,
    `  with curl         curl --cacert ${caFile} https://127.0.0.1:${port}/`,
    ...(name === undefined
      ? []
      : [`  a secure name     curl --cacert ${caFile} --resolve ${name}:${port}:127.0.0.1 https://${name}:${port}/`]),
    ...(lanName === undefined || resolver === undefined
      ? []
      : [`  asked by DNS      dig +short ${digServer(resolver)} ${lanName}`]),
    '  stop              Ctrl-C',
    '',
  ];
}

/** `127.0.0.1:5354` as dig takes it. */
function digServer(socket: string): string {
  const { hostname, port } = new URL(`udp://${socket}`);
  return `-p ${port} @${hostname}`;
}
