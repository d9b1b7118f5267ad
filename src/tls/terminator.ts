/** The server side of TLS: takes accepted TCP connections, does the handshake within a deadline, hands the secure socket on. */
import type { Socket } from 'node:net';
import { createServer, type SecureContext, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import { systemCodeOf } from '../lib/errors.ts';
import { type Log, silentLog } from '../lib/log.ts';
import type { TicketKeys } from './ticket-keys.ts';

/** From the first byte to the end of the handshake; old players on weak radio need seconds. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** What is spoken behind TLS, the best first. */
const HTTP_1: readonly string[] = ['http/1.1', 'http/1.0'];
const HTTP_2_FIRST: readonly string[] = ['h2', ...HTTP_1];
/** What a certificate authority speaks that checks who holds a name (RFC 8737), and nobody else. */
const ACME_TLS = 'acme-tls/1';
/** Codes come from OpenSSL and the system; a bound all the same. */
const MAX_FAILURE_CODES = 64;

/** What the terminator needs of the certificate store. */
export interface ContextChooser {
  readonly defaultContextOptions: SecureContextOptions;
  contextFor(serverName: string): SecureContext | undefined;
  onChange(listener: () => void): void;
}

export interface TlsTerminatorOptions {
  readonly certificates: ContextChooser;
  /** The certificate that proves `serverName` to a certificate authority; undefined: it is not being proven now. */
  readonly challengeFor?: (serverName: string) => SecureContext | undefined;
  /** Whether HTTP/2 is offered; asked at each handshake. Default: no. */
  readonly offersHttp2?: () => boolean;
  readonly log?: Log;
  /** What sessions are continued with: whoever has the same continues them, too. */
  readonly ticketKeys: TicketKeys;
  readonly handshakeTimeoutMs?: number;
}

/** Receives the decrypted side. It must listen to the socket's `error` at once. `serverName` undefined: the client named no host. */
export type SecureHandler = (socket: TLSSocket, serverName: string | undefined) => void;

interface PendingHandshake {
  readonly socket: Socket;
  readonly onSecure: SecureHandler;
}

export interface TlsCounters {
  /** Handshakes that succeeded. */
  readonly completed: number;
  /** Of these, how many continued an earlier session. */
  readonly resumed: number;
  /** Handshakes that are under way. */
  readonly pending: number;
  /** Handshakes that failed, by system or OpenSSL code: `ERR_TLS_HANDSHAKE_TIMEOUT`, `ECONNRESET`. */
  readonly failed: Readonly<Record<string, number>>;
}

/**
 * A name that no certificate covers gets the default certificate, not an alert: apps connect by address, send stale names, and judge the
 * certificate themselves. ALPN offers HTTP/1, before it HTTP/2 where that is on, and to a certificate authority its own protocol while it
 * checks a name. One `tls.Server` lives as long as this, and its ticket keys do not come from the certificate: neither a swapped certificate
 * nor a reload ends a session.
 */
export class TlsTerminator {
  readonly #server: Server;
  readonly #log: Log;
  /** A TLS socket does not tell which socket it wraps; the four numbers of the connection do. */
  readonly #pending = new Map<string, PendingHandshake>();
  readonly #challengeFor: (serverName: string) => SecureContext | undefined;
  readonly #offersHttp2: () => boolean;
  /** Handshakes that prove a name to a certificate authority. */
  readonly #challenged = new WeakSet<TLSSocket>();
  readonly #failed = new Map<string, number>();
  #completed = 0;
  #resumed = 0;

  constructor(options: TlsTerminatorOptions) {
    const { certificates, ticketKeys, log = silentLog, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options;
    this.#log = log;
    this.#challengeFor = options.challengeFor ?? (() => undefined);
    this.#offersHttp2 = options.offersHttp2 ?? (() => false);
    const terminator = this;
    this.#server = createServer({
      ...certificates.defaultContextOptions,
      ticketKeys: ticketKeys.current,
      handshakeTimeout: handshakeTimeoutMs,
      ALPNCallback(this: TLSSocket, { servername, protocols }) {
        return terminator.#chooseProtocol(this, servername, protocols);
      },
      // With TLS 1.3 it comes after the choice of the protocol, and would take that one's certificate back.
      SNICallback(this: TLSSocket, serverName, done) {
        done(null, terminator.#challenged.has(this) ? undefined : certificates.contextFor(serverName));
      },
    });
    this.#server.on('secureConnection', (socket) => this.#complete(socket));
    this.#server.on('tlsClientError', (error, socket) => this.#fail(error, socket));
    certificates.onChange(() => {
      this.#server.setSecureContext({ ...certificates.defaultContextOptions, ticketKeys: ticketKeys.current });
    });
    ticketKeys.onChange(() => this.#server.setTicketKeys(ticketKeys.current));
  }

  /** Starts the handshake on an accepted connection; bytes that were read and put back are part of it. Calls `onSecure` once, or never when it fails. */
  accept(socket: Socket, onSecure: SecureHandler): void {
    const key = connectionKey(socket);
    if (key === undefined || socket.destroyed) {
      socket.destroy();
      return;
    }
    const handshake = { socket, onSecure };
    this.#pending.set(key, handshake);
    socket.once('close', () => {
      if (this.#pending.get(key) === handshake) this.#pending.delete(key);
    });
    this.#server.emit('connection', socket);
  }

  /** Ends the handshakes that are under way; secure sockets live on. */
  close(): void {
    for (const { socket } of this.#pending.values()) socket.destroy();
    this.#pending.clear();
  }

  counters(): TlsCounters {
    return {
      completed: this.#completed,
      resumed: this.#resumed,
      pending: this.#pending.size,
      failed: Object.fromEntries(this.#failed),
    };
  }

  /** Undefined: none of theirs is spoken here; the handshake ends with `no_application_protocol` (RFC 7301 section 3.2). */
  #chooseProtocol(socket: TLSSocket, serverName: string, protocols: readonly string[]): string | undefined {
    const challenge = protocols.includes(ACME_TLS) ? this.#challengeFor(serverName.toLowerCase()) : undefined;
    if (challenge === undefined) {
      const offered = this.#offersHttp2() ? HTTP_2_FIRST : HTTP_1;
      return offered.find((protocol) => protocols.includes(protocol));
    }
    this.#challenged.add(socket);
    socket.setKeyCert(challenge);
    return ACME_TLS;
  }

  #complete(socket: TLSSocket): void {
    const key = connectionKey(socket);
    const handshake = key === undefined ? undefined : this.#pending.get(key);
    if (key === undefined || handshake === undefined) {
      socket.destroy();
      return;
    }
    this.#pending.delete(key);
    if (this.#challenged.has(socket)) {
      // The certificate was all there is to see (RFC 8737 section 3).
      socket.on('error', () => {});
      socket.end();
      return;
    }
    this.#completed += 1;
    if (socket.isSessionReused()) this.#resumed += 1;
    handshake.onSecure(socket, typeof socket.servername === 'string' ? socket.servername : undefined);
  }

  #fail(error: Error, socket: TLSSocket): void {
    const code = systemCodeOf(error) ?? error.name;
    if (this.#failed.has(code) || this.#failed.size < MAX_FAILURE_CODES) {
      this.#failed.set(code, (this.#failed.get(code) ?? 0) + 1);
    }
    this.#log.debug({ client: socket.remoteAddress, code, serverName: socket.servername }, 'TLS handshake failed');
    socket.destroy();
  }
}

/** Undefined: the connection is gone already. */
function connectionKey({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  if (remoteAddress === undefined) return undefined;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
