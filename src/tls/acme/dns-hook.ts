/** Publishes TXT records through a program of the user's: `HOOK present|cleanup NAME. VALUE`, as other ACME clients call theirs. */
import { spawn } from 'node:child_process';
import { messageOf } from '../../lib/errors.ts';
import type { Publisher, TxtRecord } from './dns-record.ts';
import { AcmeProblem, shorten } from './problem.ts';

/** Interfaces of providers are slow, and some hooks wait until the record is everywhere. */
const TIMEOUT_MS = 5 * 60_000;
const MAX_OUTPUT_CHARS = 4096;

/** Runs `program`, without a shell. Rejects when it cannot be run, fails, or takes longer than five minutes. */
export function hookPublisher(program: string): Publisher {
  return {
    publish: (record, signal) => run(program, 'present', record, signal),
    withdraw: (record) => run(program, 'cleanup', record),
  };
}

function run(program: string, action: 'present' | 'cleanup', record: TxtRecord, signal?: AbortSignal): Promise<void> {
  const { name, value, proves } = record;
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown) => reject(hookProblem(program, action, reason, cause));
    const child = spawn(program, [action, `${name}.`, value], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // The words that hooks of the other kind look for.
      env: { ...process.env, CERTBOT_DOMAIN: proves, CERTBOT_VALIDATION: value },
      // A group of its own: what the program started ends with it.
      detached: true,
    });
    const kill = () => killGroup(child.pid);
    const deadline = setTimeout(() => {
      kill();
      fail(`it did not end within ${TIMEOUT_MS / 60_000} minutes`);
    }, TIMEOUT_MS);
    signal?.addEventListener('abort', kill);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-MAX_OUTPUT_CHARS);
    });
    child.once('error', (cause) => fail(messageOf(cause), cause));
    child.once('close', (status, killedBy) => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', kill);
      if (status === 0) resolve();
      else fail(`it ended with ${killedBy ?? `status ${status}`}${said.trim() === '' ? '' : `: ${lastLine(said)}`}`);
    });
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

function lastLine(text: string): string {
  return shorten(text.trim().split('\n').at(-1) ?? '');
}

function hookProblem(program: string, action: string, reason: string, cause: unknown): AcmeProblem {
  return new AcmeProblem({
    type: 'hook',
    detail: `[acme] hook: ${JSON.stringify(program)} ${action}: ${reason}`,
    hint: 'run it by hand as the user of the service, with the same words: it must end with status 0',
    cause,
  });
}
