/** A TCP listener with first-byte detection in front of a terminator, and clients for it: what the TLS tests share. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { Log, LogFields } from '../../src/lib/log.ts';
import { type ContextChooser, TlsTerminator, type TlsTerminatorOptions } from '../../src/tls/terminator.ts';
import { TicketKeys } from '../../src/tls/ticket-keys.ts';

export interface Front {
  readonly port: number;
  readonly terminator: TlsTerminator;
  /** Raw connections that were accepted. */
  readonly accepted: Set<Socket>;
  close(): Promise<void>;
}

/** Greets each secure connection with the name that it asked for, then echoes. */
export async function startFront(
  certificates: ContextChooser,
  options: Partial<TlsTerminatorOptions> = {},
): Promise<Front> {
  const terminator = new TlsTerminator({ certificates, ticketKeys: new TicketKeys(), ...options });
  const accepted = new Set<Socket>();
  const server: Server = createServer((socket) => {
    accepted.add(socket);
    socket.on('error', () => {});
    socket.once('data', (firstBytes) => {
      socket.pause();
      socket.unshift(firstBytes);
      terminator.accept(socket, greet);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    terminator,
    accepted,
    async close() {
      terminator.close();
      for (const socket of accepted) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function greet(socket: TLSSocket, serverName: string | undefined): void {
  socket.on('error', () => {});
  socket.write(`hello ${serverName ?? 'nobody'}\n`);
  socket.pipe(socket);
}

/** A client whose handshake is done and that has read the greeting. Rejects when the handshake fails. */
export async function openClient(
  port: number,
  options: ConnectionOptions = {},
): Promise<{ socket: TLSSocket; greeting: string }> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  const [greeting] = await once(socket, 'data');
  return { socket, greeting: String(greeting) };
}

/** What one handshake showed. */
export interface Shown {
  readonly fingerprint: string;
  readonly protocol: string | null;
  readonly cipher: string;
  readonly isResumed: boolean;
  readonly alpn: string | false | null;
  readonly greeting: string;
}

/** Connects, looks and leaves. */
export async function look(port: number, options: ConnectionOptions = {}): Promise<Shown> {
  const { socket, greeting } = await openClient(port, options);
  const shown = {
    fingerprint: socket.getPeerCertificate().fingerprint256,
    protocol: socket.getProtocol(),
    cipher: socket.getCipher().name,
    isResumed: socket.isSessionReused(),
    alpn: socket.alpnProtocol,
    greeting,
  };
  socket.destroy();
  return shown;
}

export interface LogEntry {
  readonly level: keyof Log;
  readonly fields: LogFields;
  readonly message: string;
}

/** A log that remembers. */
export function rememberingLog(): Log & { readonly entries: LogEntry[]; warnings(): string[] } {
  const entries: LogEntry[] = [];
  const at = (level: keyof Log) => (fields: LogFields, message: string) => {
    entries.push({ level, fields, message });
  };
  return {
    entries,
    warnings: () => entries.filter(({ level }) => level === 'warn').map(({ message }) => message),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}

const SWAP_DEADLINE_MS = 30_000;

/** Resolves after the next swap of the store; rejects when none comes. */
export function nextSwap(store: { onChange(listener: () => void): void }): Promise<void> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error('no swap')), SWAP_DEADLINE_MS);
    store.onChange(() => {
      clearTimeout(deadline);
      resolve();
    });
  });
}
