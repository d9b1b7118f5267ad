/** What most commands begin with: the configuration file, read and explained, and the state folder it names. */
import { loadConfig } from '../config/load.ts';
import { type Finding, findingsToJson, renderFinding } from '../config/report.ts';
import { type Config, defaultConfig } from '../config/schema.ts';
import { GatewayError } from '../lib/errors.ts';
import type { CommandContext } from './command.ts';

const DEFAULT_STATE_FOLDER = '/var/lib/lockgate';

export interface LoadedFile {
  readonly config: Config;
  readonly notes: readonly Finding[];
}

/** The configuration that the context names. All its faults are printed; then this throws `config`. */
export async function loadFile(context: CommandContext): Promise<LoadedFile> {
  const result = await loadConfig(context.configPath, { isExplicit: context.configPathIsExplicit });
  if (result.ok) return result;
  printFaults(context, result.faults);
  const count = result.faults.length;
  throw new GatewayError('config', `${context.configPath}: ${count} ${count === 1 ? 'fault' : 'faults'}`, {
    hint: 'mend the file, then lockgate check',
  });
}

function printFaults(context: CommandContext, faults: readonly Finding[]): void {
  if (context.json) context.print(JSON.stringify({ ok: false, faults: findingsToJson(faults) }));
  else for (const fault of faults) context.complain(renderFinding(fault));
}

/**
 * Where a running gateway is asked, whatever became of its file since it started: `status` and `reload` have something to say
 * about that. A file that cannot be read at all names no folder.
 */
export async function runningStateFolder({ configPath, env }: CommandContext): Promise<string> {
  const result = await loadConfig(configPath, { isExplicit: false }).catch((error: unknown) => {
    if (error instanceof GatewayError) return undefined;
    throw error;
  });
  const config = result?.ok === false ? result.readable : result?.config;
  return stateFolderOf(config ?? defaultConfig(), env);
}

/** `[state] dir`, else $LOCKGATE_STATE, else the default. */
export function stateFolderOf(config: Config, env: CommandContext['env']): string {
  return config.state.dir || env['LOCKGATE_STATE'] || DEFAULT_STATE_FOLDER;
}
