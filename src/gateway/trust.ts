/** What devices get that are to trust the private CA: the page, and the root in the forms that they read. */
import type { PageAsk } from '../http/full-lane.ts';
import { renderNothingToTrust, renderTrustPage } from '../http/pages/trust-page.ts';
import { deviceOf, TRUST_FILES } from '../http/pages/trust-steps.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import type { ListenAddress } from '../net/listen.ts';
import { Authority } from '../tls/authority.ts';
import type { Parts } from './parts.ts';
import { endpointOf, publishedEndpoint, reachableEndpoint } from './published.ts';

/** What the answer rests on. */
export interface TrustGround {
  /** The private CA; undefined: none is in use. */
  readonly authority: Authority | undefined;
  /** Where the gateway is on the LAN, `192.168.1.2:32443`; undefined: it cannot know. */
  readonly endpoint: string | undefined;
}

export interface TrustAnswer {
  readonly status: 200 | 404;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** The ground as it is now. Throws `certificate` when the authority's file is damaged. */
export async function trustGround(
  { certificates, config, site }: Parts,
  state: StateFolder,
  listeners: readonly ListenAddress[],
): Promise<TrustGround> {
  const isInUse = certificates.facts().some(({ source }) => source === 'private-ca');
  const endpoint = publishedEndpoint(config) ?? reachableEndpoint(site.lanAddresses, listeners);
  return {
    authority: isInUse ? await Authority.existing(state) : undefined,
    endpoint: endpoint && endpointOf(endpoint.address, endpoint.port),
  };
}

/** The page, or one of the files that it links to. */
export function trustAnswer(ask: PageAsk, { authority, endpoint }: TrustGround): TrustAnswer {
  if (authority === undefined) {
    const { html, headers } = renderNothingToTrust();
    return { status: 404, headers: { ...headers, 'X-Lockgate-Reason': 'not-found' }, body: html };
  }
  const { certificate, domains } = authority;
  const { path } = ask.head;
  if (path === TRUST_FILES.profile) return file('application/x-apple-aspen-config', authority.mobileconfig);
  if (path === TRUST_FILES.binary) return file('application/x-x509-ca-cert', certificate.raw);
  if (path === TRUST_FILES.pem) return file('application/x-pem-file', certificate.toString());
  const { html, headers } = renderTrustPage({
    rootName: certificate.subject.replace(/^CN=/, ''),
    fingerprint: certificate.fingerprint256,
    notAfter: certificate.validToDate,
    domains,
    endpoint,
    isTls: ask.peer.tls,
    device: deviceOf(ask.head.header('user-agent')),
  });
  return { status: 200, headers, body: html };
}

/** No Content-Disposition: Safari hands a profile to the settings only when it is not an attachment; the path ends with the file's name. */
function file(type: string, body: string | Buffer): TrustAnswer {
  const headers = { 'Content-Type': type, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
  return { status: 200, headers, body };
}
