/** `lockgate reload`: asks the running gateway to take the file, and says whether it did, or why not. */
import { askControl } from '../ops/control.ts';
import { type CommandContext, EXIT_DONE, EXIT_NO } from './command.ts';
import { runningStateFolder } from './load.ts';

/** What the gateway answers. */
export interface ReloadOutcome {
  readonly taken: boolean;
  /** Lines for a person: faults of the file, or what the new state is. */
  readonly lines: readonly string[];
}

/** Runs the command; the number is the exit status. */
export async function run(context: CommandContext): Promise<number> {
  const outcome = (await askControl(await runningStateFolder(context), { command: 'reload' })) as ReloadOutcome;
  if (context.json) context.print(JSON.stringify(outcome));
  else for (const line of outcome.lines) (outcome.taken ? context.print : context.complain)(line);
  return outcome.taken ? EXIT_DONE : EXIT_NO;
}
