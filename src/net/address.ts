/** IP addresses: canonical text, scope, labels in names, and lists of networks. The one place that knows ipaddr.js. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { BoundedCache } from '../lib/cache.ts';
import { readNetworkEntry } from './network-entry.ts';

/** An address in groups of 16 bits: two for IPv4, eight for IPv6. Never an IPv4-mapped one. */
type Groups = readonly number[];

const GROUP_BITS = 16;
const IPV4_GROUPS = 2;
/** `::ffff:0:0/96`, RFC 4291 section 2.5.5.2. */
const MAPPED_PREFIX_LENGTH = 96;

/** The same few clients are looked up in several lists for each request, and ipaddr.js takes microseconds for one. */
const recentlyParsed = new BoundedCache<string, Groups>({ max: 512 });

function groupsOf(text: string): Groups | undefined {
  const known = recentlyParsed.get(text);
  if (known !== undefined) return known;
  if (isIP(text) === 0) return undefined;
  const address = ipaddr.process(withoutDottedTail(withoutZone(text)));
  const groups = address.kind() === 'ipv4' ? pairs(address.toByteArray()) : (address as ipaddr.IPv6).parts;
  recentlyParsed.set(text, groups);
  return groups;
}

function pairs(bytes: readonly number[]): number[] {
  return [((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0), ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)];
}

function withoutZone(text: string): string {
  const percent = text.indexOf('%');
  return percent < 0 ? text : text.slice(0, percent);
}

/** `::1.2.3.4` as `::102:304`: ipaddr.js would take it for the mapped address `::ffff:1.2.3.4`. */
function withoutDottedTail(text: string): string {
  const tail = text.slice(text.lastIndexOf(':') + 1);
  if (!text.includes(':') || !tail.includes('.')) return text;
  const groups = pairs(tail.split('.').map(Number)).map((group) => group.toString(16));
  return text.slice(0, -tail.length) + groups.join(':');
}

function textOf(groups: Groups): string {
  if (groups.length === IPV4_GROUPS) return groups.flatMap((group) => [group >> 8, group & 0xff]).join('.');
  return new ipaddr.IPv6([...groups]).toRFC5952String();
}

/**
 * The one spelling of an address: IPv4 dotted, IPv6 as RFC 5952 has it, IPv4-mapped IPv6 as IPv4, without zone id.
 * Undefined when `text` is not an address literal (brackets, octal, hexadecimal and short forms are none).
 */
export function canonicalAddress(text: string): string | undefined {
  const groups = groupsOf(text);
  return groups === undefined ? undefined : textOf(groups);
}

/** The family of a canonical address. */
export function addressFamily(address: string): 4 | 6 {
  return isIPv4(address) ? 4 : 6;
}

/** `192-168-1-10`, or eight groups without padding: `fd00-0-0-0-0-0-0-1`. Throws `TypeError` when it is not an address. */
export function labelFromAddress(address: string): string {
  const groups = groupsOf(address);
  if (groups === undefined) throw new TypeError(`not an address: ${JSON.stringify(address)}`);
  if (groups.length === IPV4_GROUPS) return textOf(groups).replaceAll('.', '-');
  return groups.map((group) => group.toString(16)).join('-');
}

/**
 * The canonical address that a label spells: four decimal parts without leading zeros, or eight groups of one to four hexadecimal
 * digits in any case, or fewer with one `--`. Undefined otherwise. A mapped address comes back as IPv4 although its label is IPv6.
 */
export function addressFromLabel(label: string): string | undefined {
  if (!/^[0-9a-f-]+$/i.test(label)) return undefined;
  const dotted = label.replaceAll('-', '.');
  const colons = label.replaceAll('-', ':');
  return canonicalAddress(isIPv4(dotted) ? dotted : colons);
}

/** The network of an address in canonical CIDR text: `192.168.1.10`, 24 is `192.168.1.0/24`. Undefined when there is no such network. */
export function networkOf(address: string, prefixLength: number): string | undefined {
  const groups = groupsOf(address);
  if (groups === undefined || !(prefixLength >= 0 && prefixLength <= groups.length * GROUP_BITS)) return undefined;
  const masks = masksOf(prefixLength, groups.length);
  return `${textOf(groups.map((group, index) => group & masks[index]!))}/${prefixLength}`;
}

