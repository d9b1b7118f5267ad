/** The entry: runs the command line and turns a defect into a logged, flushed end with status 70. */
import { runCommandLine } from './cli.ts';
import { ERROR_EXIT_STATUS } from './lib/errors.ts';
import { redact } from './lib/redact.ts';

function endOnDefect(error: unknown): void {
  const story = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // Synchronous, so that the words are out before the process is.
  process.stderr.write(`${JSON.stringify({ level: 'error', event: 'defect', message: redact(story) })}\n`);
  process.exit(ERROR_EXIT_STATUS.defect);
}

process.on('uncaughtException', endOnDefect);
process.on('unhandledRejection', endOnDefect);

runCommandLine(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
}, endOnDefect);
