/** Which port is wanted of the router, or why none is. */
import { addressScope } from '../net/address.ts';
import type { MappingWish } from './port-mapper.ts';
import { innerPort, type RemoteFacts } from './remote-facts.ts';
import type { PortView } from './view.ts';
import type { WayOut } from './way-out.ts';

export type PortOff = Extract<PortView, { state: 'off' }>;

/** In one address family. */
export type PortPlan = { readonly way: WayOut; readonly wish: MappingWish } | PortOff;

function off(because: string, remedy = ''): PortOff {
  return { state: 'off', because, remedy };
}

/** A port of IPv4's NAT. */
export function planMapping(facts: RemoteFacts, way: WayOut | undefined): PortPlan {
  const { mapPort, isRouter } = facts;
  if (mapPort === 0) return off('map_port = 0: the router is not asked to open a port');
  if (isRouter) {
    const remedy = `let TCP ${mapPort} from outside in through its firewall (OpenWrt: lockgate openwrt apply --wan)`;
    return off('this host is the router, where nothing is to be mapped', remedy);
  }
  if (way === undefined) return off('no default router is known', 'connect this host to the router');
  if (addressScope(way.localAddress) === 'public') return off('this host has a public address itself');
  if (way.isContainerBridge) {
    const remedy = 'give the container the network of its host, or forward the port in the router by hand';
    return off('inside a container network the router cannot be asked', remedy);
  }
  const internalPort = innerPort(facts, way.localAddress);
  if (internalPort === undefined)
    return off(`nothing listens on ${way.localAddress}`, `add ${way.localAddress} to [listen] addresses`);
  return { way, wish: { internalPort, externalPort: mapPort } };
}

/** An opening in the IPv6 firewall. IPv6 has no translation: the port outside is the port inside. */
export function planPinhole(facts: RemoteFacts, way: WayOut | undefined): PortPlan {
  const { mapPort, isRouter } = facts;
  if (mapPort === 0 || isRouter || way === undefined) return off('no opening in IPv6 is asked for');
  const port = innerPort(facts, way.localAddress);
  if (port === undefined) return off('nothing listens on IPv6');
  return { way, wish: { internalPort: port, externalPort: port } };
}
