/** The header fields that say who the client is: what clients send of them is dropped, what the gateway knows is written. */
import { isIPv6 } from 'node:net';
import type { Peer, RequestHead } from './request.ts';

/** Who asks, as the policy judged it. `address` undefined: a trusted proxy did not say. */
export interface Client {
  readonly address: string | undefined;
  /** The client's own connection is TLS, here or at a trusted proxy. */
  readonly tls: boolean;
}

/** Single fields by which servers take another client, host, scheme or path for the true one. */
const FIELDS = new Set([
  'forwarded',
  'via',
  'client-ip',
  'true-client-ip',
  'fastly-client-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'cf-visitor',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-remote-ip',
  'x-remote-addr',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-envoy-external-address',
  'x-appengine-user-ip',
  'x-proxyuser-ip',
  'proxy-client-ip',
  'wl-proxy-client-ip',
  'front-end-https',
  'x-rewrite-url',
  'proxy',
]);

/** True for a field that only a proxy may write. `_` counts as `-`: some servers cannot tell them apart. */
export function isForwardingField(lowerCaseName: string): boolean {
  const name = lowerCaseName.includes('_') ? lowerCaseName.replaceAll('_', '-') : lowerCaseName;
  return FIELDS.has(name) || name.startsWith('x-forwarded') || name.startsWith('x-original-');
}

/**
 * The gateway's own forwarding fields: exactly one client, never a chain (RFC 7239; the X- fields as nginx and HAProxy write them).
 * An unknown client is `Forwarded: for=unknown`, without the fields that need an address.
 */
export function forwardingFields(head: RequestHead, client: Client, peer: Peer): string[] {
  const proto = client.tls ? 'https' : 'http';
  const host = head.header('host');
  const fields: string[] = [];
  if (client.address !== undefined) fields.push('X-Forwarded-For', client.address, 'X-Real-IP', client.address);
  fields.push('X-Forwarded-Proto', proto, 'X-Forwarded-Port', String(publicPort(host, client, peer)));
  if (host !== undefined) fields.push('X-Forwarded-Host', host);
  fields.push('Forwarded', forwardedElement({ address: client.address, host, proto }));
  return fields;
}

/** The port that the client used: browsers and apps put any but the scheme's own into Host. */
function publicPort(host: string | undefined, client: Client, peer: Peer): number {
  if (host === undefined) return peer.localPort;
  const port = /:(\d+)$/.exec(host)?.[1];
  if (port !== undefined) return Number(port);
  return client.tls ? 443 : 80;
}

/** RFC 7239 section 4: an IPv6 address stands in brackets, and whatever is not a token in quotes. */
function forwardedElement(node: { address: string | undefined; host: string | undefined; proto: string }): string {
  const parts = [`for=${nodeName(node.address)}`];
  if (node.host !== undefined) parts.push(`host=${quotedUnlessToken(node.host)}`);
  parts.push(`proto=${node.proto}`);
  return parts.join(';');
}

function nodeName(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return isIPv6(address) ? `"[${address}]"` : address;
}

function quotedUnlessToken(value: string): string {
  return /^[\w.-]+$/.test(value) ? value : `"${value}"`;
}
