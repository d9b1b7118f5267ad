/** How media apps come to the gateway: a name says which host, not which port, so what must be done depends on who has which port. */
import { labelFromAddress } from '../net/address.ts';
import type { Situation } from './situation.ts';

export interface AppRoute {
  /** One sentence. */
  readonly how: string;
  /** Nothing is left to do. */
  readonly isComplete: boolean;
  readonly remedy: string;
}

type RouteFacts = Pick<Situation, 'config' | 'server' | 'serverAddress' | 'certificates' | 'ownAddresses'>;

/** Undefined while the server is not known, or is of a kind whose apps are told the address by hand. */
export function howAppsCome(facts: RouteFacts): AppRoute | undefined {
  const { config, server, serverAddress, ownAddresses } = facts;
  if (server.kind.name !== 'plex' || server.url === undefined || serverAddress === undefined) return undefined;
  const { defaultPort } = server.kind;
  const hasServerPort = config.listen.port.includes(defaultPort);
  const isHere = serverAddress.startsWith('127.') || serverAddress === '::1' || ownAddresses.includes(serverAddress);
  if (hasServerPort && isHere) {
    return complete(`the gateway has the server's own port ${defaultPort}: apps need no change`);
  }
  if (hasServerPort) {
    return complete(`the names of the server lead here by DNS, on its own port ${defaultPort}: apps need no change`);
  }
  return throughCustomConnections(facts);
}

function complete(how: string): AppRoute {
  return { how, isComplete: true, remedy: '' };
}

/** The gateway has another port than the server publishes: the server must tell the apps. */
function throughCustomConnections({ config, certificates, ownAddresses }: RouteFacts): AppRoute {
  const port = config.listen.port[0] ?? 0;
  const how = `the gateway has port ${port}, of which apps learn from the server's settings`;
  const zone = certificates.find(({ source, zones }) => source !== 'private-ca' && zones.length > 0)?.zones[0];
  const [address] = ownAddresses;
  if (zone === undefined || address === undefined) return { how, isComplete: false, remedy: '' };
  const url = `https://${labelFromAddress(address)}.${zone}:${port}`;
  return { how, isComplete: false, remedy: `in the server: Settings > Network > Custom server access URLs: ${url}` };
}
