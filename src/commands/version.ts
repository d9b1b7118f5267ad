/** `lockgate version`: version, Node version, build target. */
import { VERSION } from '../lib/version.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';

/** Runs the command; the number is the exit status. */
export async function run({ json, print }: CommandContext): Promise<number> {
  const target = `${process.platform}-${process.arch}`;
  if (json) print(JSON.stringify({ version: VERSION, node: process.versions.node, target }));
  else print(`lockgate ${VERSION} (Node ${process.versions.node}, ${target})`);
  return EXIT_DONE;
}
