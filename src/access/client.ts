/** Who is asking: the address behind one request and where it is, from the connection, its forwarding headers and the networks. Pure. */
import type { Peer, RequestHead } from '../http/request.ts';
import { addressScope, canonicalAddress, type NetworkList } from '../net/address.ts';
import type { Place } from './facts.ts';
import type { ClientView } from './request-facts.ts';

export interface ClientOptions {
  /** `trusted_proxies`: whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  readonly trustedProxies: NetworkList;
  /** `proxy_protocol_from`. */
  readonly proxyProtocolFrom: NetworkList;
  readonly lanNetworks: NetworkList;
  /** The routers of all default routes, canonical. */
  readonly defaultRouters: readonly string[];
  /** This host routes for a network behind it. */
  readonly isForwardingHost: boolean;
  /** `allowed_networks`: an address that is listed by itself is known to its owner, even a router's. */
  readonly allowedNetworks: NetworkList;
}

/**
 * Why an address does not say who it is. `router`: it is the default router's, which hides those behind it. `untrusted-proxy`: the peer
 * forwards for others and is not in `trusted_proxies`. `unknown-client`: a trusted proxy or balancer did not say, or named loopback.
 */
export type MaskedBecause = 'router' | 'untrusted-proxy' | 'unknown-client';

export interface Client extends ClientView {
  /** Only in place `masked`. */
  readonly maskedBecause?: MaskedBecause;
}

/** Headers that a proxy adds. Without trust in it they prove only that the peer is not the client. */
const FORWARDING_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via', 'cf-connecting-ip'];

/** The client of a request, as the policy's facts define it. */
export function clientOf(head: RequestHead, peer: Peer, options: ClientOptions): Client {
  if (options.trustedProxies.contains(peer.address)) return clientBehindProxy(head, peer, options);
  const seen = { address: peer.address, isTls: peer.tls };
  if (FORWARDING_HEADERS.some((name) => head.values(name).length > 0)) {
    return masked(seen, 'untrusted-proxy', `[access] trusted_proxies: add "${peer.address}", if it is your own proxy`);
  }
  if (!peer.fromProxyHeader && options.proxyProtocolFrom.contains(peer.address)) {
    return masked(
      seen,
      'unknown-client',
      `let the balancer ${peer.address} send the client's address in its PROXY header`,
    );
  }
  if (addressScope(peer.address) === 'loopback' && !peer.fromProxyHeader) return { ...seen, place: 'loopback' };
  return located(seen, options);
}

function clientBehindProxy(head: RequestHead, peer: Peer, options: ClientOptions): Client {
  const address = forwardedAddress(head.values('x-forwarded-for'), options.trustedProxies);
  const seen = { address, isTls: peer.tls || isForwardedOverTls(head) };
  if (address !== undefined) return located({ ...seen, address }, options);
  const mend = `let the proxy ${peer.address} send X-Forwarded-For, and list in [access] trusted_proxies only proxies`;
  return masked(seen, 'unknown-client', mend);
}

/**
 * The right-most entry of X-Forwarded-For that is not itself trusted: what stands left of it is hearsay. Undefined when that entry
 * cannot be read, or when all are trusted.
 */
function forwardedAddress(values: readonly string[], trustedProxies: NetworkList): string | undefined {
  for (const entry of values.join(',').split(',').reverse()) {
    const address = addressOfEntry(entry.trim());
    if (address === undefined || !trustedProxies.contains(address)) return address;
  }
  return undefined;
}

/** `1.2.3.4`, `1.2.3.4:80`, `fd00::1`, `[fd00::1]` and `[fd00::1]:80`. */
function addressOfEntry(entry: string): string | undefined {
  const withoutPort = entry.match(/^\[([^\]]*)\](?::\d{1,5})?$/)?.[1] ?? entry.match(/^([\d.]+):\d{1,5}$/)?.[1];
  return canonicalAddress(withoutPort ?? entry);
}

/** Every proxy of a chain that tells the scheme must say https. */
function isForwardedOverTls(head: RequestHead): boolean {
  const values = head.values('x-forwarded-proto').join(',').split(',');
  return values.every((value) => value.trim().toLowerCase() === 'https');
}

interface Seen {
  readonly address: string;
  readonly isTls: boolean;
}

/** Judges an address that is not the TCP peer's own loopback. */
function located(seen: Seen, options: ClientOptions): Client {
  const { address } = seen;
  const scope = addressScope(address);
  if (scope === 'loopback' || scope === 'unspecified') {
    return masked({ ...seen, address: undefined }, 'unknown-client', `let the proxy name its clients, not ${address}`);
  }
  if (isMaskingRouter(address, options)) return masked(seen, 'router', remedyForRouter(address));
  const place: Place = options.lanNetworks.contains(address) ? 'lan' : 'outside';
  return { ...seen, place };
}

/**
 * The default router, as which a masquerading one shows everybody behind it. On a host that routes itself that is the provider's, which is no
 * neighbour; a router inside the LAN still is.
 */
function isMaskingRouter(address: string, options: ClientOptions): boolean {
  if (!options.defaultRouters.includes(address)) return false;
  if (options.isForwardingHost && !options.lanNetworks.contains(address)) return false;
  return !options.allowedNetworks.containsExactly(address) && !options.lanNetworks.containsExactly(address);
}

function remedyForRouter(address: string): string {
  const cause = `the router ${address} hides its clients: use host networking in a container, or stop it from masquerading`;
  return `${cause} ([access] allowed_networks: add "${address}" would let in all that come through it)`;
}

function masked(
  seen: { readonly address: string | undefined; readonly isTls: boolean },
  maskedBecause: MaskedBecause,
  mend: string,
): Client {
  return { ...seen, place: 'masked', maskedBecause, mend };
}
