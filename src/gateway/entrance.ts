/** The way in: listeners, connection limits, PROXY header, first byte, TLS, then the lane. Listeners follow the configuration. */
import type { Socket } from 'node:net';
import type { Config } from '../config/schema.ts';
import type { FullLane } from '../http/full-lane.ts';
import type { Peer } from '../http/request.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { canonicalAddress } from '../net/address.ts';
import { type AcceptedConnection, acceptConnection } from '../net/first-byte.ts';
import { ConnectionLimits } from '../net/limits.ts';
import { type ListenAddress, type Listeners, listen } from '../net/listen.ts';
import { type TlsCounters, TlsTerminator } from '../tls/terminator.ts';
import type { Parts } from './parts.ts';
import { endpointOf } from './published.ts';

export interface EntranceOptions {
  readonly parts: () => Parts;
  readonly lane: FullLane;
  readonly log: Log;
}

/** One address with one port, as the configuration has it. */
interface Door {
  readonly address: string;
  readonly port: number;
  readonly listeners: Listeners;
}

export class Entrance {
  readonly #options: EntranceOptions;
  readonly #limits: ConnectionLimits;
  readonly #terminator: TlsTerminator;
  readonly #certificateListeners: (() => void)[] = [];
  #doors: readonly Door[] = [];

  constructor(options: EntranceOptions) {
    const { parts, log } = options;
    this.#options = options;
    this.#limits = new ConnectionLimits(connectionLimits(parts().config), log);
    this.#terminator = new TlsTerminator({
      certificates: {
        get defaultContextOptions() {
          return parts().certificates.defaultContextOptions;
        },
        contextFor: (serverName) => parts().certificates.contextFor(serverName),
        onChange: (listener) => this.#certificateListeners.push(listener),
      },
      log,
    });
    this.followCertificates();
  }

  /** Opens what `config` asks for and is not open. All or nothing: on an error, what was newly opened is closed again. */
  async open(config: Config): Promise<void> {
    const added: Door[] = [];
    try {
      for (const { address, port } of wantedListeners(config)) {
        if (this.#doors.some((door) => door.address === address && door.port === port)) continue;
        const listeners = await this.#listen(address, port);
        if (listeners !== undefined) added.push({ address, port, listeners });
      }
    } catch (error) {
      for (const door of added) door.listeners.close();
      throw error;
    }
    this.#doors = [...this.#doors, ...added];
    if (this.#doors.length === 0) throw new GatewayError('bind', 'listen.addresses: nothing is left to listen on');
    this.#limits.update(connectionLimits(config));
  }

  /** Closes the doors that `config` does not name; connections that came through them go on. */
  closeUnlisted(config: Config): void {
    const names = new Set(wantedListeners(config).map(({ address, port }) => `${address} ${port}`));
    const isListed = (door: Door) => names.has(`${door.address} ${door.port}`);
    for (const door of this.#doors) if (!isListed(door)) door.listeners.close();
    this.#doors = this.#doors.filter(isListed);
  }

  /** The certificate store is another one, or has other certificates. */
  followCertificates(): void {
    const { certificates } = this.#options.parts();
    const tell = () => {
      if (this.#options.parts().certificates !== certificates) return;
      for (const listener of this.#certificateListeners) listener();
    };
    certificates.onChange(tell);
    tell();
  }

  /** Where connections are accepted. */
  addresses(): ListenAddress[] {
    return this.#doors.flatMap(({ listeners }) => listeners.addresses());
  }

  /** The same as `address:port`. */
  endpoints(): string[] {
    return this.addresses().map(({ address, port }) => endpointOf(address, port));
  }

  tlsCounters(): TlsCounters {
    return this.#terminator.counters();
  }

  /** Gives the ports back and ends handshakes that are under way. */
  close(): void {
    for (const { listeners } of this.#doors) listeners.close();
    this.#doors = [];
    this.#terminator.close();
  }

  /** Undefined: `::` on a host without IPv6. */
  async #listen(address: string, port: number): Promise<Listeners | undefined> {
    const { log } = this.#options;
    try {
      const listeners = await listen({ addresses: [address], ports: [port], log }, (socket) => this.#enter(socket));
      for (const warning of listeners.warnings) log.warn({}, warning);
      return listeners;
    } catch (error) {
      if (address !== '::' || !(error instanceof GatewayError) || error.cause !== undefined) throw error;
      log.warn({}, 'listen.addresses: "::" is left out, this host has no IPv6');
      return undefined;
    }
  }

  #enter(socket: Socket): void {
    const { lane, log } = this.#options;
    const { config, trustedProxies, proxyProtocolFrom } = this.#options.parts();
    const address = canonicalAddress(socket.remoteAddress ?? '');
    if (address === undefined || !this.#limits.admitConnection(socket)) {
      socket.destroy();
      return;
    }
    const isBalancer = proxyProtocolFrom.contains(address);
    const standsForMany = isBalancer || trustedProxies.contains(address);
    if (!standsForMany && !this.#limits.admitClient(socket, address)) return;
    const onRefused = (reason: string) => log.debug({ client: address, reason }, 'connection closed before a request');
    acceptConnection(socket, { proxyProtocolFrom, onRefused }, (accepted) => {
      if (isBalancer && accepted.fromProxyHeader && !this.#limits.admitClient(socket, accepted.peerAddress)) return;
      if (accepted.protocol === 'http') lane.accept(socket, peerOf(accepted, { tls: false, serverName: undefined }));
      else if (config.listen.secure_connections === 'disabled') socket.destroy();
      else {
        this.#terminator.accept(socket, (secure, serverName) =>
          lane.accept(secure, peerOf(accepted, { tls: true, serverName })),
        );
      }
    });
  }
}

function peerOf(accepted: AcceptedConnection, side: Pick<Peer, 'tls' | 'serverName'>): Peer {
  const { peerAddress, peerPort, fromProxyHeader, localAddress, localPort } = accepted;
  return { address: peerAddress, port: peerPort, fromProxyHeader, localAddress, localPort, ...side };
}

/** Every address with every port of the configuration. */
export function wantedListeners({ listen: { addresses, port } }: Config): ListenAddress[] {
  return addresses.flatMap((address) => port.map((number) => ({ address, port: number })));
}

function connectionLimits({ limits }: Config): { maxConnections: number; maxConnectionsPerClient: number } {
  return { maxConnections: limits.connections, maxConnectionsPerClient: limits.connections_per_client };
}
