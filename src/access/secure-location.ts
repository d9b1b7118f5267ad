/** Where a plain HTTP request is sent on: the same target over TLS, under a name that the certificate covers (rule 2). */
import { labelFromAddress } from '../net/address.ts';
import { type HostHeader, readHost } from './host.ts';

/** What is known about names under which TLS works. */
export interface SecureNames {
  readonly covers: (name: string) => boolean;
  /** Zones whose first label spells an address, and for which there is a certificate: `<hash>.plex.direct`. */
  readonly zones: () => readonly string[];
  /** Where clients reach this gateway when it cannot know (`listen.published`). */
  readonly published: { readonly address: string; readonly port: number } | undefined;
}

/** The request's own side. */
export interface PlainRequest {
  readonly host: string | undefined;
  /** Origin-form. */
  readonly target: string;
  readonly localAddress: string;
  readonly localPort: number;
}

const HTTP_PORT = '80';
const HTTPS_PORT = '443';

/** The `https://` URL of the request: the Host's own name, else its literal as a label, else the socket's address as one. Undefined: none is covered. */
export function secureLocation(request: PlainRequest, names: SecureNames): string | undefined {
  const host = request.host === undefined ? undefined : readHost(request.host);
  const name = coveredName(host, request, names);
  if (name === undefined) return undefined;
  const port = portOf(host, request, names);
  return `https://${name}${port === HTTPS_PORT ? '' : `:${port}`}${request.target}`;
}

function coveredName(host: HostHeader | undefined, request: PlainRequest, names: SecureNames): string | undefined {
  if (host !== undefined && names.covers(host.name)) return host.address?.includes(':') ? `[${host.name}]` : host.name;
  const fromLiteral = host?.address === undefined ? undefined : labelIn(host.address, names);
  return fromLiteral ?? labelIn(names.published?.address ?? request.localAddress, names);
}

function labelIn(address: string, names: SecureNames): string | undefined {
  const label = labelFromAddress(address);
  return names
    .zones()
    .map((zone) => `${label}.${zone}`)
    .find(names.covers);
}

/** One port speaks both protocols, so it is the one that the client used. Port 80 is left for 443. */
function portOf(host: HostHeader | undefined, request: PlainRequest, names: SecureNames): string {
  if (host !== undefined && host.port !== '' && host.port !== HTTP_PORT) return host.port;
  const port = String(names.published?.port ?? request.localPort);
  return port === HTTP_PORT ? HTTPS_PORT : port;
}
