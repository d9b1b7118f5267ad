/** The way in: listeners, which follow the configuration, and connection limits; then the reception. */
import type { Socket } from 'node:net';
import type { Config } from '../config/schema.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { canonicalAddress } from '../net/address.ts';
import { ConnectionLimits } from '../net/limits.ts';
import { type ListenAddress, type Listeners, listen } from '../net/listen.ts';
import type { TlsCounters } from '../tls/terminator.ts';
import type { Parts } from './parts.ts';
import { endpointOf, listensOn } from './published.ts';
import type { Admission, Reception } from './reception.ts';

/** Ports up to here take rights to bind. */
const LAST_PRIVILEGED_PORT = 1023;

export interface EntranceOptions {
  readonly parts: () => Parts;
  readonly reception: Reception;
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
  #doors: readonly Door[] = [];

  constructor(options: EntranceOptions) {
    const { parts, log } = options;
    this.#options = options;
    this.#limits = new ConnectionLimits(connectionLimits(parts().config), log);
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

  /** Where connections are accepted. */
  addresses(): ListenAddress[] {
    return this.#doors.flatMap(({ listeners }) => listeners.addresses());
  }

  /** The same as `address:port`. */
  endpoints(): string[] {
    return this.addresses().map(({ address, port }) => endpointOf(address, port));
  }

  tlsCounters(): TlsCounters {
    return this.#options.reception.tlsCounters();
  }

  /** Gives the ports back and ends handshakes that are under way. */
  close(): void {
    for (const { listeners } of this.#doors) listeners.close();
    this.#doors = [];
    this.#options.reception.close();
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
    const { reception, parts } = this.#options;
    const { trustedProxies, proxyProtocolFrom } = parts();
    const address = canonicalAddress(socket.remoteAddress ?? '');
    if (address === undefined || !this.#limits.admitConnection(socket)) {
      socket.destroy();
      return;
    }
    const standsForMany = proxyProtocolFrom.contains(address) || trustedProxies.contains(address);
    const admission = standsForMany ? 'serve' : this.#admit(socket, address);
    if (admission === 'close') return;
    reception.receive({ socket, admission, admitNamed: (client) => this.#admit(socket, client) });
  }

  #admit(socket: Socket, client: string): Admission {
    if (this.#limits.admitClient(socket, client)) return 'serve';
    return this.#limits.mayAnswer(socket) ? 'turn-away' : 'close';
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

/** Every address with every port of the configuration. */
export function wantedListeners({ listen: { addresses, port } }: Config): ListenAddress[] {
  return addresses.flatMap((address) => port.map((number) => ({ address, port: number })));
}

function connectionLimits({ limits }: Config): { maxConnections: number; maxConnectionsPerClient: number } {
  return { maxConnections: limits.connections, maxConnectionsPerClient: limits.connections_per_client };
}