interface Network {
  readonly network: Groups;
  readonly masks: Groups;
  readonly prefixLength: number;
}

function masksOf(prefixLength: number, groupCount: number): number[] {
  return Array.from({ length: groupCount }, (_, index) => {
    const bits = Math.min(GROUP_BITS, Math.max(0, prefixLength - index * GROUP_BITS));
    return (0xffff << (GROUP_BITS - bits)) & 0xffff;
  });
}

function isInside(groups: Groups, { network, masks }: Network): boolean {
  if (groups.length !== network.length) return false;
  for (let index = 0; index < groups.length; index++) {
    if ((groups[index]! & masks[index]!) !== network[index]) return false;
  }
  return true;
}

function isInsideAny(groups: Groups, networks: readonly Network[]): boolean {
  return networks.some((network) => isInside(groups, network));
}

function isSingle(network: Network): boolean {
  return network.prefixLength === network.network.length * GROUP_BITS;
}

function networkText(network: Network): string {
  return isSingle(network) ? textOf(network.network) : `${textOf(network.network)}/${network.prefixLength}`;
}

/** Networks that were read once and are compared as integers. Made by `parseNetworkList`. */
export class NetworkList {
  static readonly none = new NetworkList([]);

  readonly #networks: readonly Network[];
  /** Canonical texts in the order of the list: `192.168.1.0/24`; a single address without its prefix. */
  readonly entries: readonly string[];

  constructor(networks: readonly Network[]) {
    this.#networks = networks;
    this.entries = networks.map(networkText);
  }

  get isEmpty(): boolean {
    return this.#networks.length === 0;
  }

