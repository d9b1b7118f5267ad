/** The careful guess behind `lan_networks = "auto"`: one interface, or a sentence that says why there is none. Pure. */
import { addressFamily, addressScope, parseNetworkList } from './address.ts';
import { isHomeNetwork, type LocalNetwork } from './interfaces.ts';
import { defaultRoute, type Route, routeTowards } from './routes.ts';

/** An on-link IPv4 network with a shorter prefix is a provider's, not a home's. */
const SHORTEST_IPV4_PREFIX = 16;
/** The same for IPv6: a whole site gets a /48. */
const SHORTEST_IPV6_PREFIX = 48;

export interface LanNetworks {
  /** CIDR texts, each once. */
  readonly networks: readonly string[];
  /** The interface that `auto` chose. */
  readonly interfaceName?: string;
  /** One sentence for people: where the networks come from or, when there are none, why and what to set. */
  readonly reason: string;
}

/** What the choice depends on. */
export interface LanFacts {
  readonly networks: readonly LocalNetwork[];
  readonly routes: readonly Route[];
  /** This host routes for a network behind it (`isForwardingHost`). */
  readonly isRouter: boolean;
  readonly serverAddress: string | undefined;
}

/**
 * The on-link networks of the one interface that leads to the server. Never a tunnel, a container bridge, an interface of a default route
 * beside another private network (a WAN), link-local addresses (they do not say which link), or an IPv4 prefix shorter than /16.
 */
export function chooseLan(facts: LanFacts): LanNetworks {
  const { serverAddress } = facts;
  if (serverAddress === undefined || isServedFromThisHost(serverAddress, facts)) return lanBesideServer(facts);
  const interfaceName = interfaceTowards(serverAddress, facts);
  if (interfaceName === undefined) return noLan(`no route leads to the media server ${serverAddress}`);
  const why = `leads to the media server ${serverAddress}`;
  return lanOn(interfaceName, why, facts);
}

/** The server is on loopback, or in a container of this host. */
function isServedFromThisHost(serverAddress: string, facts: LanFacts): boolean {
  if (addressScope(serverAddress) === 'loopback') return true;
  const networks = networksOn(interfaceTowards(serverAddress, facts), facts);
  return networks.some((network) => network.isLoopback || network.isContainerBridge);
}

function interfaceTowards(address: string, facts: LanFacts): string | undefined {
  const own = facts.networks.find((network) => network.address === address);
  return own?.interfaceName ?? routeTowards(address, facts.routes)?.interfaceName;
}

/** The interface of the default route; on a router whose default route leads into the Internet, the one private network behind it. */
function lanBesideServer(facts: LanFacts): LanNetworks {
  const outward = defaultRoute(facts.routes)?.interfaceName;
  if (outward === undefined) return noLan('the media server is on this host, and there is no default route');
  const isPrivate = networksOn(outward, facts).some(isHomeNetwork);
  if (isPrivate || !facts.isRouter) return lanOn(outward, 'has the default route', facts);
  const [only, ...others] = unique(otherHomeNetworks(outward, facts).map((network) => network.interfaceName));
  if (only !== undefined && others.length === 0)
    return lanOn(only, `is the one private network behind ${outward}`, facts);
  return noLan(`behind ${outward} there are several private networks (${[only, ...others].join(', ')})`);
}

function lanOn(interfaceName: string, why: string, facts: LanFacts): LanNetworks {
  const subject = `${interfaceName}, which ${why},`;
  const problem = problemOf(interfaceName, facts);
  if (problem !== undefined) return noLan(`${subject} ${problem}`);
  const networks = onLinkNetworks(interfaceName, facts);
  if (networks.length === 0) return noLan(`${subject} has no private network, or only one wider than a home's`);
  return { networks, interfaceName, reason: `the networks of ${interfaceName}, which ${why}` };
}

/** Why an interface is not the LAN, as the end of a sentence; undefined when it may be. */
function problemOf(interfaceName: string, facts: LanFacts): string | undefined {
  const own = networksOn(interfaceName, facts);
  if (own.some((network) => network.isTunnel)) return 'is a tunnel or a modem';
  if (own.some((network) => network.isContainerBridge)) return 'is a container network';
  const others = otherHomeNetworks(interfaceName, facts);
  if (own.some(isHomeNetwork)) {
    const isOutward = facts.routes.some((route) => route.prefixLength === 0 && route.interfaceName === interfaceName);
    return isOutward && others.length > 0 ? `leads outside too, beside ${textOf(others)}` : undefined;
  }
  return isNeighbour(facts.serverAddress, own) && others.length === 0 ? undefined : 'has no private address';
}

/** The server has an address of its own in one of these networks. */
function isNeighbour(serverAddress: string | undefined, networks: readonly LocalNetwork[]): boolean {
  if (serverAddress === undefined || networks.some(({ address }) => address === serverAddress)) return false;
  return networks.some(({ network }) => parseNetworkList(network).list.contains(serverAddress));
}

function textOf(networks: readonly LocalNetwork[]): string {
  return unique(networks.map(({ interfaceName, network }) => `${interfaceName} with ${network}`)).join(' and ');
}

/** The private networks of other interfaces; an interface that shares a private network with this one is no other. */
function otherHomeNetworks(interfaceName: string, facts: LanFacts): LocalNetwork[] {
  const own = new Set(networksOn(interfaceName, facts).map((network) => network.network));
  const home = facts.networks.filter(isHomeNetwork);
  const same = new Set(home.filter(({ network }) => own.has(network)).map((network) => network.interfaceName));
  return home.filter((network) => network.interfaceName !== interfaceName && !same.has(network.interfaceName));
}

function onLinkNetworks(interfaceName: string, facts: LanFacts): string[] {
  const own = networksOn(interfaceName, facts);
  const isHome = own.some(isHomeNetwork);
  const addressed = own.filter((network) => network.family === 6 || !isHome || isHomeNetwork(network));
  const routed = facts.routes.filter(
    (route) => route.family === 6 && route.router === undefined && route.interfaceName === interfaceName,
  );
  const found = [
    ...addressed.map(({ network, prefixLength }) => ({ network, prefixLength })),
    ...routed.map(({ destination, prefixLength }) => ({ network: destination, prefixLength })),
  ];
  return unique(found.filter(isOfHomeSize).map(({ network }) => network));
}

const NEVER_LAN = new Set(['unspecified', 'loopback', 'link-local', 'shared', 'multicast']);

function isOfHomeSize({ network, prefixLength }: { network: string; prefixLength: number }): boolean {
  const address = network.split('/')[0] ?? '';
  if (NEVER_LAN.has(addressScope(address))) return false;
  if (addressFamily(address) === 4) return prefixLength >= SHORTEST_IPV4_PREFIX;
  return prefixLength >= SHORTEST_IPV6_PREFIX && prefixLength < 128; // a /128 says nothing about the neighbours
}

function networksOn(interfaceName: string | undefined, facts: LanFacts): LocalNetwork[] {
  return facts.networks.filter((network) => network.interfaceName === interfaceName);
}

/** No LAN, because of `why`. */
export function noLan(why: string): LanNetworks {
  return { networks: [], reason: `no LAN was found: ${why}; set lan_networks, for example "192.168.1.0/24"` };
}

/** The texts in their order, each once. */
export function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
