/** What the router tells about itself without opening a port: its outside address, and which ports lead where. */
import { addressScope } from '../net/address.ts';
import type { Forwarding, IgdMapper } from './igd.ts';
import { askExternalAddress } from './nat-pmp.ts';
import { PcpMapper } from './pcp.ts';
import type { MappingProtocol } from './port-mapper.ts';
import type { WayOut } from './way-out.ts';

export interface WanAddress {
  readonly address: string;
  readonly from: MappingProtocol;
}

const MAX_FORWARDINGS = 64;
const NATPMP_NETWORK_FAILURE = 3;
/** Nothing listens there. */
const UNUSED_PORT = 49_151;

/** `findIgds`: its UPnP connections; only called when nothing else tells. Undefined: the router does not say. Never rejects. */
export async function askWanAddress(
  way: WayOut,
  nonce: Buffer,
  findIgds: () => Promise<readonly IgdMapper[]>,
): Promise<WanAddress | undefined> {
  const answer = await askExternalAddress(way);
  if (isAddress(answer?.address)) return { address: answer.address, from: 'NAT-PMP' };
  if (answer?.resultCode === NATPMP_NETWORK_FAILURE) {
    const address = await addressInRefusal(way, nonce);
    if (address !== undefined) return { address, from: 'PCP' };
  }
  for (const igd of await findIgds()) {
    const address = await igd.externalAddress();
    if (address !== undefined) return { address, from: igd.protocol };
  }
  return undefined;
}

/**
 * The TCP ports of the router that lead into the LAN, as far as UPnP tells: those that programs asked for, and on many routers those
 * that were set up by hand. Undefined: the router does not speak UPnP.
 */
export async function askForwardings(igds: readonly IgdMapper[]): Promise<readonly Forwarding[] | undefined> {
  const [igd] = igds;
  return igd?.forwardings(MAX_FORWARDINGS);
}

/** A router that maps nothing because its outside address is private names that address when it refuses in PCP. */
async function addressInRefusal(way: WayOut, nonce: Buffer): Promise<string | undefined> {
  const mapper = new PcpMapper(way, nonce);
  const wish = { internalPort: UNUSED_PORT, externalPort: UNUSED_PORT };
  const outcome = await mapper.map(wish, 1);
  if (outcome.outcome === 'mapped') {
    await mapper.unmap(outcome.mapping);
    return outcome.mapping.externalAddress;
  }
  return outcome.outcome === 'refused' ? outcome.externalAddress : undefined;
}

function isAddress(address: string | undefined): address is string {
  return address !== undefined && addressScope(address) !== 'unspecified';
}
