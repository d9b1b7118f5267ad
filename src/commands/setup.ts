/** `lockgate setup`: prints the claim link, claims by code, or forgets the remembered server. */
import type { SetupOutcome } from '../gateway/setup.ts';
import { GatewayError } from '../lib/errors.ts';
import { askControl } from '../ops/control.ts';
import { type CommandContext, EXIT_DONE, EXIT_NO } from './command.ts';
import { runningStateFolder } from './load.ts';

/** A claim is confirmed within half a minute, or not at all. */
const TIMEOUT_MS = 60_000;

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const { code, 'new-server': newServer } = context.options;
  if (code !== undefined && newServer === true) {
    throw new GatewayError('usage', '--code and --new-server do not go together', {
      hint: 'forget the old server first',
    });
  }
  const question = { command: 'setup', newServer: newServer === true, ...(typeof code === 'string' ? { code } : {}) };
  const outcome = (await askControl(await runningStateFolder(context), question, TIMEOUT_MS)) as SetupOutcome;
  if (context.json) context.print(JSON.stringify(outcome));
  else for (const line of outcome.lines) context.print(line);
  return outcome.done ? EXIT_DONE : EXIT_NO;
}
