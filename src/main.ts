/** The entry: runs the command line and turns a defect into a logged, flushed end with status 70. */
import { runCommandLine } from './cli.ts';
import { ERROR_EXIT_STATUS, systemCodeOf } from './lib/errors.ts';
import { redact } from './lib/redact.ts';

function endOnDefect(error: unknown): void {
  const story = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // Synchronous, so that the words are out before the process is.
  process.stderr.write(`${JSON.stringify({ level: 'error', event: 'defect', message: redact(story) })}\n`);
  process.exit(ERROR_EXIT_STATUS.defect);
}

/** A reader that has seen enough (`lockgate status | head -1`) is no defect, and no reason to stop; a full disk is one to say so. */
function onOutputError(error: Error): void {
  if (systemCodeOf(error) === 'EPIPE') return;
  process.stderr.write(`lockgate: standard output cannot be written: ${error.message}\n`);
  process.exit(1);
}

process.stdout.on('error', onOutputError);
process.stderr.on('error', () => {});
process.on('uncaughtException', endOnDefect);
process.on('unhandledRejection', endOnDefect);

runCommandLine(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
  // Questions that nobody waits for any more would keep the process for seconds.
  process.stdout.write('', () => process.exit());
}, endOnDefect);
