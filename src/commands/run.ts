/** `lockgate run`: the gateway in the foreground, until SIGTERM or SIGINT. */
import { listWarning } from '../access/networks.ts';
import { loadConfig } from '../config/load.ts';
import { renderFinding } from '../config/report.ts';
import type { Config } from '../config/schema.ts';
import { Gateway } from '../gateway.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { StateFolder } from '../lib/state-folder.ts';
import { VERSION } from '../lib/version.ts';
import { serveControl } from '../ops/control.ts';
import { createLog, type GatewayLog } from '../ops/log.ts';
import { type Command, type CommandContext, EXIT_DONE } from './command.ts';
import { loadFile, stateFolderOf } from './load.ts';
import type { ReloadOutcome } from './reload.ts';

const STDOUT = 1;

export const runCommand: Command = {
  name: 'run',
  synopsis: '[--demo]',
  summary: 'the gateway, in the foreground; --demo: with a built-in sample library and no file at all',
  options: { demo: { type: 'boolean' } },
  async run(context) {
    if (context.options['demo'] === true) {
      const { runDemo } = await import('./run-demo.ts');
      return runDemo(context);
    }
    const { config, notes } = await loadFile(context);
    const log = logFor(config, context);
    for (const note of notes) log.warn({ file: note.file, line: note.line }, note.message);
    const gateway = await startGateway(config, context, log);
    sayReady(gateway, log);
    return serveUntilStopped(gateway, log, () => reloadFromFile(gateway, context, log));
  },
};

/** The log as `[log]` has it. */
export function logFor(config: Config, { json }: CommandContext): GatewayLog {
  const format = json ? 'json' : config.log.format;
  return createLog({ level: config.log.level, format, fd: STDOUT, isTerminal: process.stdout.isTTY === true });
}

async function startGateway(config: Config, { env }: CommandContext, log: Log): Promise<Gateway> {
  return Gateway.start({
    config,
    state: new StateFolder(stateFolderOf(config, env)),
    log,
    openwrtLanNetworks: env['LOCKGATE_LAN_NETWORKS'],
  });
}

/** The line that says that every listener is up, and what an operator should know at once. */
export function sayReady(gateway: Gateway, log: Log): void {
  const { certificates, site, config, link } = gateway.parts;
  for (const { sentence, remedy } of certificates.problems()) log.warn({ remedy }, sentence);
  const { list } = gateway.gate;
  const listNote = config.access.allowed_networks.length === 0 ? undefined : listWarning(list);
  if (listNote !== undefined) log.warn({}, listNote);
  if (!config.access.require_claimed) {
    log.warn(
      {},
      'access.require_claimed is false: an unclaimed media server is served, and whoever reaches it can take it',
    );
  }
  log.info(
    {
      event: 'ready',
      version: VERSION,
      addresses: gateway.entrance.endpoints(),
      names: certificates.facts().flatMap(({ names }) => names),
      lan: site.view.lan.networks,
      server: link.monitor.snapshot.url ?? 'searching',
      state: link.monitor.snapshot.state,
      list: `${list.isInForce ? 'in force' : 'ignored'} (${list.because})`,
    },
    'ready',
  );
}

/** Serves the control socket and waits for a signal; SIGHUP reloads, SIGTERM and SIGINT drain and end. */
export async function serveUntilStopped(
  gateway: Gateway,
  log: GatewayLog,
  reload: () => Promise<ReloadOutcome>,
): Promise<number> {
  const control = await serveControl(gateway.stateDir, {
    reload,
    status: async () => gateway.status(),
    explain: async (question) => gateway.explain(question),
    setup: async (question) => gateway.setup(question),
  }).catch(async (error: unknown) => {
    await gateway.stop();
    throw error;
  });
  process.on('SIGHUP', () => void reload());
  // A closed terminal or log reader is no reason to end.
  process.on('SIGPIPE', () => {});
  const signal = await new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  log.info({ event: 'stopping', signal }, 'stopping: finishing what runs');
  await control.close();
  await gateway.stop();
  log.info({ event: 'stopped' }, 'stopped');
  log.flush();
  return EXIT_DONE;
}

/** Reads the file again and takes it; a file with faults changes nothing and is explained. */
async function reloadFromFile(gateway: Gateway, context: CommandContext, log: GatewayLog): Promise<ReloadOutcome> {
  try {
    const result = await loadConfig(context.configPath, { isExplicit: context.configPathIsExplicit });
    if (!result.ok) return refuse(log, result.faults.map(renderFinding));
    await gateway.reload(result.config);
    log.setLevel(result.config.log.level);
    for (const note of result.notes) log.warn({ file: note.file, line: note.line }, note.message);
    log.info({ event: 'reloaded', file: context.configPath, addresses: gateway.entrance.endpoints() }, 'reloaded');
    return { taken: true, lines: [`${context.configPath} is in force`, ...result.notes.map(renderFinding)] };
  } catch (error) {
    return refuse(log, [error instanceof GatewayError ? error.sentence : messageOf(error)]);
  }
}

function refuse(log: Log, faults: readonly string[]): ReloadOutcome {
  log.error({ event: 'reload-refused', faults }, 'the new configuration was not taken; the former one stays in force');
  return {
    taken: false,
    lines: [...faults, 'next: mend the file, then lockgate reload; the former configuration stays in force'],
  };
}
