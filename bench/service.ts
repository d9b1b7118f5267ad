/** A program that serves a port until it is stopped. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 12_000;
const POLL_MS = 20;
const MAX_OUTPUT_BYTES = 64 * 1024;

export interface ServiceOptions {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly port: number;
  readonly env?: NodeJS.ProcessEnv;
  /** What it prints when it is ready; absent: it is when its port takes connections. */
  readonly readyWords?: string;
}

export interface Service {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** From the start of the program until it is ready. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** Starts the program and waits until it is ready. Rejects with what it printed when it ends before. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { name, command, port, env, readyWords } = options;
  const [file, ...argv] = command;
  const startedMs = performance.now();
  let readyMs: number | undefined;
  let output = '';
  const child = spawn(file, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Little, as from a service manager: a desktop's variables may add authorities to read, or proxies.
    env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, HOME: process.env['HOME'], ...env },
  });
  const collect = (chunk: Buffer) => {
    if (output.length < MAX_OUTPUT_BYTES) output += chunk.toString('latin1');
    if (readyWords !== undefined && output.includes(readyWords)) readyMs ??= performance.now() - startedMs;
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  let isOver = false;
  const end = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  }).then(() => {
    isOver = true;
  });
  while (readyMs === undefined) {
    if (isOver) throw new Error(`${name} did not start:\n${output}`);
    if (performance.now() - startedMs > START_TIMEOUT_MS) {
      child.kill('SIGKILL');
      throw new Error(`${name} does not listen:\n${output}`);
    }
    await sleep(POLL_MS);
    // Words are waited for without a connection, which would be work at the worst moment.
    if (readyWords === undefined && (await isListening(port))) readyMs = performance.now() - startedMs;
  }
  const stop = async () => {
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await end;
    clearTimeout(kill);
  };
  return { name, port, pid: child.pid ?? 0, readyMs, stop };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
