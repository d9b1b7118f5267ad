/** What stands between this site and the Internet: the pure verdict on a router's outside address and the one that others see. */
import { addressFamily, addressScope, parseNetworkList } from '../net/address.ts';

/** `other-address`: both addresses are public and differ, which is another NAT or a VPN. */
export type NatSituation = 'no-nat' | 'one-nat' | 'double-nat' | 'carrier-nat' | 'other-address' | 'not-determined';

export interface NatFacts {
  /** The outside address that the router reports or, on a router, this host's own; undefined: not known. */
  readonly wanAddress: string | undefined;
  /** The address under which the site is seen from the Internet; undefined: not known. */
  readonly publicAddress: string | undefined;
  /** The outside address is this host's own. */
  readonly isOwnWan: boolean;
}

export interface NatVerdict {
  readonly situation: NatSituation;
  /** One sentence without a full stop. */
  readonly evidence: string;
}

/** RFC 6333 section 5.7: between a customer's box and the provider's NAT (DS-Lite). 100.64/10 is RFC 6598. */
const DS_LITE = parseNetworkList('192.0.0.0/29').list;

/** Never guesses: what is not known is `not-determined`, and the evidence says what is missing. */
export function judgeNat(facts: NatFacts): NatVerdict {
  const { wanAddress, publicAddress, isOwnWan } = facts;
  const whose = isOwnWan ? "this host's outside address" : "the router's outside address";
  if (wanAddress === undefined) return undetermined(`${whose} is not known`, publicAddress);
  const scope = addressScope(wanAddress);
  const seen = publicAddress === undefined ? '' : `; the Internet sees ${publicAddress}`;
  if (scope === 'shared' || DS_LITE.contains(wanAddress)) {
    const evidence = `${whose} ${wanAddress} is one that a provider's NAT shares out among its customers${seen}`;
    return { situation: 'carrier-nat', evidence };
  }
  if (scope === 'private') {
    const evidence = `${whose} ${wanAddress} is private: another router stands between it and the Internet${seen}`;
    return { situation: 'double-nat', evidence };
  }
  if (scope !== 'public') return undetermined(`${whose} ${wanAddress} is none of the Internet`, publicAddress);
  if (publicAddress === undefined) {
    const evidence = `${whose} is ${wanAddress}, but which address the Internet sees is not known`;
    return { situation: 'not-determined', evidence };
  }
  const incomparable = whyIncomparable(wanAddress, publicAddress);
  if (incomparable !== undefined) {
    const evidence = `${whose} is ${wanAddress}, but the Internet is said to see ${publicAddress}, which is ${incomparable}`;
    return { situation: 'not-determined', evidence };
  }
  if (publicAddress === wanAddress) {
    const evidence = `${whose} ${wanAddress} is the one that the Internet sees`;
    return { situation: isOwnWan ? 'no-nat' : 'one-nat', evidence };
  }
  const evidence = `${whose} is ${wanAddress}, but the Internet sees ${publicAddress}: another NAT or a VPN stands between`;
  return { situation: 'other-address', evidence };
}

/** An answer that came by IPv6 says nothing about IPv4; one with a private address comes from a proxy, or from somebody who lies. */
function whyIncomparable(wanAddress: string, publicAddress: string): string | undefined {
  if (addressScope(publicAddress) !== 'public') return 'none of the Internet';
  return addressFamily(publicAddress) === addressFamily(wanAddress) ? undefined : 'of the other address family';
}

function undetermined(what: string, publicAddress: string | undefined): NatVerdict {
  const seen = publicAddress === undefined ? '' : ` (the Internet sees ${publicAddress})`;
  return { situation: 'not-determined', evidence: `${what}${seen}` };
}
