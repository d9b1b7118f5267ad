/** The address under which this site is seen from the Internet, asked as `public_address` says. */
import { within } from '../lib/deadline.ts';
import { canonicalAddress } from '../net/address.ts';
import { askHttp } from './small-http.ts';
import { askStun } from './stun.ts';

export interface PublicAddressOptions {
  /** `public_address`: auto, none, an address, stun:HOST:PORT, or a URL. */
  readonly setting: string;
  /** The URL that `auto` asks; undefined: there is none. */
  readonly autoUrl: string | undefined;
  /** Default 10 s. */
  readonly patienceMs?: number;
}

export type PublicAddress =
  | { readonly state: 'known'; readonly address: string; readonly from: string }
  /** `remedy` empty: nobody is to be asked. */
  | { readonly state: 'unknown'; readonly because: string; readonly remedy: string };

/** Names are looked up on the way, which may take long where no resolver answers. */
const PATIENCE_MS = 10_000;
/** What to do about a source that does not tell. */
export const OTHER_SOURCE = 'name another source, as in [remote] public_address = "stun:HOST:PORT"';

/** Asks once. Never rejects. */
export async function askPublicAddress({
  setting,
  autoUrl,
  patienceMs = PATIENCE_MS,
}: PublicAddressOptions): Promise<PublicAddress> {
  if (setting === 'none') return { state: 'unknown', because: 'public_address = "none": nobody is asked', remedy: '' };
  const configured = canonicalAddress(setting);
  if (configured !== undefined) return { state: 'known', address: configured, from: 'the configuration' };
  const [, stunHost, stunPort] = /^stun:\[?([^\]]+?)\]?:(\d+)$/.exec(setting) ?? [];
  if (stunHost !== undefined) return known(await within(patienceMs, askStun(stunHost, Number(stunPort))), setting);
  const url = setting === 'auto' ? autoUrl : setting;
  if (url === undefined) {
    return { state: 'unknown', because: 'nobody is named who could be asked for it', remedy: OTHER_SOURCE };
  }
  return known(await within(patienceMs, askEcho(new URL(url))), new URL(url).host);
}

function known(address: string | undefined, from: string): PublicAddress {
  if (address !== undefined) return { state: 'known', address, from };
  return { state: 'unknown', because: `${from} gave no answer`, remedy: `is this host online? else ${OTHER_SOURCE}` };
}

/** IPv4 is asked first: only it is translated on the way. */
async function askEcho(url: URL): Promise<string | undefined> {
  const answer = (await askHttp({ url, family: 4 })) ?? (await askHttp({ url }));
  return answer?.status === 200 ? readEcho(answer.body) : undefined;
}

const MAX_ECHO_LENGTH = 1024;

/** The one address in a short text, whatever stands around it (plain text, JSON, XML). Undefined: none, or several. */
export function readEcho(text: string): string | undefined {
  if (text.length > MAX_ECHO_LENGTH) return undefined;
  const words = text.split(/[^0-9a-fA-F.:]+/).map((word) => canonicalAddress(word));
  const addresses = new Set(words.filter((word) => word !== undefined));
  return addresses.size === 1 ? [...addresses][0] : undefined;
}
