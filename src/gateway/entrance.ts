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
import { endpointOf, listensOn } from './published.ts';
import { turnAway } from './turn-away.ts';

/** Ports up to here take rights to bind. */
const LAST_PRIVILEGED_PORT = 1023;

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

  /**
   * Opens what `config` asks for and is not open. On an error, what was newly opened is closed again; a door that had to make room is
   * opened again with `open` of the configuration that has it.
   */
  async open(config: Config): Promise<void> {
    const wanted = wantedListeners(config);
    const added: Door[] = [];
    try {
      for (const place of wanted) {
        if (this.#doors.some((door) => isSamePlace(door, place))) continue;
        this.#makeRoom(place, wanted);
        const listeners = await this.#listen(place.address, place.port);
        if (listeners !== undefined) added.push({ ...place, listeners });
      }
    } catch (error) {
      for (const door of added) door.listeners.close();
      throw error;
    }
    this.#doors = [...this.#doors, ...added];
    if (this.#doors.length === 0) throw new GatewayError('bind', 'listen.addresses: nothing is left to listen on');
  }

  /** `config` is in force: its limits hold, and doors that it does not name are closed; connections that came through them go on. */
  settle(config: Config): void {
    const wanted = wantedListeners(config);
    this.#closeDoors((door) => !wanted.some((place) => isSamePlace(door, place)));
    this.#limits.update(connectionLimits(config));
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

  /** Closes what nobody wants any more and what keeps `place` taken: a port is taken on one address by a door on all of them. */
  #makeRoom(place: ListenAddress, wanted: readonly ListenAddress[]): void {
    this.#closeDoors((door) => {
      const isInTheWay = excludes(door, place) && !wanted.some((other) => isSamePlace(door, other));
      if (isInTheWay && !mayBindAgain(door.port)) throw keptUntilRestart(door);
      return isInTheWay;
    });
  }

  #closeDoors(isMeant: (door: Door) => boolean): void {
    const closing = this.#doors.filter(isMeant);
    for (const { listeners } of closing) listeners.close();
    this.#doors = this.#doors.filter((door) => !closing.includes(door));
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
    let isOneTooMany = !standsForMany && !this.#limits.admitClient(socket, address);
    if (isOneTooMany && !this.#limits.mayAnswer(socket)) return;
    const onRefused = (reason: string) => log.debug({ client: address, reason }, 'connection closed before a request');
    acceptConnection(socket, { proxyProtocolFrom, onRefused }, (accepted) => {
      if (isBalancer && accepted.fromProxyHeader && !this.#limits.admitClient(socket, accepted.peerAddress)) {
        if (!this.#limits.mayAnswer(socket)) return;
        isOneTooMany = true;
      }
      const serve = (stream: Socket, side: Pick<Peer, 'tls' | 'serverName'>) =>
        isOneTooMany ? turnAway(stream) : lane.accept(stream, peerOf(accepted, side));
      if (accepted.protocol === 'http') serve(socket, { tls: false, serverName: undefined });
      else if (config.listen.secure_connections === 'disabled') socket.destroy();
      else this.#terminator.accept(socket, (secure, serverName) => serve(secure, { tls: true, serverName }));
    });
  }
}

function isSamePlace(a: ListenAddress, b: ListenAddress): boolean {
  return a.address === b.address && a.port === b.port;
}

/** The system lets one of the two listen, not both. */
function excludes(a: ListenAddress, b: ListenAddress): boolean {
  return a.port === b.port && a.port !== 0 && (listensOn(a.address, b.address) || listensOn(b.address, a.address));
}

/** A port that was bound as root must not be given up by the user that the gateway became. */
function mayBindAgain(port: number): boolean {
  return port > LAST_PRIVILEGED_PORT || process.getuid?.() === 0;
}

function keptUntilRestart({ address, port }: ListenAddress): GatewayError {
  return new GatewayError('bind', `listen.addresses: port ${port} is bound on ${address} until the gateway restarts`, {
    hint: 'restart it: the user that it became may not bind this port again',
  });
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
