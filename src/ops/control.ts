/** The control socket: how `status`, `reload` and `explain` talk to the running gateway. One JSON line each way, mode 0600. */
import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { GatewayError, messageOf, systemCodeOf } from '../lib/errors.ts';

const SOCKET_NAME = 'control.sock';
const MAX_QUESTION_BYTES = 64 * 1024;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_CONNECTIONS = 8;
const SERVER_TIMEOUT_MS = 30_000;
/** sun_path of Linux holds 108 bytes with the final zero. */
const MAX_SOCKET_PATH_BYTES = 107;

export type ControlHandler = (question: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** Handlers by command name. */
export type ControlHandlers = Readonly<Record<string, ControlHandler>>;

export function controlSocketPath(stateDir: string): string {
  return `${stateDir.replace(/\/+$/, '')}/${SOCKET_NAME}`;
}

/** Opens the socket. Throws `bind` when another gateway already answers on it. */
export async function serveControl(stateDir: string, handlers: ControlHandlers): Promise<{ close(): Promise<void> }> {
  const path = controlSocketPath(stateDir);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new GatewayError('state', `state.dir: ${JSON.stringify(stateDir)} is too long for a Unix socket`, {
      hint: `choose a folder whose name has at most ${MAX_SOCKET_PATH_BYTES - SOCKET_NAME.length - 1} bytes`,
    });
  }
  if (await hasRunningGateway(stateDir)) {
    throw new GatewayError('bind', `another lockgate is running with the state folder ${JSON.stringify(stateDir)}`, {
      hint: 'stop it first, or give this one its own [state] dir',
    });
  }
  await rm(path, { force: true });
  const server = createServer((socket) => void serveQuestion(socket, handlers));
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, path);
  await chmod(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

/** Asks the running gateway. Throws `not-running`, `permission` or whatever error the gateway answered with. */
export async function askControl(
  stateDir: string,
  question: Readonly<Record<string, unknown>> & { readonly command: string },
  timeoutMs = SERVER_TIMEOUT_MS,
): Promise<unknown> {
  const path = controlSocketPath(stateDir);
  const answer = await exchange(path, JSON.stringify(question), timeoutMs).catch((cause: unknown) => {
    throw askError(stateDir, cause);
  });
  const reply = JSON.parse(answer) as { ok?: unknown; error?: string; hint?: string };
  if (reply.error !== undefined) {
    throw new GatewayError('refused', reply.error, reply.hint === undefined ? {} : { hint: reply.hint });
  }
  return reply.ok;
}

function askError(stateDir: string, cause: unknown): GatewayError {
  const path = controlSocketPath(stateDir);
  const code = systemCodeOf(cause);
  if (isForbidden(code)) {
    return new GatewayError('permission', `${path} may not be opened by this user`, {
      hint: 'run the command as root or as the user that runs lockgate',
      cause,
    });
  }
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new GatewayError('not-running', `no gateway is running with the state folder ${JSON.stringify(stateDir)}`, {
      hint: 'start the gateway: lockgate run (one that runs already is found by its own --config or LOCKGATE_STATE)',
      cause,
    });
  }
  return new GatewayError('not-running', `the gateway did not answer on ${path}: ${messageOf(cause)}`, {
    hint: 'look at its log; if it hangs, restart it',
    cause,
  });
}

async function serveQuestion(socket: Socket, handlers: ControlHandlers): Promise<void> {
  socket.on('error', () => socket.destroy());
  socket.setTimeout(SERVER_TIMEOUT_MS, () => socket.destroy());
  try {
    const question: unknown = JSON.parse(await readLine(socket, MAX_QUESTION_BYTES));
    const answer = await answerTo(question, handlers);
    socket.end(`${JSON.stringify(answer)}\n`);
  } catch {
    socket.destroy();
  }
}

async function answerTo(question: unknown, handlers: ControlHandlers): Promise<unknown> {
  const fields = typeof question === 'object' && question !== null ? (question as Record<string, unknown>) : {};
  const command = String(fields['command']);
  const handler = Object.hasOwn(handlers, command) ? handlers[command] : undefined;
  if (handler === undefined) {
    return {
      error: `the running gateway does not know ${JSON.stringify(command)}`,
      hint: 'restart it after an upgrade',
    };
  }
  try {
    return { ok: (await handler(fields)) ?? null };
  } catch (error) {
    const hint = error instanceof GatewayError ? error.hint : undefined;
    return { error: messageOf(error), ...(hint === undefined ? {} : { hint }) };
  }
}

/** Whether a gateway answers on the socket of this state folder; one that may not be asked by this user counts. */
export function hasRunningGateway(stateDir: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(controlSocketPath(stateDir));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(isForbidden(systemCodeOf(error))));
  });
}

function isForbidden(code: string | undefined): boolean {
  return code === 'EACCES' || code === 'EPERM';
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function exchange(path: string, line: string, timeoutMs: number): Promise<string> {
  const socket = connect(path);
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.write(`${line}\n`);
    return await readLine(socket, MAX_ANSWER_BYTES);
  } finally {
    socket.destroy();
  }
}

/** The first line that comes, of at most `maxBytes`. */
async function readLine(socket: Socket, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const end = chunk.indexOf(0x0a);
    chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
    size += chunk.length;
    if (size > maxBytes) throw new Error(`a line of more than ${maxBytes} bytes`);
    if (end >= 0) return Buffer.concat(chunks).toString('utf8');
  }
  throw new Error('the connection ended before a whole line came');
}
