/** `lockgate init`: looks around and writes the shortest commented file; never over an existing one. */
import { constants } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { defaultConfig } from '../config/schema.ts';
import { type ResolverAddress, readResolvConf } from '../dns/diagnose.ts';
import type { Situation } from '../gateway/situation.ts';
import { surveySituation, withSurvey } from '../gateway/survey.ts';
import { GatewayError, messageOf, systemCodeOf } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { listen } from '../net/listen.ts';
import { nameOf } from '../server/server-state.ts';
import { USUAL_DATA_FOLDERS } from '../tls/plex-data-folder.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';
import { stateFolderOf } from './load.ts';

/** The server's own port first: then apps need no change. */
const OTHER_PORTS = [32443, 32444, 32445];
const FILE_MODE = 0o600;
const RESOLV_CONF = '/etc/resolv.conf';

/** What a look around brought. */
interface Found {
  readonly situation: Situation;
  readonly dataFolder: string | undefined;
  readonly port: number;
  readonly resolvers: readonly ResolverAddress[];
}

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const config = defaultConfig();
  const stateDir = stateFolderOf(config, context.env);
  const openwrtLanNetworks = context.env['LOCKGATE_LAN_NETWORKS'];
  const found = await withSurvey({ config, stateDir, openwrtLanNetworks }, async (survey) => {
    const situation = await surveySituation(survey, undefined);
    return { situation, dataFolder: survey.parts.plexHome.dataFolder };
  });
  const port = await freePort(found.situation);
  const resolvers = readResolvConf(await readFile(RESOLV_CONF, 'utf8').catch(() => ''));
  const text = fileFor({ ...found, port, resolvers });
  await writeNew(context.configPath, text);
  if (context.json)
    context.print(JSON.stringify({ written: context.configPath, port, server: found.situation.server.url ?? null }));
  else {
    context.print(`${context.configPath}:\n`);
    context.print(text);
    context.print(`next: read the file, then lockgate check and lockgate run`);
  }
  return EXIT_DONE;
}

async function freePort({ server, serverAddress, ownAddresses }: Situation): Promise<number> {
  const isElsewhere =
    serverAddress !== undefined &&
    !serverAddress.startsWith('127.') &&
    serverAddress !== '::1' &&
    !ownAddresses.includes(serverAddress);
  const candidates = isElsewhere ? [server.kind.defaultPort, ...OTHER_PORTS] : OTHER_PORTS;
  for (const port of candidates) {
    try {
      (await listen({ addresses: ['0.0.0.0'], ports: [port], log: silentLog }, (socket) => socket.destroy())).close();
      return port;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
    }
  }
  return OTHER_PORTS[0] ?? 0;
}

/** What was found, with its default left out and its reason beside it. */
function fileFor(found: Found): string {
  const { situation, port } = found;
  const { networks, reason } = situation.lan;
  return [
    '# lockgate: what is not here has its default; all keys are in docs/configuration.md.',
    '',
    '[server]',
    ...serverLines(found),
    '',
    '[listen]',
    `port = ${port}`,
    '',
    `# LAN: ${networks.join(', ') || 'none'} (${reason})`,
    `# Resolver: ${resolverNote(found.resolvers)}`,
    '',
  ].join('\n');
}

function serverLines({ situation, dataFolder }: Found): string[] {
  const { kind, url, identity, state, candidates } = situation.server;
  const others = candidates.map((other) => `# url = ${quoted(other.url)}   # ${plain(nameOf(other))}`);
  if (state === 'unknown') {
    return others.length > 0
      ? ['# Several media servers were found. Take the # away from yours:', ...others]
      : ['# No media server was found. Name yours:', '# url = "http://192.168.1.10:32400"'];
  }
  const lines = [
    `# ${kind.title}${identity?.name === undefined ? '' : ` "${plain(identity.name)}"`}`,
    `url = ${quoted(url ?? '')}`,
  ];
  const isUnusual = dataFolder !== undefined && !USUAL_DATA_FOLDERS.includes(dataFolder);
  return isUnusual ? [...lines, `data_dir = ${quoted(dataFolder)}`] : lines;
}

function resolverNote(resolvers: readonly ResolverAddress[]): string {
  const [first] = resolvers;
  if (first === undefined) return 'none is set on this machine';
  const isHere = first.address.startsWith('127.') || first.address === '::1';
  const where = isHere ? 'one runs on this machine; if the LAN uses it' : `${first.address}; if the LAN uses it, too`;
  return `${where}: lockgate snippet shows the lines for it, lockgate doctor whether it needs them`;
}

/** A TOML basic string: JSON's escapes are TOML's. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Names are others' words: one line, no control characters. */
function plain(text: string): string {
  return text.replace(/\p{C}/gu, ' ');
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, FILE_MODE);
    await file.writeFile(text);
    await file.close();
  } catch (cause) {
    if (systemCodeOf(cause) === 'EEXIST') {
      throw new GatewayError('refused', `${path} exists already and stays as it is`, {
        hint: 'edit it, or move it away first',
        cause,
      });
    }
    throw new GatewayError('permission', `${path} cannot be written: ${messageOf(cause)}`, {
      hint: 'run it as root, or name another file with --config',
      cause,
    });
  }
}
