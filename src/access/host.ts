/** The Host of a request: what it names, and whether that is a name of this gateway (the guard against DNS rebinding). */
import { BoundedCache } from '../lib/cache.ts';
import { addressFromLabel, canonicalAddress } from '../net/address.ts';

/** A Host header read: name in lower case without final dot. */
export interface HostHeader {
  readonly name: string;
  /** Digits as sent; empty when there is none. */
  readonly port: string;
  /** Canonical address when the name is an address literal. */
  readonly address: string | undefined;
  /** Canonical address that the first label of the name spells. */
  readonly spelledAddress: string | undefined;
}

/** The names that the gateway answers to. */
export interface HostNames {
  /** `localhost`, this machine's names and `allowed_hosts`, in lower case; see `plainHostNames`. */
  readonly plain: ReadonlySet<string>;
  /** Whether a certificate in use covers a name (lower case, no final dot). */
  readonly covers: (name: string) => boolean;
  /** Whether an address is the gateway's, the media server's or the site's public one. */
  readonly isOwnAddress: (address: string) => boolean;
}

const LOCAL_DOMAINS = ['local', 'lan', 'home.arpa', 'internal'];
const BRACKETED = /^\[([0-9a-f:.]+)\](?::(\d{0,5}))?$/i;
const NAMED = /^([^\s:/?#@[\]\\]+?)\.?(?::(\d{0,5}))?$/;

/** Clients say the same few names with every request. */
const recentlyRead = new BoundedCache<string, HostHeader>({ max: 128 });

/** The parts of a Host header (RFC 9110 section 7.2); undefined when it is none. */
export function readHost(value: string): HostHeader | undefined {
  const known = recentlyRead.get(value);
  if (known !== undefined) return known;
  const host = takeApart(value);
  if (host !== undefined) recentlyRead.set(value, host);
  return host;
}

function takeApart(value: string): HostHeader | undefined {
  const bracketed = BRACKETED.exec(value);
  const match = bracketed ?? NAMED.exec(value);
  if (match === null) return undefined;
  const name = (match[1] ?? '').toLowerCase();
  const address = canonicalAddress(name);
  if (bracketed !== null && address === undefined) return undefined;
  const [label = ''] = name.split('.', 1);
  const spelledAddress = address === undefined ? addressFromLabel(label) : undefined;
  return { name, port: match[2] ?? '', address, spelledAddress };
}

/** The names as the settings of this moment have them. */
export function hostNames(
  machineName: string,
  allowedHosts: readonly string[],
  { covers, isOwnAddress }: Omit<HostNames, 'plain'>,
): HostNames {
  return { plain: plainHostNames(machineName, allowedHosts), covers, isOwnAddress };
}

/** `localhost`, the machine's name alone and in the domains that home routers use, and `allowedHosts`. */
export function plainHostNames(machineName: string, allowedHosts: readonly string[]): ReadonlySet<string> {
  const full = machineName.toLowerCase();
  const [first = ''] = full.split('.');
  const machine = first === '' ? [] : [full, first, ...LOCAL_DOMAINS.map((domain) => `${first}.${domain}`)];
  const allowed = allowedHosts.map((host) => readHost(host)?.name ?? '');
  return new Set(['localhost', ...machine, ...allowed].filter((name) => name !== ''));
}

/**
 * Whether `value` names something else than this gateway. Address literals never do: no DNS answer leads there. Under a
 * wildcard of the certificate a name that spells an address must spell one of ours, `localAddress` (the socket's own) included.
 * No Host at all (undefined, HTTP/1.0) is not foreign; an unreadable or empty one is.
 */
export function isForeignHost(value: string | undefined, names: HostNames, localAddress: string): boolean {
  if (value === undefined) return false;
  const host = readHost(value);
  if (host === undefined) return true;
  if (host.address !== undefined || names.plain.has(host.name)) return false;
  if (!names.covers(host.name)) return true;
  const { spelledAddress } = host;
  return spelledAddress !== undefined && spelledAddress !== localAddress && !names.isOwnAddress(spelledAddress);
}
