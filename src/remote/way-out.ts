/** The way from this host to the Internet in one address family: the default router, and the own address towards it. */
import { addressScope, parseNetworkList } from '../net/address.ts';
import { type LocalNetwork, localNetworks } from '../net/interfaces.ts';
import { defaultRoute, type Route, readRoutes } from '../net/routes.ts';
import { readSystemFile } from '../net/system-file.ts';
import { addressBytes } from './address-bytes.ts';

export interface WayOut {
  /** Canonical. */
  readonly router: string;
  /** The same as sockets want it: a link-local address has its zone, `fe80::1%eth0`. */
  readonly routerSocketAddress: string;
  /** The own address that the router sees; in IPv6 a global one. */
  readonly localAddress: string;
  readonly isContainerBridge: boolean;
}

/** Undefined: no default router, or no address to use with it. Reads interfaces and routes anew at each call. */
export function wayOut(family: 4 | 6): WayOut | undefined {
  const route = defaultRoute(readRoutes().filter((candidate) => candidate.family === family));
  if (route?.router === undefined) return undefined;
  const networks = localNetworks().filter(
    (network) => network.family === family && network.interfaceName === route.interfaceName,
  );
  const own = family === 4 ? ownIPv4(networks, route) : ownIPv6(networks);
  if (own === undefined) return undefined;
  return {
    router: route.router,
    routerSocketAddress: withZone(route.router, route.interfaceName),
    localAddress: own.address,
    isContainerBridge: own.isContainerBridge,
  };
}

function ownIPv4(networks: readonly LocalNetwork[], { router = '' }: Route): LocalNetwork | undefined {
  return networks.find(({ network }) => parseNetworkList(network).list.contains(router)) ?? networks[0];
}

/** A global address that lasts: privacy addresses (RFC 8981) change every day. */
function ownIPv6(networks: readonly LocalNetwork[]): LocalNetwork | undefined {
  const passing = passingAddresses();
  return networks.find(
    ({ address }) => addressScope(address) === 'public' && !passing.has(addressBytes(address).toString('hex')),
  );
}

/** Flags of <linux/if_addr.h>: temporary, tentative, deprecated, failed duplicate detection. */
const IFA_F_PASSING = 0x01 | 0x08 | 0x20 | 0x40;

/** Columns of if_inet6: address, interface index, prefix length, scope, flags, interface. */
function passingAddresses(): ReadonlySet<string> {
  const lines = readSystemFile('/proc/net/if_inet6').split('\n');
  const columns = lines.map((line) => line.trim().split(/\s+/));
  const passing = columns.filter(([, , , , flags = '0']) => (Number.parseInt(flags, 16) & IFA_F_PASSING) !== 0);
  return new Set(passing.map(([address = '']) => address));
}

function withZone(router: string, interfaceName: string): string {
  return addressScope(router) === 'link-local' && router.includes(':') ? `${router}%${interfaceName}` : router;
}

/** This host's own IPv4 address on the interface of the default route, router or not; undefined: there is none. */
export function outwardAddress(): string | undefined {
  const route = defaultRoute(readRoutes().filter(({ family }) => family === 4));
  return localNetworks().find(({ family, interfaceName }) => family === 4 && interfaceName === route?.interfaceName)
    ?.address;
}
