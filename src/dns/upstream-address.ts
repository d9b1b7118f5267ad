/** Reads how an upstream is written: `1.1.1.1`, `[::1]:5353`, `tcp://…`, `tls://…`, `https://…/dns-query`. */
import { isIP } from 'node:net';
import { GatewayError } from '../lib/errors.ts';

const DNS_PORT = 53;
const TLS_PORT = 853;
const HTTPS_PORT = 443;

export interface UpstreamAddress {
  readonly transport: 'udp' | 'tcp' | 'tls' | 'https';
  /** An address literal without brackets; for tls and https also a name. */
  readonly host: string;
  readonly port: number;
  /** Path and query for https; empty otherwise. */
  readonly path: string;
  /** As written. */
  readonly text: string;
}

/** Reads one entry of `dns.upstreams`. Throws `config` with the remedy. */
export function readUpstream(text: string): UpstreamAddress {
  const written = /^[a-z]+:\/\//i.test(text) ? text : `udp://${isIP(text) === 6 ? `[${text}]` : text}`;
  if (!URL.canParse(written))
    throw unreadable(text, 'write an address such as 1.1.1.1, tls://1.1.1.1 or https://dns.example/dns-query');
  const url = new URL(written);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.username !== '' || url.password !== '') throw unreadable(text, 'remove the user name');
  switch (url.protocol) {
    case 'udp:':
    case 'tcp:':
      if (isIP(host) === 0)
        throw unreadable(text, 'a plain upstream is an address, because a name would need a resolver');
      return { transport: url.protocol === 'udp:' ? 'udp' : 'tcp', host, port: portOf(url, DNS_PORT), path: '', text };
    case 'tls:':
      return { transport: 'tls', host, port: portOf(url, TLS_PORT), path: '', text };
    case 'https:':
      return { transport: 'https', host, port: portOf(url, HTTPS_PORT), path: url.pathname + url.search, text };
    default:
      throw unreadable(text, 'use tls://, https://, tcp:// or a bare address');
  }
}

function portOf(url: URL, standard: number): number {
  return url.port === '' ? standard : Number(url.port);
}

function unreadable(text: string, hint: string): GatewayError {
  return new GatewayError('config', `dns.upstreams: ${JSON.stringify(text)} cannot be read`, { hint });
}
