/** Turns `[acme]` and the names of `[certificate]` into what the issuer needs. */
import { existsSync } from 'node:fs';
import { acmeNames } from '../config/acme-names.ts';
import type { Config } from '../config/schema.ts';
import { splitSocket } from '../config/values.ts';
import type { AcmeSettings } from '../tls/acme/settings.ts';
import { detectPlatform } from '../tls/plex-data-folder.ts';
import { OPENWRT_MARK } from './move-check.ts';

const DNS_PORT = 53;

/** Undefined: no certificate authority is asked. */
export function acmeSettings(config: Config): AcmeSettings | undefined {
  const { acme, listen, remote } = config;
  const names = acmeNames(config);
  if (names.length === 0) return undefined;
  return {
    wish: { directory: acme.directory, names, profile: acme.profile },
    email: acme.email,
    challenge: acme.challenge,
    caFile: acme.ca_file,
    hook: acme.hook,
    nameServer: acme.rfc2136_server === '' ? undefined : nameServer(acme.rfc2136_server),
    nameServerKeyFile: acme.rfc2136_key_file,
    externalId: acme.eab_id,
    externalKeyFile: acme.eab_key_file,
    ways: {
      ports: listen.port,
      mappedPort: remote.map_port,
      place: existsSync(OPENWRT_MARK) ? 'openwrt' : detectPlatform(),
    },
  };
}

function nameServer(text: string): { host: string; port: number } {
  return splitSocket(text) ?? { host: text, port: DNS_PORT };
}
