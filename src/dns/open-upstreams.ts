/** Opens the configured upstreams, each with the transport that its address names. */
import { rootCertificates } from 'node:tls';
import { Bootstrap } from './bootstrap.ts';
import type { Upstream } from './upstream.ts';
import { readUpstream, type UpstreamAddress } from './upstream-address.ts';
import { HttpsUpstream } from './upstream-https.ts';
import { PlainUpstream } from './upstream-plain.ts';
import { TlsUpstream } from './upstream-tls.ts';

/** `certificateAuthorities`: PEM certificates that are trusted for DoT and DoH besides the usual ones. Throws `config` for an unreadable entry. */
export function openUpstreams(entries: readonly string[], certificateAuthorities: readonly string[] = []): readonly Upstream[] {
  const addresses = entries.map(readUpstream);
  const plain = addresses.find(isPlain);
  const bootstrap = new Bootstrap(plain === undefined ? undefined : new PlainUpstream(plain));
  const ca = certificateAuthorities.length === 0 ? undefined : [...rootCertificates, ...certificateAuthorities];
  const secure = { ca, lookup: bootstrap.lookup };
  return addresses.map((address) => {
    if (address.transport === 'tls') return new TlsUpstream(address, secure);
    if (address.transport === 'https') return new HttpsUpstream(address, secure);
    return new PlainUpstream(address);
  });
}

function isPlain({ transport }: UpstreamAddress): boolean {
  return transport === 'udp' || transport === 'tcp';
}
