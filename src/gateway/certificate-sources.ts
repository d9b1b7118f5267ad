/** Which certificate sources a configuration asks for, and the store made of them. */
import { hostname } from 'node:os';
import { acmeNames } from '../config/acme-names.ts';
import type { Config } from '../config/schema.ts';
import type { Log } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { AcmeSource } from '../tls/acme/acme-source.ts';
import { AcmeStore } from '../tls/acme/store.ts';
import { AuthoritySource } from '../tls/authority-source.ts';
import type { CertificateProblem } from '../tls/certificate-facts.ts';
import type { CertificateSource } from '../tls/certificate-source.ts';
import { CertificateStore } from '../tls/certificates.ts';
import { FilesSource } from '../tls/files-source.ts';
import { KeptCertificate } from '../tls/kept-certificate.ts';
import { ServerSource } from '../tls/server-source.ts';

export interface StoreOptions {
  readonly config: Config;
  readonly state: StateFolder;
  readonly log: Log;
  /** The media server's id, once it is known. */
  readonly machineId: () => string | undefined;
  /** The zone that the media server shows, once it is known. */
  readonly knownZone: () => string | undefined;
  /** The gateway's own addresses that the private CA vouches for. */
  readonly addresses: () => readonly string[];
  /** False: there is no private CA yet, and this is a look around, which makes none. */
  readonly usesAuthority: boolean;
}

/** The names of a private CA come from its key, so before it is made there is nothing to show. */
const AT_FIRST_START: CertificateProblem = {
  severity: 'warning',
  sentence:
    'there is no certificate yet: a private CA is made at the first start, which media apps on TVs and phones will not accept',
  remedy:
    "for media apps, give the gateway the media server's own certificate: [server] data_dir, or lockgate snippet nas",
};

/** A store that is not started yet. */
export function makeCertificateStore(options: StoreOptions): CertificateStore {
  const { config, state, log, usesAuthority } = options;
  const { source, profile } = config.certificate;
  const isAuto = source === 'auto';
  const sources: CertificateSource[] = [];
  if ((isAuto && mayBePlex(config)) || source === 'server') sources.push(serverSource(options));
  if ((isAuto && namesFiles(config)) || source === 'files') sources.push(filesSource(options));
  if (acmeNames(config).length > 0) sources.push(new AcmeSource(new AcmeStore(state)));
  const needsStandIn = isAuto || source === 'acme';
  const mayNeedAuthority = needsStandIn || source === 'private-ca';
  if (source === 'private-ca' && usesAuthority) sources.push(authoritySource(options));
  return new CertificateStore({
    sources,
    profile,
    preferredChain: orUndefined(config.certificate.preferred_chain),
    log,
    ...(needsStandIn && usesAuthority ? { fallback: authoritySource(options) } : {}),
    ...(mayNeedAuthority && !usesAuthority ? { whenEmpty: AT_FIRST_START } : {}),
  });
}

function mayBePlex({ server }: Config): boolean {
  return server.kind === 'auto' || server.kind === 'plex';
}

function namesFiles({ certificate }: Config): boolean {
  return certificate.cert_file !== '' || certificate.pfx_file !== '';
}

function serverSource({ config, state, machineId, knownZone }: StoreOptions): ServerSource {
  return new ServerSource({
    dataFolder: orUndefined(config.server.data_dir),
    machineId,
    knownZone,
    kept: new KeptCertificate(state),
  });
}

function filesSource({ config, machineId }: StoreOptions): FilesSource {
  const { cert_file, key_file, key_passphrase_file, pfx_file, pfx_passphrase_file } = config.certificate;
  return new FilesSource({
    certFile: orUndefined(cert_file),
    keyFile: orUndefined(key_file),
    keyPassphraseFile: orUndefined(key_passphrase_file),
    pfxFile: orUndefined(pfx_file),
    pfxPassphraseFile: orUndefined(pfx_passphrase_file),
    machineId,
  });
}

function authoritySource({ config, state, addresses }: StoreOptions): AuthoritySource {
  const { names } = config.certificate;
  const namesOfOthers = acmeNames(config);
  return new AuthoritySource({ state, names, hostName: hostname(), addresses, namesOfOthers });
}

function orUndefined(text: string): string | undefined {
  return text === '' ? undefined : text;
}
