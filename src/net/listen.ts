/** Binds the TCP listeners: every address with every port, or none at all. */
import { createServer, type Server, type Socket } from 'node:net';
import { GatewayError, messageOf, systemCodeOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** Connections that the kernel completes while the event loop is busy; it takes the smaller of this and `net.core.somaxconn`. */
const BACKLOG = 1024;
/** Players pause for hours on an open socket: probes find out which of them are gone. */
const KEEP_ALIVE_DELAY_MS = 60_000;
const MEDIA_SERVER_PORTS = new Set([32400, 8096, 8920]);

export interface ListenOptions {
  /** Canonical addresses; `0.0.0.0` and `::` stand beside each other. */
  readonly addresses: readonly string[];
  /** 0 takes any free port, a different one for each address. */
  readonly ports: readonly number[];
  readonly log: Log;
}

export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

export interface Listeners {
  /** Where connections are accepted, in the order of the options. */
  addresses(): ListenAddress[];
  /** Sentences about what was left out: no IPv6 on this host. */
  readonly warnings: readonly string[];
  /** Gives the ports back at once; connections that are open go on. */
  close(): void;
}

/**
 * Listens on every address and port. `onConnection` gets each socket paused, so that no byte is lost before someone reads, and half-open:
 * an HTTP client may end its side after the request and still wait for the answer (RFC 9112 section 9.6), so whoever takes the socket
 * must end it. Throws `bind` or `permission` when one cannot be bound, with everything closed again.
 */
export async function listen(options: ListenOptions, onConnection: (socket: Socket) => void): Promise<Listeners> {
  const servers: Server[] = [];
  const warnings: string[] = [];
  const close = () => {
    for (const server of servers) server.close();
  };
  try {
    for (const { address, port } of pairsOf(options)) {
      const server = await bind(address, port, onConnection);
      if (server === undefined) {
        warnings.push(`listen.addresses: "${address}" is left out, this host has no IPv6`);
        continue;
      }
      server.on('error', (error) =>
        options.log.warn({ reason: messageOf(error) }, 'a connection could not be accepted'),
      );
      servers.push(server);
    }
    if (servers.length === 0) throw new GatewayError('bind', 'listen.addresses: nothing is left to listen on');
  } catch (error) {
    close();
    throw error;
  }
  return { addresses: () => servers.map(addressOf), warnings: [...new Set(warnings)], close };
}

function pairsOf(options: ListenOptions): ListenAddress[] {
  const addresses = [...new Set(options.addresses)];
  const ports = [...new Set(options.ports)];
  return addresses.flatMap((address) => ports.map((port) => ({ address, port })));
}

/** Undefined: all IPv6 addresses were asked for on a host that has no IPv6. */
function bind(address: string, port: number, onConnection: (socket: Socket) => void): Promise<Server | undefined> {
  const server = createServer(
    {
      pauseOnConnect: true,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    },
    onConnection,
  );
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (address === '::' && isMissingFamily(error)) resolve(undefined);
      else reject(bindError(error, address, port));
    });
    server.listen({ host: address, port, backlog: BACKLOG, ipv6Only: true }, () => {
      server.removeAllListeners('error');
      resolve(server);
    });
  });
}

function isMissingFamily(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL';
}

function bindError(cause: unknown, address: string, port: number): GatewayError {
  const where = address === '0.0.0.0' || address === '::' ? '' : ` on ${address}`;
  switch (systemCodeOf(cause)) {
    case 'EADDRINUSE':
      return new GatewayError('bind', `listen.port: ${port} is in use${where}`, { hint: portHint(port), cause });
    case 'EACCES': {
      const hint = 'ports below 1024 need root or the capability CAP_NET_BIND_SERVICE; or choose one above 1023';
      return new GatewayError('permission', `listen.port: ${port} needs more rights`, { hint, cause });
    }
    case 'EADDRNOTAVAIL': {
      const hint = 'write an address of an interface, or "0.0.0.0" and "::" for all';
      return new GatewayError('bind', `listen.addresses: "${address}" is not an address of this host`, { hint, cause });
    }
    default:
      return new GatewayError('bind', `listen: ${address} port ${port} cannot be bound: ${messageOf(cause)}`, {
        cause,
      });
  }
}

function portHint(port: number): string {
  const question = MEDIA_SERVER_PORTS.has(port)
    ? 'is the media server on this host?'
    : 'another program listens there;';
  return `${question} choose another port, for example ${port === 32443 ? 32444 : 32443}`;
}

function addressOf(server: Server): ListenAddress {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the listener is closed');
  return { address: bound.address, port: bound.port };
}
