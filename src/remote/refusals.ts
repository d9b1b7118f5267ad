/** What routers refuse in every protocol, and what their owner can do about it. */
import type { Refusal } from './port-mapper.ts';

export const RANGE_REMEDY =
  'see that port mapping (UPnP, NAT-PMP) is allowed in the router, and choose a [remote] map_port from 1024 to 65535';

export const WAN_REMEDY =
  'see that the router is online; many refuse every mapping while their own outside address is private: then forward the port in every router on the way by hand';

/** The port leads to somebody else. */
export function takenRefusal(externalPort: number, holder: string | undefined): Refusal {
  const whom = holder === undefined ? 'elsewhere' : `to ${holder}`;
  return {
    reason: `port ${externalPort} of the router leads ${whom} already`,
    remedy: 'remove that port forwarding in the router, or choose another [remote] map_port',
  };
}

/** A router that says yes, and for no time. */
export const NO_LEASE: Refusal = {
  reason: 'the router opens the port for no time at all',
  remedy: 'restart the router, or forward the port in it by hand',
};

/** The router offers another port than the one that apps are told. */
export function otherPortRefusal(wanted: number, offered: number): Refusal {
  return {
    reason: `the router gives port ${offered} instead of ${wanted}, which is taken or not allowed`,
    remedy: `choose another [remote] map_port from 1024 to 65535, for example ${offered}`,
  };
}

/** What a UPnP error says: one of `known`, by its code, else in the router's own words. */
export function upnpRefusal(
  { code, description }: { readonly code: number | undefined; readonly description: string },
  known: Readonly<Record<number, Refusal>>,
): Refusal {
  const refusal = code === undefined ? undefined : known[code];
  if (refusal !== undefined) return refusal;
  const number = code === undefined ? '' : ` ${code}`;
  return {
    reason: `the router refuses with UPnP error${number} (${JSON.stringify(description)})`,
    remedy: RANGE_REMEDY,
  };
}
