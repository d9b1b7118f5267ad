/** What `run` and its demo share: the log, the ready line, the control socket, and waiting for a signal. */
import { listWarning, reasonInWords } from '../access/networks.ts';
import type { Config } from '../config/schema.ts';
import type { Gateway } from '../gateway.ts';
import { keepMemoryLow } from '../lib/memory-keeper.ts';
import { VERSION } from '../lib/version.ts';
import { serveControl } from '../ops/control.ts';
import { createLog, type GatewayLog } from '../ops/log.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';
import type { ReloadOutcome } from './reload.ts';

const STDOUT = 1;

/** The log as `[log]` has it. */
export function logFor(config: Config, { json }: CommandContext): GatewayLog {
  const format = json ? 'json' : config.log.format;
  return createLog({ level: config.log.level, format, fd: STDOUT, isTerminal: process.stdout.isTTY === true });
}

/** The line that says that every listener is up, and what an operator should know at once. */
function sayReady(gateway: Gateway, log: GatewayLog): void {
  const { certificates, site, config, link } = gateway.parts;
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
      dns: gateway.dns?.addresses() ?? [],
      names: certificates.facts().flatMap(({ names }) => names),
      lan: site.view.lan.networks,
      server: link.monitor.snapshot.url ?? 'searching',
      state: link.monitor.snapshot.state,
      list: `${list.isInForce ? 'in force' : 'ignored'} (${list.because}: ${reasonInWords(list)})`,
    },
    'ready',
  );
}

/** Serves the control socket, says ready and waits for a signal; SIGHUP reloads, SIGTERM and SIGINT drain and end. */
export async function serveUntilStopped(
  gateway: Gateway,
  log: GatewayLog,
  { reload, onReady }: { readonly reload: () => Promise<ReloadOutcome>; readonly onReady?: () => void },
): Promise<number> {
  const control = await serveControl(gateway.stateDir, {
    reload,
    status: async () => gateway.status(),
    explain: async (question) => gateway.explain(question),
    setup: async (question) => gateway.setup(question),
    'reload-certificates': async () => gateway.parts.certificates.reload(),
  }).catch(async (error: unknown) => {
    await gateway.stop();
    throw error;
  });
  // Before anybody hears that it is ready: a signal that nobody takes would end it.
  process.on('SIGHUP', () => void reload());
  // Without a listener Node would open a debugger, to which every user of this machine may connect.
  process.on('SIGUSR1', () => {});
  // A closed terminal or log reader is no reason to end.
  process.on('SIGPIPE', () => {});
  const toldToStop = new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  sayReady(gateway, log);
  onReady?.();
  const letMemoryGrow = keepMemoryLow();
  const signal = await toldToStop;
  letMemoryGrow();
  log.info({ event: 'stopping', signal }, 'stopping: finishing what runs');
  await control.close();
  await gateway.stop();
  log.info({ event: 'stopped' }, 'stopped');
  log.flush();
  return EXIT_DONE;
}