  /** Whether an entry holds `address`. IPv4-mapped IPv6 counts as IPv4; what is not an address is in no list. */
  contains(address: string): boolean {
    if (this.isEmpty) return false;
    const groups = groupsOf(address);
    return groups !== undefined && isInsideAny(groups, this.#networks);
  }

  /** Whether `address` is listed by itself, not merely inside a larger network. */
  containsExactly(address: string): boolean {
    const groups = groupsOf(address);
    return groups !== undefined && this.#networks.some((network) => isSingle(network) && isInside(groups, network));
  }
}

/** An entry that cannot be read; `message` quotes it and ends with the remedy. */
export interface NetworkListError {
  readonly entry: string;
  readonly message: string;
}

/**
 * Reads a list of networks: addresses, CIDR, IPv4 address/dotted mask, or a key of `words` (any case) for the networks that it stands for,
 * separated by commas, or an array of such. Readable entries are in `list` even when others are in `errors`.
 */
export function parseNetworkList(
  entries: string | readonly string[],
  words: Readonly<Record<string, readonly string[]>> = {},
): { list: NetworkList; errors: readonly NetworkListError[] } {
  const text = typeof entries === 'string' ? entries : entries.join(',');
  const { networks, errors } = readNetworks(text, words);
  return { list: networks.length === 0 ? NetworkList.none : new NetworkList(networks), errors };
}

function readNetworks(
  text: string,
  words: Readonly<Record<string, readonly string[]>>,
): { networks: Network[]; errors: NetworkListError[] } {
  const networks: Network[] = [];
  const errors: NetworkListError[] = [];
  for (const entry of text.trim() === '' ? [] : text.split(',').map((part) => part.trim())) {
    const known = Object.hasOwn(words, entry.toLowerCase()) ? words[entry.toLowerCase()] : undefined;
    for (const written of known ?? [entry]) {
      const result = readNetwork(written, Object.keys(words));
      if (typeof result === 'string') errors.push({ entry, message: result });
      else networks.push(result);
    }
  }
  return { networks, errors };
}

/** One entry as a network, or the sentence that says what is wrong with it. */
function readNetwork(entry: string, words: readonly string[]): Network | string {
  if (entry === '') return 'an entry is empty; remove the extra comma';
  const quoted = JSON.stringify(entry);
  if (/^[a-z]+$/i.test(entry)) return `${quoted} is not an address${words.map((word) => `, nor "${word}"`).join('')}`;
  const read = readNetworkEntry(entry);
  if ('problem' in read) return `${quoted} ${read.problem}`;
  const address = groupsOf(read.address) ?? [];
  const isMapped = address.length === IPV4_GROUPS && isIPv6(read.address);
  const prefixLength = (read.prefixLength ?? (isIPv4(read.address) ? 32 : 128)) - (isMapped ? MAPPED_PREFIX_LENGTH : 0);
  const masks = masksOf(prefixLength, address.length);
  const network = address.map((group, index) => group & masks[index]!);
  if (prefixLength < 0) return `${quoted} is wider than all IPv4-mapped addresses; write IPv4 networks as IPv4`;
  if (network.some((group, index) => group !== address[index])) {
    return `${quoted} has host bits set; write ${textOf(network)}/${prefixLength} or ${textOf(address)}`;
  }
  return { network, masks, prefixLength };
}

export type AddressScope =
  | 'unspecified'
  | 'loopback'
  | 'link-local'
  | 'private'
  | 'shared'
  | 'multicast'
  | 'documentation'
  | 'reserved'
  | 'public';

type ScopeTable = readonly { readonly scope: AddressScope; readonly networks: readonly Network[] }[];

function scopeTable(texts: Readonly<Partial<Record<AddressScope, string>>>): ScopeTable {
  return Object.entries(texts).map(([scope, text]) => {
    return { scope: scope as AddressScope, networks: readNetworks(text, {}).networks };
  });
}

/** IANA special-purpose registries (RFC 6890); the first match wins, the rest is public in IPv4. */
const IPV4_SCOPES = scopeTable({
  unspecified: '0.0.0.0/8',
  loopback: '127.0.0.0/8',
  'link-local': '169.254.0.0/16',
  private: '10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16',
  shared: '100.64.0.0/10',
  multicast: '224.0.0.0/4',
  documentation: '192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24',
  reserved: '192.0.0.0/24, 192.88.99.0/24, 198.18.0.0/15, 240.0.0.0/4',
});

/**
 * In IPv6 only 2000::/3 is handed out; what is neither there nor here is reserved. `64:ff9b:1::/48` (RFC 8215) leads into the network
 * that translates, so it is private. `2001::/23` holds Teredo and other protocols.
 */
const IPV6_SCOPES = scopeTable({
  unspecified: '::',
  loopback: '::1',
  'link-local': 'fe80::/10',
  private: 'fc00::/7, fec0::/10, 64:ff9b:1::/48',
  multicast: 'ff00::/8',
  documentation: '2001:db8::/32, 3fff::/20',
  reserved: '2001::/23',
  public: '2000::/3',
});

/** Prefixes with an IPv4 address inside, and the group where it begins: compatible, translated, NAT64 (RFC 6052), 6to4 (RFC 3056). */
const EMBEDDINGS = [
  { networks: readNetworks('::/96, ::ffff:0:0:0/96, 64:ff9b::/96', {}).networks, firstGroup: 6 },
  { networks: readNetworks('2002::/16', {}).networks, firstGroup: 1 },
];

/** What an address is for. NAT64, 6to4, mapped and compatible addresses have the scope of the IPv4 address inside; no address is `reserved`. */
export function addressScope(address: string): AddressScope {
  const groups = groupsOf(address);
  return groups === undefined ? 'reserved' : scopeOf(groups);
}

function scopeOf(groups: Groups): AddressScope {
  if (groups.length === IPV4_GROUPS) return scopeIn(IPV4_SCOPES, groups) ?? 'public';
  const scope = scopeIn(IPV6_SCOPES, groups);
  if (scope === 'unspecified' || scope === 'loopback') return scope; // :: and ::1 are no compatible addresses
  const embedding = EMBEDDINGS.find(({ networks }) => isInsideAny(groups, networks));
  if (embedding === undefined) return scope ?? 'reserved';
  return scopeOf(groups.slice(embedding.firstGroup, embedding.firstGroup + IPV4_GROUPS));
}

function scopeIn(table: ScopeTable, groups: Groups): AddressScope | undefined {
  return table.find(({ networks }) => isInsideAny(groups, networks))?.scope;
}

/** Whether a home network may use the address inside: loopback, link-local or private (RFC 1918, ULA). Not 100.64/10. */
export function isPrivateScope(address: string): boolean {
  const scope = addressScope(address);
  return scope === 'loopback' || scope === 'link-local' || scope === 'private';
}
