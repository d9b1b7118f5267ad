/** What a command of the command line is, and what it is given. */
import type { ParseArgsOptionsConfig } from 'node:util';

/** Where a command reads and writes; the same for every command, replaceable in tests. */
export interface CommandContext {
  /** The configuration file, and whether the user named it (a missing default file is an empty one). */
  readonly configPath: string;
  readonly configPathIsExplicit: boolean;
  /** `--json`: machine-readable output. */
  readonly json: boolean;
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly operands: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes one line to standard output. */
  print(line: string): void;
  /** Writes one line to standard error. */
  complain(line: string): void;
}

export interface Command {
  readonly name: string;
  /** Operands and options as `--help` shows them. */
  readonly synopsis: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Options beside `--config`, `--json` and `--help`. */
  readonly options?: ParseArgsOptionsConfig;
  /** How many operands it takes at least and at most. */
  readonly operands?: readonly [number, number];
  /** The file that does it. */
  load(): Promise<{ run(context: CommandContext): Promise<number> }>;
}

export const EXIT_DONE = 0;
export const EXIT_NO = 1;
export const EXIT_USAGE = 2;
