/** The rules that concern more than one key: combinations that cannot work are faults. */
import { isIPv6 } from 'node:net';
import { acmeNameFault, acmeNames } from './acme-names.ts';
import type { Config } from './schema.ts';
import { splitSocket } from './values.ts';

/** A combination that cannot work. The first key is where it is reported. */
export interface RuleFault {
  /** All keys involved, as `section.key`. */
  readonly keys: readonly [string, ...string[]];
  readonly message: string;
  readonly hint: string;
}

type Rule = (config: Config) => RuleFault | RuleFault[] | undefined;

/** Every combination in `config` that cannot work. */
export function findRuleFaults(config: Config): RuleFault[] {
  return RULES.flatMap((rule) => rule(config) ?? []);
}

const RULES: readonly Rule[] = [
  tokenOfOtherKind,
  twoTokens,
  embySignIn,
  contradictoryLan,
  keyWithoutCertificate,
  pemAndPkcs12,
  missingFiles,
  keyPassphraseWithoutKey,
  acmeWithoutName,
  acmeNameOfHome,
  acmeWildcard,
  acmeWithoutTls,
  acmeKeyWithoutServer,
  acmeDns,
  accountBinding,
  repeatedEntries,
  portTakenTwice,
];

function tokenOfOtherKind({ server }: Config): RuleFault[] | undefined {
  if (server.kind === 'auto' || server.kind === 'plex') return undefined;
  const given = (['token', 'token_file'] as const).filter((name) => server[name] !== '');
  return given.map((name) => ({
    keys: [`server.${name}`, 'server.kind'],
    message: `server.${name}: cannot be used with kind ${server.kind}; the gateway adds a credential for plex only`,
    hint: 'remove it: clients that are let in sign in at the server itself',
  }));
}

function twoTokens({ server }: Config): RuleFault | undefined {
  if (server.token === '' || server.token_file === '') return undefined;
  return {
    keys: ['server.token_file', 'server.token'],
    message: 'server.token_file: is given together with server.token',
    hint: 'keep one of them',
  };
}

function embySignIn({ server, access }: Config): RuleFault | undefined {
  const beyond = access.sign_in_networks.find((entry) => entry !== 'lan' && entry !== 'loopback');
  if (server.kind !== 'emby' || access.emby_reads_forwarded_for || beyond === undefined) return undefined;
  return {
    keys: ['access.sign_in_networks', 'server.kind', 'access.emby_reads_forwarded_for'],
    message: `access.sign_in_networks: ${JSON.stringify(beyond)} reaches beyond lan and loopback, until you state that this Emby server reads X-Forwarded-For; one that does not takes everybody for a local user`,
    hint: 'set the server up so and write emby_reads_forwarded_for = true below [access]',
  };
}

function contradictoryLan({ access }: Config): RuleFault | undefined {
  if (!access.lan_networks.includes('none') || access.lan_networks.length === 1) return undefined;
  return {
    keys: ['access.lan_networks'],
    message: 'access.lan_networks: "none" stands beside other entries',
    hint: 'keep "none" alone, or remove it',
  };
}

/** The other way round is fine: cert_file may hold the key too. */
function keyWithoutCertificate({ certificate }: Config): RuleFault | undefined {
  if (certificate.key_file === '' || certificate.cert_file !== '') return undefined;
  return {
    keys: ['certificate.key_file', 'certificate.cert_file'],
    message: 'certificate.key_file: is given without cert_file',
    hint: 'set cert_file too; if one PEM file holds both, name it in cert_file alone',
  };
}

function pemAndPkcs12({ certificate }: Config): RuleFault | undefined {
  const given = (['cert_file', 'key_file'] as const).find((name) => certificate[name] !== '');
  if (certificate.pfx_file === '' || given === undefined) return undefined;
  return {
    keys: ['certificate.pfx_file', `certificate.${given}`],
    message: `certificate.pfx_file: is given together with ${given}`,
    hint: 'keep the PKCS#12 file or the PEM files',
  };
}

function missingFiles({ certificate }: Config): RuleFault | undefined {
  const { source, cert_file, key_file, pfx_file } = certificate;
  if (source !== 'files' || `${cert_file}${key_file}${pfx_file}` !== '') return undefined;
  return {
    keys: ['certificate.source', 'certificate.cert_file', 'certificate.key_file', 'certificate.pfx_file'],
    message: 'certificate.source: "files" is given, but no file',
    hint: 'set cert_file, and key_file unless the key is in it; or pfx_file',
  };
}

function keyPassphraseWithoutKey({ certificate }: Config): RuleFault | undefined {
  const { key_passphrase_file, cert_file, key_file, pfx_file } = certificate;
  if (key_passphrase_file === '' || `${cert_file}${key_file}` !== '') return undefined;
  return {
    keys: ['certificate.key_passphrase_file', 'certificate.key_file'],
    message: 'certificate.key_passphrase_file: is given without key_file or cert_file',
    hint: pfx_file === '' ? 'name the file that holds the key too' : 'for pfx_file the key is pfx_passphrase_file',
  };
}

function acmeWithoutName({ certificate }: Config): RuleFault | undefined {
  if (certificate.source !== 'acme' || certificate.names.length > 0) return undefined;
  return {
    keys: ['certificate.source', 'certificate.names'],
    message: 'certificate.source: "acme" is given, but no name to ask a certificate for',
    hint: 'set names = ["films.example.org"]',
  };
}

