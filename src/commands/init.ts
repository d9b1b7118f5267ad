/** `lockgate init`: looks around and writes the shortest commented file; never over an existing one. */
import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Config, defaultConfig } from '../config/schema.ts';
import type { Situation } from '../gateway/situation.ts';
import { surveySituation, withSurvey } from '../gateway/survey.ts';
import { GatewayError, messageOf, systemCodeOf } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { listen } from '../net/listen.ts';
import { USUAL_DATA_FOLDERS } from '../tls/plex-data-folder.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';
import { stateFolderOf } from './load.ts';

/** The server's own port first: then apps need no change. */
const OTHER_PORTS = [32443, 32444, 32445];
const FILE_MODE = 0o600;

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const config = defaultConfig();
  const found = await withSurvey({ config, stateDir: stateFolderOf(config, context.env) }, async (survey) => {
    const situation = await surveySituation(survey, undefined);
    return { situation, dataFolder: survey.parts.plexHome.dataFolder };
  });
  const port = await freePort(found.situation);
  const text = fileFor(config, found.situation, found.dataFolder, port);
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

function fileFor(config: Config, { server, lan }: Situation, dataFolder: string | undefined, port: number): string {
  const { kind, url, identity, state, candidates } = server;
  const isFound = state !== 'unknown';
  const lines = [
    '# lockgate: all keys and what they mean are in docs/configuration.md; what is not here has its default.',
    '',
    '[server]',
  ];
  if (isFound)
    lines.push(
      `# ${kind.title}${identity?.name === undefined ? '' : ` "${identity.name}"`}`,
      `url = ${JSON.stringify(url)}`,
    );
  else lines.push('# No media server was found. Name yours:', '# url = "http://192.168.1.10:32400"');
  for (const other of candidates)
    lines.push(`# url = ${JSON.stringify(other.url)}   # ${other.identity.name ?? other.identity.id}`);
  if (dataFolder !== undefined && !USUAL_DATA_FOLDERS.includes(dataFolder))
    lines.push(`data_dir = ${JSON.stringify(dataFolder)}`);
  lines.push('', '[listen]', `port = ${port}`);
  lines.push('', `# LAN: ${lan.networks.join(', ') || 'none'} (${lan.reason})`);
  if (port === config.listen.port[0] && !isFound) lines.push('');
  return `${lines.join('\n').trimEnd()}\n`;
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
