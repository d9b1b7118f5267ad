/** What becomes of a connection that may come in: PROXY header, first byte, TLS, then the lane. */
import type { Socket } from 'node:net';
import type { FullLane } from '../http/full-lane.ts';
import type { Peer } from '../http/request.ts';
import type { Log } from '../lib/log.ts';
import type { NetworkList } from '../net/address.ts';
import { type AcceptedConnection, acceptConnection } from '../net/first-byte.ts';
import { type TlsCounters, TlsTerminator, type TlsTerminatorOptions } from '../tls/terminator.ts';
import { turnAway } from './turn-away.ts';

/** What the limits say of a connection. `turn-away`: it is one too many, and is told so. `close`: it was, or is to be, closed without a word. */
export type Admission = 'serve' | 'turn-away' | 'close';

/** A connection that is counted, paused and not read from. */
export interface Arrival {
  readonly socket: Socket;
  readonly admission: Exclude<Admission, 'close'>;
  /** Counts the connection for the client that its PROXY header names. */
  readonly admitNamed: (client: string) => Admission | Promise<Admission>;
}

/** Takes connections: in this process, or in several. */
export interface Reception {
  receive(arrival: Arrival): void;
  tlsCounters(): TlsCounters;
  /** Ends handshakes that are under way; what is behind them lives on. */
  close(): void;
}

export interface ReceptionSettings {
  readonly proxyProtocolFrom: NetworkList;
  /** `secure_connections` is not `disabled`. */
  readonly acceptsTls: boolean;
  readonly offersHttp2: boolean;
}

export interface LocalReceptionOptions extends Omit<TlsTerminatorOptions, 'offersHttp2'> {
  readonly lane: Pick<FullLane, 'accept'>;
  readonly log: Log;
  /** Asked for each connection. */
  readonly settings: () => ReceptionSettings;
}

/** Serves what it receives in this process. */
export class LocalReception implements Reception {
  readonly #options: LocalReceptionOptions;
  readonly #terminator: TlsTerminator;

  constructor(options: LocalReceptionOptions) {
    this.#options = options;
    this.#terminator = new TlsTerminator({ ...options, offersHttp2: () => options.settings().offersHttp2 });
  }

  receive(arrival: Arrival): void {
    const { log, settings } = this.#options;
    const { proxyProtocolFrom } = settings();
    const onRefused = (reason: string, client: string) =>
      log.debug({ client, reason }, 'connection closed before a request');
    acceptConnection(arrival.socket, { proxyProtocolFrom, onRefused }, (accepted) => {
      if (!accepted.fromProxyHeader) return this.#serve(arrival, accepted, arrival.admission);
      const admission = arrival.admitNamed(accepted.peerAddress);
      if (typeof admission === 'string') this.#serve(arrival, accepted, admission);
      else void admission.then((told) => this.#serve(arrival, accepted, told));
    });
  }

  tlsCounters(): TlsCounters {
    return this.#terminator.counters();
  }

  close(): void {
    this.#terminator.close();
  }

  #serve({ socket }: Arrival, accepted: AcceptedConnection, admission: Admission): void {
    const { lane, settings } = this.#options;
    if (admission === 'close') {
      socket.destroy();
      return;
    }
    const serve = (stream: Socket, side: Pick<Peer, 'tls' | 'serverName'>) =>
      admission === 'turn-away' ? turnAway(stream) : lane.accept(stream, peerOf(accepted, side));
    if (accepted.protocol === 'http') serve(socket, { tls: false, serverName: undefined });
    else if (!settings().acceptsTls) socket.destroy();
    else this.#terminator.accept(socket, (secure, serverName) => serve(secure, { tls: true, serverName }));
  }
}

function peerOf(accepted: AcceptedConnection, side: Pick<Peer, 'tls' | 'serverName'>): Peer {
  const { peerAddress, peerPort, fromProxyHeader, localAddress, localPort } = accepted;
  return { address: peerAddress, port: peerPort, fromProxyHeader, localAddress, localPort, ...side };
}
