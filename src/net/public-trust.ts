/** The certificate authorities that everybody trusts, and whom the user adds with NODE_EXTRA_CA_CERTS. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';

/** The runtime was started without them: reading them takes 40 ms of a start, 0.8 MiB, and many gateways never ask the Internet. */
const STARTED_WITHOUT = '--use-openssl-ca';

let isTrusting = !process.execArgv.includes(STARTED_WITHOUT);

/** Comes before every connection that is verified against them; without it none is believed. Takes some 20 ms, once. */
export function trustPublicAuthorities(): void {
  if (isTrusting) return;
  isTrusting = true;
  setDefaultCACertificates([...getCACertificates('bundled'), ...getCACertificates('extra')]);
}
