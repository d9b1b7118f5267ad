/** The command line: finds the command, reads its options, prints errors as one sentence. */
import { parseArgs } from 'node:util';
import { type Command, type CommandContext, EXIT_DONE, EXIT_NO, EXIT_USAGE } from './commands/command.ts';
import { COMMANDS, INNER_COMMANDS } from './commands/index.ts';
import { GatewayError, messageOf } from './lib/errors.ts';
import { nearestWord } from './lib/nearest-word.ts';
import { terminalText } from './lib/terminal-text.ts';

const DEFAULT_CONFIG_PATH = '/etc/lockgate/lockgate.toml';

const COMMON_OPTIONS = {
  config: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Runs one command line (without the program's name) and answers its exit status. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return printHelp(rest[0]);
  const commands = [...COMMANDS, ...INNER_COMMANDS];
  const command = commands.find((candidate) => candidate.name === (name === '--version' ? 'version' : name));
  if (command === undefined) return refuseCommand(name);
  const output = new Output(rest.includes('--json'));
  try {
    const context = readArguments(command, rest, output);
    if (context === undefined) return printHelp(command.name);
    return await (await command.load()).run(context);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    output.refuse(`lockgate ${command.name}`, error);
    return error.exitStatus;
  }
}

/** What a command writes. With `--json`, standard output is one document, whatever happens. */
class Output {
  readonly #isJson: boolean;
  #isEmpty = true;

  constructor(isJson: boolean) {
    this.#isJson = isJson;
  }

  readonly print = (line: string): void => {
    this.#isEmpty = false;
    print(line);
  };

  /** Says why there is no result: one sentence with its remedy; where the answer is no, the remedy is the `next:` line. */
  refuse(subject: string, error: GatewayError): void {
    const { message, hint } = error;
    if (this.#isJson && this.#isEmpty) print(JSON.stringify({ error: message, hint: hint ?? null }));
    if (error.exitStatus !== EXIT_NO) {
      complain(`${subject}: ${error.sentence}`);
      return;
    }
    complain(`${subject}: ${message}`);
    complain(`next: ${hint ?? 'run lockgate doctor'}`);
  }
}

/** The context that the arguments describe; undefined when they ask for help. Throws `usage`. */
function readArguments(command: Command, argv: readonly string[], { print }: Output): CommandContext | undefined {
  const { values, positionals } = parseOrExplain(command, argv);
  if (values['help'] === true) return undefined;
  const [least, most] = command.operands ?? [0, 0];
  if (positionals.length < least || positionals.length > most) {
    throw new GatewayError('usage', `it is used as: lockgate ${command.name} ${command.synopsis}`.trimEnd());
  }
  const named = values['config'] ?? process.env['LOCKGATE_CONFIG'];
  return {
    configPath: typeof named === 'string' ? named : DEFAULT_CONFIG_PATH,
    configPathIsExplicit: typeof named === 'string',
    json: values['json'] === true,
    options: values,
    operands: positionals,
    env: process.env,
    print,
    complain,
  };
}

function parseOrExplain(command: Command, argv: readonly string[]) {
  const options = { ...COMMON_OPTIONS, ...command.options };
  try {
    const parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
    return { values: parsed.values as Record<string, string | boolean | undefined>, positionals: parsed.positionals };
  } catch (cause) {
    const unknown = /Unknown option '(--?[^']+)'/.exec(messageOf(cause))?.[1];
    if (unknown === undefined) throw new GatewayError('usage', messageOf(cause).split('. ')[0] ?? '', { cause });
    const near = nearestWord(unknown.replace(/^-+/, ''), Object.keys(options));
    throw new GatewayError('usage', `unknown option ${unknown}`, {
      hint: near === undefined ? `see lockgate ${command.name} --help` : `did you mean --${near}?`,
      cause,
    });
  }
}

function refuseCommand(name: string): number {
  const near = nearestWord(
    name,
    COMMANDS.map((command) => command.name),
  );
  complain(
    `lockgate: unknown command ${JSON.stringify(name)} (${near === undefined ? 'see lockgate --help' : `did you mean ${near}?`})`,
  );
  return EXIT_USAGE;
}

function printHelp(name: string | undefined): number {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command !== undefined) {
    print(`usage: lockgate ${command.name} ${command.synopsis} [--config PATH] [--json]`.replace(/ {2,}/g, ' '));
    print(`\n${command.summary}`);
    return EXIT_DONE;
  }
  print(`lockgate - a TLS gateway for the media server you already run

usage: lockgate COMMAND [--config PATH] [--json]
`);
  for (const { name: label, synopsis, summary } of COMMANDS) {
    print(`  ${label} ${synopsis}`.trimEnd());
    print(`      ${summary}`);
  }
  print(`
--config PATH   the file to read (default ${DEFAULT_CONFIG_PATH}, or $LOCKGATE_CONFIG)
--json          machine-readable output

Exit status: 0 done, 1 the answer is no, 2 wrong usage, 3 cannot start, 70 a defect.`);
  return EXIT_DONE;
}

function print(line: string): void {
  process.stdout.write(`${terminalText(line)}\n`);
}

function complain(line: string): void {
  process.stderr.write(`${terminalText(line)}\n`);
}
