/** Opens the configured upstreams, each with the transport that its address names. */
import { rootCertificates } from 'node:tls';
import { Bootstrap } from './bootstrap.ts';
import type { Upstream } from './upstream.ts';
import { readUpstream, type UpstreamAddress } from './upstream-address.ts';
import { HttpsUpstream } from './upstream-https.ts';
import { PlainUpstream } from './upstream-plain.ts';
import { TlsUpstream } from './upstream-tls.ts';

/** `certificateAuthorities`: PEM certificates that are trusted for DoT and DoH besides the usual ones. Throws `config` for an unreadable entry. */
export function openUpstreams(
  entries: readonly string[],
  certificateAuthorities: readonly string[] = [],
): readonly Upstream[] {
  const addresses = entries.map(readUpstream);
  const plain = addresses.map((address) => (isPlain(address) ? new PlainUpstream(address) : undefined));
  const bootstrap = new Bootstrap(plain.find((upstream) => upstream !== undefined));
  const ca = certificateAuthorities.length === 0 ? undefined : [...rootCertificates, ...certificateAuthorities];
  const secure = { ca, lookup: bootstrap.lookup };
  return addresses.map((address, index) => {
    const secured = address.transport === 'tls' ? TlsUpstream : HttpsUpstream;
    return plain[index] ?? new secured(address, secure);
  });
}

function isPlain({ transport }: UpstreamAddress): boolean {
  return transport === 'udp' || transport === 'tcp';
}
