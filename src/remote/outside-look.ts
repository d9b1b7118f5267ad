/** One look at the addresses outside: the one that the router has, and the one that the Internet sees. */
import { addressScope } from '../net/address.ts';
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
  const setting = facts.publicAddress;
  const [publicAddress, wan] = await Promise.all([
    askPublicAddress({ setting, autoUrl: facts.autoUrl }),
    setting === 'none' && facts.mapPort === 0 ? undefined : findWan(facts, nonce),
  ]);
  return { publicAddress, wan };
}

async function findWan(facts: RemoteFacts, nonce: Buffer): Promise<RemoteFindings['wan']> {
  const own = outwardAddress();
  if (own !== undefined && (facts.isRouter || addressScope(own) === 'public')) {
    return { address: own, isOwn: true, from: 'its own interface' };
  }
  const way = wayOut(4);
  const answer = way === undefined || way.isContainerBridge ? undefined : await askWanAddress(way, nonce);
  return answer && { ...answer, isOwn: false };
}
