/** How one kind of media server is asked for on a LAN, and what its answer claims. Types only. */

export interface LanDiscovery {
  /** The multicast group; undefined: the broadcast address of each network. */
  readonly group: string | undefined;
  readonly port: number;
  readonly question: string;
  /** Undefined when the datagram is not an answer. */
  readAnswer(datagram: Buffer): DiscoveryClaim | undefined;
}

/** What somebody on the LAN says: never believed before the server itself has said the same. */
export interface DiscoveryClaim {
  readonly id: string;
  readonly scheme: 'http' | 'https';
  readonly port: number;
  /** What its owner calls it, fit to be shown; undefined: not said. */
  readonly name?: string | undefined;
}
