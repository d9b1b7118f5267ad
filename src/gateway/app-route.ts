/** How media apps come to the gateway: a name says which host, not which port, so what must be done depends on who has which port. */
import type { Config } from '../config/schema.ts';
import { addressFromLabel, addressScope, labelFromAddress } from '../net/address.ts';
import { isServerZone } from './address-zones.ts';
import { publishedEndpoint, reachableEndpoint } from './published.ts';
import type { Situation } from './situation.ts';

export interface AppRoute {
  /** One sentence. */
  readonly how: string;
  /** Nothing is left to do. */
  readonly isComplete: boolean;
  readonly remedy: string;
}

type RouteFacts = Pick<
  Situation,
  'config' | 'server' | 'serverAddress' | 'certificates' | 'ownAddresses' | 'dns' | 'toldUrls'
>;

/** Undefined while the server is not known, or is of a kind whose apps are told the address by hand. */
export function howAppsCome(facts: RouteFacts): AppRoute | undefined {
  const { config, server, serverAddress, ownAddresses } = facts;
  if (server.kind.name !== 'plex' || server.url === undefined || serverAddress === undefined) return undefined;
  const { defaultPort } = server.kind;
  if (!clientPorts(config).includes(defaultPort)) return throughCustomConnections(facts);
  const isHere = serverAddress.startsWith('127.') || serverAddress === '::1' || ownAddresses.includes(serverAddress);
  if (isHere) return complete(`the gateway has the server's own port ${defaultPort}: apps need no change`);
  return byDns(facts, defaultPort);
}

/** The server is elsewhere and the gateway has its port: its names have to lead here. */
function byDns({ dns }: RouteFacts, port: number): AppRoute {
  const ownPort = `the gateway has the server's own port ${port}`;
  if (dns === undefined) {
    const how = `${ownPort}, but [dns] is off: the names of the server lead past it`;
    return { how, isComplete: false, remedy: DNS_FIRST };
  }
  const zone = dns.zones.find(({ zone: name }) => isServerZone(name));
  if (zone?.leadsTo === 'gateway') {
    return complete(`the names of the server lead here by DNS, on its own port ${port}: apps need no change`);
  }
  const reason = zone?.reason ?? 'no zone of the server is known yet';
  return { how: `${ownPort}, but its names lead past it: ${reason}`, isComplete: false, remedy: CERTIFICATE_FIRST };
}

function complete(how: string): AppRoute {
  return { how, isComplete: true, remedy: '' };
}

/** The ports that clients see. */
function clientPorts(config: Config): readonly number[] {
  const published = publishedEndpoint(config);
  return published === undefined ? config.listen.port : [published.port];
}

/** The gateway has another port than the server publishes: the server must tell the apps. */
function throughCustomConnections({ config, certificates, ownAddresses, toldUrls = [] }: RouteFacts): AppRoute {
  const told = toldUrls.find((url) => leadsHere(url, config, ownAddresses));
  if (told !== undefined) return complete(`the server tells apps ${told}, which leads here`);
  const [port = 0] = clientPorts(config);
  const how = `the gateway has port ${port}, of which apps learn from the server's settings`;
  const zone = certificates.find(({ source, zones }) => source !== 'private-ca' && zones.length > 0)?.zones[0];
  const address = clientAddress(config, ownAddresses);
  if (zone === undefined) return { how, isComplete: false, remedy: CERTIFICATE_FIRST };
  if (address === undefined) return { how, isComplete: false, remedy: ADDRESS_FIRST };
  const url = `https://${labelFromAddress(address)}.${zone}:${port}`;
  return { how, isComplete: false, remedy: `in the server: Settings > Network > Custom server access URLs: ${url}` };
}

/** An address that the name spells, and a port, under which clients reach the gateway. */
function leadsHere(text: string, config: Config, ownAddresses: readonly string[]): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, port } = new URL(text);
  const address = addressFromLabel(hostname.split('.')[0] ?? '');
  const isOurs =
    address !== undefined && (ownAddresses.includes(address) || address === clientAddress(config, ownAddresses));
  return isOurs && protocol === 'https:' && clientPorts(config).includes(Number(port || 443));
}

const CERTIFICATE_FIRST = "give the gateway the server's certificate first: [server] data_dir, or lockgate snippet nas";
const DNS_FIRST = 'set [dns] enabled = true, and let the resolver of the LAN ask the gateway: lockgate snippet';
const ADDRESS_FIRST = 'let the gateway listen on an address of the LAN: [listen] addresses = ["0.0.0.0", "::"]';

/** Undefined: no device of the LAN can connect. */
function clientAddress(config: Config, ownAddresses: readonly string[]): string | undefined {
  const { addresses, port: ports } = config.listen;
  const listeners = addresses.flatMap((address) => ports.map((port) => ({ address, port })));
  const { address } = publishedEndpoint(config) ?? reachableEndpoint(ownAddresses, listeners) ?? {};
  return address === undefined || addressScope(address) === 'loopback' ? undefined : address;
}
