/** The kernel's main routing tables, read from /proc: which interface leads where, and who the default routers are. */
import { canonicalAddress, networkOf, parseNetworkList } from './address.ts';
import { readSystemFile } from './system-file.ts';

export interface Route {
  readonly family: 4 | 6;
  /** CIDR text; `0.0.0.0/0` and `::/0` are default routes. */
  readonly destination: string;
  readonly prefixLength: number;
  /** The next router; undefined when the destination is on-link. */
  readonly router: string | undefined;
  readonly interfaceName: string;
  readonly metric: number;
}

/** Flags of <linux/route.h> and <linux/ipv6_route.h>. */
const RTF_GATEWAY = 0x0002;
const RTF_REJECT = 0x0200;
const RTF_ANYCAST = 0x00100000;
const RTF_LOCAL = 0x80000000;

/** Every usable route of both families; empty where there is no /proc (not Linux). */
export function readRoutes(): Route[] {
  return [
    ...linesOf('/proc/net/route').map(readIPv4Route),
    ...linesOf('/proc/net/ipv6_route').map(readIPv6Route),
  ].filter((route) => route !== undefined);
}

/** Longest prefix first, then the lowest metric (RFC 1812 section 5.2.4.3); undefined when nothing leads there. */
export function routeTowards(address: string, routes: readonly Route[]): Route | undefined {
  return best(routes.filter(({ destination }) => parseNetworkList(destination).list.contains(address)));
}

/** The preferred default route: IPv4's, else IPv6's. */
export function defaultRoute(routes: readonly Route[]): Route | undefined {
  const defaults = routes.filter((route) => route.prefixLength === 0);
  return best(defaults.filter((route) => route.family === 4)) ?? best(defaults);
}

function best(routes: readonly Route[]): Route | undefined {
  return [...routes].sort((a, b) => b.prefixLength - a.prefixLength || a.metric - b.metric)[0];
}

function linesOf(path: string): string[][] {
  const lines = readSystemFile(path).split('\n');
  return lines.map((line) => line.trim().split(/\s+/));
}

/** Columns: interface, destination, gateway, flags, references, use, metric, mask; numbers in the byte order of the machine. */
function readIPv4Route(columns: readonly string[]): Route | undefined {
  const [interfaceName, destination, router, flagsText, , , metric, mask] = columns;
  const flags = Number.parseInt(flagsText ?? '', 16);
  if (interfaceName === undefined || mask?.length !== 8 || Number.isNaN(flags) || flags & RTF_REJECT) return undefined;
  const prefixLength = Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length;
  return routeOf(4, {
    destination: littleEndianAddress(destination),
    prefixLength,
    router: flags & RTF_GATEWAY ? littleEndianAddress(router) : undefined,
    interfaceName,
    metric: Number(metric),
  });
}

/** Columns: destination, prefix length, source, its prefix length, router, metric, references, use, flags, interface; hexadecimal. */
function readIPv6Route(columns: readonly string[]): Route | undefined {
  const [destination, prefixLength, , , router, metric, , , flagsText, interfaceName] = columns;
  const flags = Number.parseInt(flagsText ?? '', 16);
  if (interfaceName === undefined || Number.isNaN(flags)) return undefined;
  if (flags & (RTF_REJECT | RTF_LOCAL | RTF_ANYCAST)) return undefined;
  return routeOf(6, {
    destination: hexadecimalIPv6(destination),
    prefixLength: Number.parseInt(prefixLength ?? '', 16),
    router: flags & RTF_GATEWAY ? hexadecimalIPv6(router) : undefined,
    interfaceName,
    metric: Number.parseInt(metric ?? '', 16),
  });
}

function routeOf(
  family: 4 | 6,
  route: Omit<Route, 'family' | 'destination'> & { destination: string | undefined },
): Route | undefined {
  const destination = networkOf(route.destination ?? '', route.prefixLength);
  return destination === undefined ? undefined : { ...route, family, destination };
}

function littleEndianAddress(text = ''): string | undefined {
  return canonicalAddress([...Buffer.from(text, 'hex')].reverse().join('.'));
}

function hexadecimalIPv6(text = ''): string | undefined {
  return canonicalAddress(text.replace(/(.{4})(?!$)/g, '$1:'));
}
