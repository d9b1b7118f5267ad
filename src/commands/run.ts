/** `lockgate run`: the gateway in the foreground, until SIGTERM or SIGINT. */
import { loadConfig } from '../config/load.ts';
import { renderFinding } from '../config/report.ts';
import type { Config } from '../config/schema.ts';
import { restartNotes } from '../gateway/restart-keys.ts';
import { Gateway } from '../gateway.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { StateFolder } from '../lib/state-folder.ts';
import type { GatewayLog } from '../ops/log.ts';
import type { CommandContext } from './command.ts';
import { loadFile, stateFolderOf } from './load.ts';
import type { ReloadOutcome } from './reload.ts';
import { logFor, serveUntilStopped } from './serve.ts';

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  if (context.options['demo'] === true) {
    const { runDemo } = await import('./run-demo.ts');
    return runDemo(context);
  }
  const { config, notes } = await loadFile(context);
  const log = logFor(config, context);
  for (const note of notes) log.warn({ file: note.file, line: note.line }, note.message);
  const gateway = await startGateway(config, context, log);
  return serveUntilStopped(gateway, log, { reload: () => reloadFromFile(gateway, context, log) });
}

async function startGateway(config: Config, { env }: CommandContext, log: Log): Promise<Gateway> {
  return Gateway.start({
    config,
    state: new StateFolder(stateFolderOf(config, env)),
    log,
    openwrtLanNetworks: env['LOCKGATE_LAN_NETWORKS'],
  });
}

/** Reads the file again and takes it; a file with faults changes nothing and is explained. */
async function reloadFromFile(gateway: Gateway, context: CommandContext, log: GatewayLog): Promise<ReloadOutcome> {
  try {
    const result = await loadConfig(context.configPath, { isExplicit: context.configPathIsExplicit });
    if (!result.ok) return refuse(log, result.faults.map(renderFinding));
    const later = restartNotes(gateway.startedWith, result.config);
    const said = await gateway.reload(result.config);
    log.setLevel(result.config.log.level);
    for (const note of result.notes) log.warn({ file: note.file, line: note.line }, note.message);
    for (const note of [...later, ...said]) log.warn({}, note);
    log.info({ event: 'reloaded', file: context.configPath, addresses: gateway.entrance.endpoints() }, 'reloaded');
    return {
      taken: true,
      lines: [`${context.configPath} is in force`, ...result.notes.map(renderFinding), ...later, ...said],
    };
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
