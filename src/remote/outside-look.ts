/** One look at the addresses outside: the one that the router has, and the one that the Internet sees. */
import { addressScope } from '../net/address.ts';
import type { IgdMapper } from './igd.ts';
import { findIgdMappers } from './mappers.ts';
import { askPublicAddress } from './public-address.ts';
import type { RemoteFacts } from './remote-facts.ts';
import { askWanAddress } from './router-survey.ts';
import type { RemoteFindings } from './view.ts';
import { outwardAddress, wayOut } from './way-out.ts';

/** `nonce`: see `PcpMapper`. With `public_address = "none"` and no port to map, nobody is asked. */
export async function lookOutside(
  facts: RemoteFacts,
  nonce: Buffer,
): Promise<Pick<RemoteFindings, 'wan' | 'publicAddress'>> {
  const { publicAddress: setting, autoUrl } = facts;
  const [publicAddress, wan] = await Promise.all([
    askPublicAddress({ setting, autoUrl }),
    mayAskRouter(facts) ? findWan(facts, nonce) : undefined,
  ]);
  return { publicAddress, wan };
}

/** Nobody is asked against the will of the one who wrote the file. */
export function mayAskRouter({ publicAddress, mapPort }: Pick<RemoteFacts, 'publicAddress' | 'mapPort'>): boolean {
  return publicAddress !== 'none' || mapPort !== 0;
}

/** This host's outside address, or the router's. `igds`: its UPnP connections, when somebody looks for them anyway. Never rejects. */
export async function findWan(
  { isRouter }: Pick<RemoteFacts, 'isRouter'>,
  nonce: Buffer,
  igds?: Promise<readonly IgdMapper[]>,
): Promise<RemoteFindings['wan']> {
  const own = outwardAddress();
  if (own !== undefined && (isRouter || addressScope(own) === 'public')) {
    return { address: own, isOwn: true, from: 'its own interface' };
  }
  const way = wayOut(4);
  if (way === undefined || way.isContainerBridge) return undefined;
  const answer = await askWanAddress(way, nonce, () => igds ?? findIgdMappers(way));
  return answer && { ...answer, isOwn: false };
}
