/** The protocols that a router may speak, in the order in which they are tried: PCP, NAT-PMP, UPnP IGD 2, IGD 1. */
import { IgdMapper } from './igd.ts';
import { IgdFirewallMapper } from './igd-firewall.ts';
import { type IgdServices, readIgdServices } from './igd-services.ts';
import { NatPmpMapper } from './nat-pmp.ts';
import { PcpMapper } from './pcp.ts';
import type { PortMapper } from './port-mapper.ts';
import { findRouterDescriptions } from './ssdp.ts';
import type { WayOut } from './way-out.ts';

/** Of one router: real ones have one or two, and each may take its time. */
const MAX_CONNECTIONS = 8;

/** Mappers for a port of IPv4's NAT; the later ones are looked for only when they are reached. */
export async function* natMappers(way: WayOut, nonce: Buffer): AsyncGenerator<PortMapper> {
  yield new PcpMapper(way, nonce);
  yield new NatPmpMapper(way);
  yield* await findIgdMappers(way);
}

/** Mappers for an opening in the IPv6 firewall. UPnP is found through `wayIPv4`, the same router's other side. */
export async function* firewallMappers(
  way: WayOut,
  wayIPv4: WayOut | undefined,
  nonce: Buffer,
): AsyncGenerator<PortMapper> {
  yield new PcpMapper(way, nonce);
  if (wayIPv4 === undefined) return;
  for (const { firewall } of await findIgdServices(wayIPv4)) {
    if (firewall !== undefined) yield new IgdFirewallMapper(firewall, way);
  }
}

/** The router's UPnP connections: those that are up before the others. */
export async function findIgdMappers(way: WayOut): Promise<readonly IgdMapper[]> {
  const connections = (await findIgdServices(way)).flatMap((services) => services.connections);
  const mappers = connections.slice(0, MAX_CONNECTIONS).map((service) => new IgdMapper(service, way));
  if (mappers.length < 2) return mappers;
  const ranked = await Promise.all(mappers.map(async (mapper) => ({ mapper, isUp: await mapper.isConnected() })));
  return ranked.toSorted((a, b) => Number(b.isUp) - Number(a.isUp)).map(({ mapper }) => mapper);
}

async function findIgdServices(way: WayOut): Promise<readonly IgdServices[]> {
  const locations = await findRouterDescriptions(way);
  const found = await Promise.all(locations.map((location) => readIgdServices(location, way)));
  return found.filter((services) => services !== undefined);
}
