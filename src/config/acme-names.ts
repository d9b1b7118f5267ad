/** For which names an ACME authority is asked for a certificate, as far as the file alone can tell. */
import { isIP } from 'node:net';
import { type Config, defaultOf, namedKeys } from './schema.ts';
import { PUBLIC_DIRECTORY } from './sections/certificate.ts';

/** Endings that no public authority vouches for: RFC 6761, RFC 6762, RFC 8375, RFC 7686, `internal`, and what routers use. */
const HOME_ENDINGS =
  /(?:^|\.)(?:localhost|local|lan|home|internal|intranet|home\.arpa|localdomain|test|example|invalid|onion)$/;

/** The names to ask for; empty: no authority is asked. With `source = "auto"` only when a key of [acme] says that one is wanted. */
export function acmeNames(config: Config): string[] {
  const { source, names } = config.certificate;
  const isWanted = source === 'acme' || (source === 'auto' && firstAcmeKey(config) !== undefined);
  return isWanted ? [...new Set(names)].filter((name) => acmeNameFault(name, config) === undefined) : [];
}

/** The first key of [acme] that the file sets to something of its own; undefined: none. */
export function firstAcmeKey({ acme }: Config): string | undefined {
  const values: Readonly<Record<string, unknown>> = acme;
  return namedKeys.find((named) => named.section === 'acme' && values[named.name] !== defaultOf(named))?.id;
}

/** Why no certificate is asked for `name`; undefined: one is. A private authority may vouch for the names of a home. */
export function acmeNameFault(name: string, { acme }: Config): string | undefined {
  if (isIP(name) !== 0) return 'is an address, for which only the private CA makes certificates';
  const isHomeName = !name.includes('.') || HOME_ENDINGS.test(name);
  if (isHomeName && acme.directory === PUBLIC_DIRECTORY) return 'is a name that no public authority vouches for';
  return undefined;
}
