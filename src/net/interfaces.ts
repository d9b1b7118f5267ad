/** What this host is connected to: its addresses, the networks on its interfaces, its default routers. */
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { addressFamily, addressScope, canonicalAddress, networkOf } from './address.ts';
import { isContainerBridge, isTunnel } from './link-kind.ts';
import { type Route, readRoutes } from './routes.ts';
import { readSystemFile } from './system-file.ts';

export interface LocalNetwork {
  readonly interfaceName: string;
  /** This host's own address in the network, canonical. */
  readonly address: string;
  readonly prefixLength: number;
  /** CIDR text: `192.168.1.0/24`. */
  readonly network: string;
  readonly family: 4 | 6;
  readonly isLoopback: boolean;
  /** A VPN, PPP, modem or other interface whose far end is not the neighbourhood. */
  readonly isTunnel: boolean;
  /** A bridge for containers or virtual machines, or the inside of one. */
  readonly isContainerBridge: boolean;
}

/** Every address of every interface that is up, with what kind of interface it is. Read anew at each call. */
export function localNetworks(): LocalNetwork[] {
  return Object.entries(networkInterfaces()).flatMap(([label, infos = []]) => {
    const interfaceName = label.split(':')[0] ?? label; // eth0:1 is another address of eth0
    const kind = { isTunnel: isTunnel(interfaceName), isContainerBridge: isContainerBridge(interfaceName) };
    return infos.map((info) => localNetwork(interfaceName, info, kind)).filter((network) => network !== undefined);
  });
}

function localNetwork(
  interfaceName: string,
  info: NetworkInterfaceInfo,
  kind: { isTunnel: boolean; isContainerBridge: boolean },
): LocalNetwork | undefined {
  const address = canonicalAddress(info.address);
  const prefixLength = Number(info.cidr?.split('/')[1]);
  const network = networkOf(address ?? '', prefixLength);
  if (address === undefined || network === undefined) return undefined;
  const family = addressFamily(address);
  return { interfaceName, address, prefixLength, network, family, isLoopback: info.internal, ...kind };
}

/** This host's own addresses, each once, loopback included. */
export function localAddresses(): string[] {
  return [...new Set(localNetworks().map((network) => network.address))];
}

/** The routers of all default routes, each once. */
export function defaultRouters(): string[] {
  const routers = readRoutes().flatMap(({ prefixLength, router }) => (prefixLength === 0 && router ? [router] : []));
  return [...new Set(routers)];
}

/**
 * Whether this host is a router for a network behind it: IPv4 forwarding is on, and there is a private interface that no default route
 * uses. Forwarding alone proves nothing: container engines turn it on, and containers inherit it.
 */
export function isForwardingHost(networks = localNetworks(), routes: readonly Route[] = readRoutes()): boolean {
  if (readSystemFile('/proc/sys/net/ipv4/ip_forward').trim() !== '1') return false;
  const outward = new Set(routes.filter((route) => route.prefixLength === 0).map((route) => route.interfaceName));
  return networks.some((network) => isHomeNetwork(network) && !outward.has(network.interfaceName));
}

/** Whether the network can be part of a home: private addresses (RFC 1918, ULA), on neither a tunnel nor a container bridge. */
export function isHomeNetwork(network: LocalNetwork): boolean {
  if (network.isLoopback || network.isTunnel || network.isContainerBridge) return false;
  return addressScope(network.address) === 'private';
}
