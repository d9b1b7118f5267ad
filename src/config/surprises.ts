/** What is allowed but will surprise, as far as the file alone can tell: each with its consequence. */
import { addressFamily, addressScope, parseNetworkList } from '../net/address.ts';
import { acmeNameFault, acmeNames, firstAcmeKey } from './acme-names.ts';
import type { Config } from './schema.ts';

export interface Surprise {
  /** `section.key`. */
  readonly key: string;
  /** One sentence that begins with the key and says what will happen. */
  readonly message: string;
}

/** Every surprise in `config`, in the order of the documentation as far as it matters. */
export function surprises(config: Config): Surprise[] {
  return [
    ...ignoredList(config),
    ...noCredential(config),
    ...openDoors(config),
    ...widelyTrustedProxies(config),
    ...secureConnections(config),
    ...publicNetworks(config),
    ...unusedFiles(config),
    ...unusedAcme(config),
    ...changingPort(config),
  ];
}

function ignoredList({ access }: Config): Surprise[] {
  if (access.require_auth !== 'everyone' || access.allowed_networks.length === 0) return [];
  return [
    {
      key: 'access.allowed_networks',
      message: 'access.allowed_networks: is ignored, because require_auth = "everyone" asks everybody for credentials',
    },
  ];
}

function noCredential({ server, access }: Config): Surprise[] {
  const mayBePlex = server.kind === 'auto' || server.kind === 'plex';
  if (!mayBePlex || server.token !== '' || server.token_file !== '') return [];
  const consequence =
    'without server.token; a Plex server answers those clients with 401 (`lockgate login` makes a token)';
  const found: Surprise[] = [];
  if (access.allowed_networks.length > 0 && access.require_auth !== 'everyone') {
    found.push({ key: 'access.allowed_networks', message: `access.allowed_networks: lets clients in ${consequence}` });
  }
  if (access.pin_hash !== '') {
    found.push({ key: 'access.pin_hash', message: `access.pin_hash: lets browsers in ${consequence}` });
  }
  return found;
}

function openDoors({ server, access }: Config): Surprise[] {
  const found: Surprise[] = [];
  if (!access.require_claimed) {
    found.push({
      key: 'access.require_claimed',
      message:
        'access.require_claimed: false serves a media server without an owner, and whoever reaches it can take it',
    });
  }
  const asksUsers = server.kind !== 'plex' && server.kind !== 'generic';
  if (asksUsers && access.sign_in_networks.includes('any')) {
    found.push({
      key: 'access.sign_in_networks',
      message:
        'access.sign_in_networks: "any" shows the sign-in of the media server to the whole internet; only its passwords stand in the way',
    });
  }
  return found;
}

/** Every device of a home network: as many as this prefix holds, or more. */
const WHOLE_LAN_PREFIX = { 4: 24, 6: 64 } as const;

function widelyTrustedProxies({ access }: Config): Surprise[] {
  const wide = access.trusted_proxies.find((entry) => {
    const network = networkOf(entry);
    return entry === 'lan' || (network !== undefined && network.prefixLength <= WHOLE_LAN_PREFIX[network.family]);
  });
  if (wide === undefined) return [];
  return [
    {
      key: 'access.trusted_proxies',
      message: `access.trusted_proxies: ${JSON.stringify(wide)} lets every device in it claim any address with X-Forwarded-For; list the proxy's own address`,
    },
  ];
}

function secureConnections({ listen }: Config): Surprise[] {
  if (listen.secure_connections === 'preferred') return [];
  const consequence =
    listen.secure_connections === 'disabled'
      ? '"disabled" sends tokens and films through the network in the clear'
      : '"required" turns away clients that speak plain HTTP only: casting to some players, manual connections, old television sets';
  return [{ key: 'listen.secure_connections', message: `listen.secure_connections: ${consequence}` }];
}

/** What happens to the rest of the world when a list names public networks. */
const PUBLIC_CONSEQUENCES: readonly (readonly [string, (config: Config) => readonly string[], string])[] = [
  [
    'access.allowed_networks',
    ({ access }) => access.allowed_networks,
    'lets everybody in there use the server without signing in',
  ],
  ['access.lan_networks', ({ access }) => access.lan_networks, 'counts everybody in there as being at home'],
  ['dns.allow_clients', ({ dns }) => dns.allow_clients, 'makes an open resolver, which attackers use to flood others'],
  ['metrics.allow_clients', ({ metrics }) => metrics.allow_clients, 'shows the counters to everybody in there'],
];

function publicNetworks(config: Config): Surprise[] {
  return PUBLIC_CONSEQUENCES.flatMap(([key, list, consequence]) => {
    const entry = list(config).find(isPublicNetwork);
    if (entry === undefined) return [];
    return [{ key, message: `${key}: ${JSON.stringify(entry)} is a public network; it ${consequence}` }];
  });
}

/** No block that is set aside for private use is wider (fc00::/7): whatever is wider holds public addresses. */
const WIDEST_SPECIAL_PREFIX = 7;

/** An IPv4 network with public addresses, or an IPv6 one larger than a single LAN. Single addresses are meant. */
function isPublicNetwork(entry: string): boolean {
  const network = networkOf(entry);
  if (network === undefined) return false;
  if (network.prefixLength < WIDEST_SPECIAL_PREFIX) return true;
  const isLarge = network.family === 4 ? network.prefixLength < 32 : network.prefixLength < 64;
  return isLarge && addressScope(network.address) === 'public';
}

interface Network {
  readonly address: string;
  readonly prefixLength: number;
  readonly family: 4 | 6;
}

/** Undefined for a word. */
function networkOf(entry: string): Network | undefined {
  const canonical = parseNetworkList(entry).list.entries[0];
  if (canonical === undefined) return undefined;
  const [address = '', bits] = canonical.split('/');
  const family = addressFamily(address);
  return { address, family, prefixLength: bits === undefined ? (family === 4 ? 32 : 128) : Number(bits) };
}

function unusedFiles({ certificate }: Config): Surprise[] {
  if (certificate.source === 'auto' || certificate.source === 'files') return [];
  const given = (['cert_file', 'pfx_file'] as const).filter((name) => certificate[name] !== '');
  return given.map((name) => ({
    key: `certificate.${name}`,
    message: `certificate.${name}: is ignored, because source is ${JSON.stringify(certificate.source)}`,
  }));
}

function unusedAcme(config: Config): Surprise[] {
  const { source, names } = config.certificate;
  const key = firstAcmeKey(config);
  if (key === undefined) return [];
  if (source !== 'auto' && source !== 'acme') {
    return [{ key, message: `acme: is ignored, because source is ${JSON.stringify(source)}` }];
  }
  const left = names.find((name) => acmeNameFault(name, config) !== undefined);
  if (left !== undefined && source === 'auto') {
    const message = `certificate.names: ${JSON.stringify(left)} ${acmeNameFault(left, config)}`;
    return [{ key: 'certificate.names', message: `${message}; it is not asked for` }];
  }
  if (acmeNames(config).length > 0) return [];
  return [{ key, message: 'acme: is ignored, because certificate.names is empty' }];
}

function changingPort({ listen }: Config): Surprise[] {
  if (!listen.port.includes(0)) return [];
  return [{ key: 'listen.port', message: 'listen.port: 0 takes another port at every start, which no app can know' }];
}
