/** Reads a secret: without echo from a terminal, else the first line of standard input. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { GatewayError } from '../lib/errors.ts';

const MAX_LINE_LENGTH = 4096;

/** Asks `question` on standard error, so that standard output holds the command's result alone. Throws `usage` when nothing comes. */
export async function askSecret(question: string): Promise<string> {
  const isTerminal = process.stdin.isTTY === true;
  if (isTerminal) process.stderr.write(question);
  // readline edits the line; what it would echo goes nowhere.
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silence, terminal: isTerminal });
  lines.on('SIGINT', () => lines.close());
  try {
    const line = await firstLine(lines);
    if (line === undefined) throw new GatewayError('usage', 'nothing was typed');
    if (line.length > MAX_LINE_LENGTH)
      throw new GatewayError('usage', `a line of more than ${MAX_LINE_LENGTH} characters`);
    return line;
  } finally {
    lines.close();
    if (isTerminal) process.stderr.write('\n');
  }
}

function firstLine(lines: ReturnType<typeof createInterface>): Promise<string | undefined> {
  return new Promise((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(undefined));
  });
}
