/** `lockgate doctor`: tests the whole chain and says what to change; runs without the gateway too. */
import { readFile } from 'node:fs/promises';
import type { Config } from '../config/schema.ts';
import { splitSocket } from '../config/values.ts';
import { diagnoseDns, PUBLIC_RESOLVERS, type ResolverAddress, readResolvConf } from '../dns/diagnose.ts';
import { dnsFacts } from '../gateway/dns-facts.ts';
import { beginRouterLook, doctorChecks } from '../gateway/doctor-checks.ts';
import { judge } from '../gateway/situation.ts';
import type { StatusReport } from '../gateway/status.ts';
import { type Survey, surveySituation, withSurvey } from '../gateway/survey.ts';
import { workersCheckIn } from '../gateway/workers-check.ts';
import { GatewayError } from '../lib/errors.ts';
import { type Check, hasFault, renderChecks } from '../ops/check.ts';
import { askControl } from '../ops/control.ts';
import { type CommandContext, EXIT_DONE, EXIT_NO } from './command.ts';
import { loadFile, stateFolderOf } from './load.ts';

/** For the C library, which else waits 10 s for each resolver that is silent, and cannot be told to give up (resolv.conf(5)). */
const IMPATIENT_RESOLVER = 'timeout:1 attempts:1';
const RESOLV_CONF = '/etc/resolv.conf';

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  process.env['RES_OPTIONS'] ??= IMPATIENT_RESOLVER;
  const { config } = await loadFile(context);
  const stateDir = stateFolderOf(config, context.env);
  const running = await runningGateway(stateDir);
  const openwrtLanNetworks = context.env['LOCKGATE_LAN_NETWORKS'];
  const checks = await withSurvey({ config, stateDir, openwrtLanNetworks }, (survey) =>
    examine(survey, { config, running, isPublic: context.options['public'] === true }),
  );
  if (context.json) context.print(JSON.stringify({ checks }));
  else for (const line of renderChecks(checks)) context.print(line);
  return hasFault(checks) ? EXIT_NO : EXIT_DONE;
}

interface Examination {
  readonly config: Config;
  readonly running: StatusReport | undefined;
  readonly isPublic: boolean;
}

/** All checks, from the server to the resolvers. A further one is an entry here. */
async function examine(survey: Survey, { config, running, isPublic }: Examination): Promise<Check[]> {
  const router = beginRouterLook(survey);
  const situation = await surveySituation(survey, running?.listeners);
  const [dns, others] = await Promise.all([
    config.dns.enabled ? examineDns(survey, config, running, isPublic) : [],
    doctorChecks(survey, running, router),
  ]);
  return [...judge(situation), ...workersCheckIn(running?.checks ?? []), ...dns, ...others];
}

async function examineDns(
  { parts }: Survey,
  { dns }: Config,
  running: StatusReport | undefined,
  isPublic: boolean,
): Promise<readonly Check[]> {
  if (parts.link.monitor.snapshot.kind.name !== 'plex') return [];
  return diagnoseDns({
    facts: dnsFacts(() => parts),
    answer: dns.answer,
    listen: dns.listen,
    gateway: running === undefined ? [] : (running.dns?.listeners ?? []).flatMap(resolverAt),
    systemResolvers: readResolvConf(await readFile(RESOLV_CONF, 'utf8').catch(() => '')),
    upstreams: dns.upstreams,
    publicResolvers: isPublic ? PUBLIC_RESOLVERS : [],
  });
}

function resolverAt(socket: string): ResolverAddress[] {
  const split = splitSocket(socket);
  return split === undefined ? [] : [{ address: split.host, port: split.port }];
}

/** Undefined: none is running, or it may not be asked. */
async function runningGateway(stateDir: string): Promise<StatusReport | undefined> {
  try {
    return (await askControl(stateDir, { command: 'status' })) as StatusReport;
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}