function acmeNameOfHome(config: Config): RuleFault[] | undefined {
  if (config.certificate.source !== 'acme') return undefined;
  return config.certificate.names.flatMap((name) => {
    const fault = acmeNameFault(name, config);
    if (fault === undefined) return [];
    return {
      keys: ['certificate.names', 'certificate.source', 'acme.directory'],
      message: `certificate.names: ${JSON.stringify(name)} ${fault}`,
      hint: 'remove it, or set source = "auto"',
    };
  });
}

function acmeWildcard(config: Config): RuleFault | undefined {
  const { challenge, hook, rfc2136_server } = config.acme;
  const wildcard = acmeNames(config).find((name) => name.startsWith('*.'));
  const hasDns = hook !== '' || rfc2136_server !== '';
  if (wildcard === undefined || (hasDns && (challenge === 'auto' || challenge === 'dns-01'))) return undefined;
  return {
    keys: ['certificate.names', 'acme.challenge', 'acme.hook', 'acme.rfc2136_server'],
    message: `certificate.names: ${JSON.stringify(wildcard)} can be proven with dns-01 only`,
    hint: 'set hook or rfc2136_server below [acme], or name each host',
  };
}

function acmeWithoutTls(config: Config): RuleFault | undefined {
  if (config.listen.secure_connections !== 'disabled' || config.acme.challenge !== 'tls-alpn-01') return undefined;
  if (acmeNames(config).length === 0) return undefined;
  return {
    keys: ['acme.challenge', 'listen.secure_connections'],
    message: 'acme.challenge: "tls-alpn-01" is given, but no TLS connection is taken',
    hint: 'set secure_connections = "preferred"',
  };
}

function acmeKeyWithoutServer({ acme }: Config): RuleFault | undefined {
  if (acme.rfc2136_key_file === '' || acme.rfc2136_server !== '') return undefined;
  return {
    keys: ['acme.rfc2136_key_file', 'acme.rfc2136_server'],
    message: 'acme.rfc2136_key_file: is given without rfc2136_server',
    hint: 'set rfc2136_server too',
  };
}

function acmeDns({ acme }: Config): RuleFault | undefined {
  if (acme.hook !== '' && acme.rfc2136_server !== '') {
    return {
      keys: ['acme.rfc2136_server', 'acme.hook'],
      message: 'acme.rfc2136_server: is given together with hook',
      hint: 'keep one of them',
    };
  }
  if (acme.challenge !== 'dns-01' || acme.hook !== '' || acme.rfc2136_server !== '') return undefined;
  return {
    keys: ['acme.challenge', 'acme.hook', 'acme.rfc2136_server'],
    message: 'acme.challenge: "dns-01" is given, but no way to set the record',
    hint: 'set hook or rfc2136_server',
  };
}

function accountBinding({ acme }: Config): RuleFault | undefined {
  if ((acme.eab_id === '') === (acme.eab_key_file === '')) return undefined;
  const [given, missing] = acme.eab_id === '' ? ['eab_key_file', 'eab_id'] : ['eab_id', 'eab_key_file'];
  return {
    keys: [`acme.${given}`, `acme.${missing}`],
    message: `acme.${given}: is given without ${missing}`,
    hint: 'external account binding needs both',
  };
}

function repeatedEntries({ listen, dns }: Config): RuleFault[] {
  const lists = { 'listen.port': listen.port, 'listen.addresses': listen.addresses, 'dns.listen': dns.listen };
  return Object.entries(lists).flatMap(([key, entries]) =>
    repeatsIn(entries).map((entry) => ({
      keys: [key],
      message: `${key}: ${JSON.stringify(entry)} stands there twice`,
      hint: 'remove one of them',
    })),
  );
}

/** Each entry that stands more than once, once. Port 0 is another port each time. */
function repeatsIn(entries: readonly (string | number)[]): (string | number)[] {
  const seen = new Set<string | number>();
  const repeated = new Set<string | number>();
  for (const entry of entries) {
    if (seen.has(entry) && entry !== 0) repeated.add(entry);
    seen.add(entry);
  }
  return [...repeated];
}

/** DNS listens on TCP too, and one port of an address has one owner. */
function portTakenTwice({ listen, dns }: Config): RuleFault | undefined {
  const clash = dns.listen.find((text) => {
    const socket = splitSocket(text);
    return (
      socket !== undefined &&
      socket.port !== 0 &&
      listen.port.includes(socket.port) &&
      overlaps(socket.host, listen.addresses)
    );
  });
  if (!dns.enabled || clash === undefined) return undefined;
  return {
    keys: ['dns.listen', 'listen.port', 'listen.addresses', 'dns.enabled'],
    message: `dns.listen: ${JSON.stringify(clash)} is taken by listen.port already`,
    hint: 'choose another port for one of them',
  };
}

function overlaps(host: string, addresses: readonly string[]): boolean {
  const everyAddress = isIPv6(host) ? '::' : '0.0.0.0';
  const sameFamily = addresses.filter((address) => isIPv6(address) === isIPv6(host));
  return sameFamily.some((address) => address === host || address === everyAddress || host === everyAddress);
}
