/** curl as a client: an independent reading of HTTP and TLS. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TIMEOUT_SECONDS = 30;

export interface CurlAnswer {
  /** 0: curl saw a whole answer. 18: a partial one, 35 and 60: TLS trouble, 52: an empty one. */
  readonly exit: number;
  readonly status: number;
  /** Lower-case names; of repeated ones the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Runs curl with `args`; never follows redirects. */
export async function curl(...args: readonly string[]): Promise<CurlAnswer> {
  const argv = ['--silent', '--show-error', '--include', '--max-time', String(TIMEOUT_SECONDS), ...args];
  const { exit, stdout } = await run('curl', argv, { maxBuffer: 64 * 1024 * 1024, encoding: 'latin1' }).then(
    (done) => ({ exit: 0, stdout: done.stdout }),
    (error: { code: number; stdout: string }) => ({ exit: error.code, stdout: error.stdout }),
  );
  return { exit, ...parse(stdout) };
}

/** The last head (100 Continue may come first) and what follows it. */
function parse(text: string): Omit<CurlAnswer, 'exit'> {
  let rest = text;
  let head = '';
  while (/^HTTP\/[\d.]+ \d/.test(rest)) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) break;
    head = rest.slice(0, end);
    rest = rest.slice(end + 4);
    if (!/^HTTP\/[\d.]+ 1/.test(head)) break;
  }
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body: rest };
}
