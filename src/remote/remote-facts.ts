/** What the configuration and the site say about the way in from outside, and what follows without asking anybody. */
import type { RemoteFindings } from './view.ts';
import { wayOut } from './way-out.ts';

/** Asked again at every turn. */
export interface RemoteFacts {
  /** `map_port`; 0: none is wanted. */
  readonly mapPort: number;
  /** `public_address`. */
  readonly publicAddress: string;
  /** The URL that `auto` asks; undefined: there is none (yet). */
  readonly autoUrl: string | undefined;
  /** The port under which the site is to be reached when none is mapped. */
  readonly publishedPort: number;
  /** This host routes for the LAN. */
  readonly isRouter: boolean;
  /** The ports on which connections to `address` are accepted, the preferred first. */
  portsAt(address: string): readonly number[];
  /** An address on one of this host's networks. */
  isNear(address: string): boolean;
  /** `https://name:port` that leads to `address` in the server's zone; undefined: there is no such name. */
  urlOf(address: string, port: number): string | undefined;
}

/** What needs no asking: ports and own addresses. */
export function surroundings(facts: RemoteFacts): Pick<RemoteFindings, 'outsidePort' | 'inside' | 'ipv6'> {
  const [way, wayIPv6] = [wayOut(4), wayOut(6)];
  const port = way === undefined ? undefined : innerPort(facts, way.localAddress);
  const portIPv6 = wayIPv6 === undefined ? undefined : innerPort(facts, wayIPv6.localAddress);
  return {
    outsidePort: facts.mapPort === 0 ? facts.publishedPort : facts.mapPort,
    inside: way === undefined || port === undefined ? undefined : { address: way.localAddress, port },
    ipv6:
      wayIPv6 === undefined || portIPv6 === undefined
        ? undefined
        : { address: wayIPv6.localAddress, url: facts.urlOf(wayIPv6.localAddress, portIPv6) },
  };
}

/** The same port inside when the gateway has it, else its first. */
export function innerPort({ mapPort, portsAt }: RemoteFacts, address: string): number | undefined {
  const ports = portsAt(address);
  return ports.includes(mapPort) ? mapPort : ports[0];
}
