/** Under which address and port clients reach the gateway: what `listen.published` says, or what its listeners and addresses tell. */
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

const EVERY_ADDRESS: readonly string[] = ['0.0.0.0', '::'];

/** The first of its own `addresses` on which the gateway listens; else where it listens at all. Undefined: nowhere that one could name. */
export function reachableEndpoint(addresses: readonly string[], listeners: readonly Endpoint[]): Endpoint | undefined {
  for (const address of addresses) {
    const listener = listeners.find((candidate) => listensOn(candidate.address, address));
    if (listener !== undefined) return { address, port: listener.port };
  }
  return listeners.find(({ address }) => !EVERY_ADDRESS.includes(address));
}

/** Whether a listener, which may stand for every address of its family, takes connections to `address`. */
export function listensOn(listener: string, address: string): boolean {
  if (!EVERY_ADDRESS.includes(listener)) return listener === address;
  return addressFamily(listener) === addressFamily(address);
}

/** `192.168.1.2:32443`, `[fd00::1]:32443`. */
export function endpointOf(address: string, port: number): string {
  return addressFamily(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}
