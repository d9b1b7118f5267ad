/** `lockgate explain`: the decision that a request would get, the rule that made it, the facts, and the line that would change it. */
import type { Explanation, Supposition } from '../access/explain.ts';
import { withSurvey } from '../gateway/survey.ts';
import { GatewayError } from '../lib/errors.ts';
import { askControl } from '../ops/control.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';
import { type LoadedFile, loadFile, stateFolderOf } from './load.ts';

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const file = await loadFile(context);
  const supposition = suppositionOf(context);
  const { explanation, source } = await explain(supposition, file, context);
  if (context.json) context.print(JSON.stringify({ ...explanation, source }));
  else for (const line of render(explanation, source)) context.print(line);
  return EXIT_DONE;
}

function suppositionOf({ options }: CommandContext): Supposition {
  const text = (name: string) => (typeof options[name] === 'string' ? options[name] : undefined);
  const from = text('from');
  if (from === undefined) throw new GatewayError('usage', 'who asks is missing', { hint: 'add --from ADDRESS' });
  return {
    from,
    host: text('host'),
    path: text('path'),
    method: text('method'),
    isPlain: options['plain'] === true,
    token: text('token'),
    origin: text('origin'),
    hasSession: options['session'] === true,
    forwardedFor: text('forwarded-for'),
  };
}

type Source =
  | 'the running gateway'
  | 'the file alone: no gateway is running, and the media server is taken to be claimed';

/** The running gateway knows best; without one the file has to do. */
async function explain(
  supposition: Supposition,
  { config }: LoadedFile,
  { env }: CommandContext,
): Promise<{ explanation: Explanation; source: Source }> {
  const stateDir = stateFolderOf(config, env);
  try {
    const explanation = (await askControl(stateDir, { command: 'explain', ...supposition })) as Explanation;
    return { explanation, source: 'the running gateway' };
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'not-running') throw error;
  }
  const openwrtLanNetworks = env['LOCKGATE_LAN_NETWORKS'];
  const explanation = await withSurvey(
    { config, stateDir, assumeClaimed: true, openwrtLanNetworks },
    ({ gate, parts }) => {
      const address = parts.site.lanAddresses[0] ?? '127.0.0.1';
      return gate.explain(supposition, { address, port: config.listen.port[0] ?? 0 });
    },
  );
  return { explanation, source: 'the file alone: no gateway is running, and the media server is taken to be claimed' };
}

function render({ rule, outcome, facts, change }: Explanation, source: Source): string[] {
  const width = Math.max(...Object.keys(facts).map((name) => name.length));
  return [
    `rule      ${rule}`,
    `outcome   ${outcome}`,
    ...(change === undefined ? [] : [`to change ${change}`]),
    '',
    ...Object.entries(facts).map(([name, value]) => `  ${name.padEnd(width)}  ${shown(value)}`),
    '',
    `according to ${source}`,
  ];
}

function shown(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}
