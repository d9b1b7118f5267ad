/** `listen.published`: the address and port under which clients reach a gateway that cannot know them itself. */
import type { Config } from '../config/schema.ts';
import { addressFamily, canonicalAddress } from '../net/address.ts';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Undefined: not set. */
export function publishedEndpoint({ listen }: Config): Endpoint | undefined {
  const match = /^\[?([^\]]+?)\]?:(\d+)$/.exec(listen.published);
  const address = match === null ? undefined : canonicalAddress(match[1] ?? '');
  return address === undefined ? undefined : { address, port: Number(match?.[2]) };
}

/** `192.168.1.2:32443`, `[fd00::1]:32443`. */
export function endpointOf(address: string, port: number): string {
  return addressFamily(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
