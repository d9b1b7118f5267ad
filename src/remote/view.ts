/** Everything that is known of the way in from outside, at one moment; fit for JSON. */
import { judgeNat, type NatVerdict } from './nat-verdict.ts';
import type { PortState } from './port-keeper.ts';
import type { PublicAddress } from './public-address.ts';
import { waysOut } from './ways-out.ts';

/** A port on the router. `off`: none is asked for, or none can be had from here; `remedy` empty: that is as it should be. */
export type PortView = PortState | { readonly state: 'off'; readonly because: string; readonly remedy: string };

export interface RemoteFindings {
  /** The TCP port under which the site is to be reached. */
  readonly outsidePort: number;
  /** The own address and port to which it must lead; undefined: no way out is known. */
  readonly inside: { readonly address: string; readonly port: number } | undefined;
  readonly mapping: PortView;
  /** The opening in the router's IPv6 firewall. */
  readonly pinhole: PortView;
  /** The outside address that the router, or this host itself, has; undefined: not known. */
  readonly wan: { readonly address: string; readonly isOwn: boolean; readonly from: string } | undefined;
  readonly publicAddress: PublicAddress;
  /** This host's global IPv6 address, and its name in the server's zone. */
  readonly ipv6: { readonly address: string; readonly url: string | undefined } | undefined;
  /** The last client from outside. */
  readonly reached: { readonly address: string; readonly secondsAgo: number } | undefined;
}

export interface RemoteView extends RemoteFindings {
  readonly nat: NatVerdict;
  /** What to do when the NAT bars the way, best first. */
  readonly waysOut: readonly string[];
}

/** The findings with their verdict. */
export function remoteView(findings: RemoteFindings): RemoteView {
  const { wan, publicAddress, mapping, pinhole, ipv6, outsidePort } = findings;
  // A router that refuses may have named its outside address all the same.
  const named = mapping.state === 'refused' ? mapping.externalAddress : undefined;
  const wanAddress = wan?.address ?? named;
  const nat = judgeNat({
    wanAddress,
    publicAddress: publicAddress.state === 'known' ? publicAddress.address : undefined,
    isOwnWan: wan?.isOwn ?? false,
  });
  const ways = waysOut({
    situation: nat.situation,
    wanAddress,
    port: outsidePort,
    ipv6: ipv6?.address,
    ipv6Url: ipv6?.url,
    isIPv6Open: pinhole.state === 'open',
  });
  return { ...findings, nat, waysOut: ways };
}
