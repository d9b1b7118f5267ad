/** Where to listen: reads the entries of `dns.listen` and turns wildcard addresses into this host's own. */
import { isIP, isIPv6 } from 'node:net';
import { GatewayError } from '../lib/errors.ts';
import { addressScope, canonicalAddress } from '../net/address.ts';
import type { LocalNetwork } from '../net/interfaces.ts';

export interface Endpoint {
  /** An address literal; link-local ones with their zone id. */
  readonly address: string;
  readonly port: number;
  /** Stems from `0.0.0.0` or `::`: comes and goes with the interfaces. */
  readonly isExpanded: boolean;
}

/** `127.0.0.1:5354` or `[::1]:5354`. */
export function endpointText({ address, port }: { readonly address: string; readonly port: number }): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Reads `ADDRESS:PORT` or `[ADDRESS]:PORT`. Throws `config` with the remedy. */
export function readEndpoint(text: string): { readonly address: string; readonly port: number } {
  const match = text.trim().match(/^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/);
  const address = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3] ?? Number.NaN);
  const isBracketed = match?.[1] !== undefined;
  if (isIP(address) === 0 || isIPv6(address) !== isBracketed || !(port <= 65_535)) {
    const hint = 'write an address and a port, for example "192.168.1.5:53" or "[fd00::5]:53"';
    throw new GatewayError('config', `dns.listen: ${JSON.stringify(text)} cannot be read`, { hint });
  }
  return { address: address.includes('%') ? address : (canonicalAddress(address) ?? address), port };
}

/**
 * The single addresses that `entries` stand for now, each once. A wildcard becomes every address of this host in its family: a reply
 * must leave from the address that was asked, and one socket for all would let the kernel choose.
 */
export function expandEndpoints(entries: readonly string[], networks: readonly LocalNetwork[]): readonly Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const entry of entries) {
    const { address, port } = readEndpoint(entry);
    const isWildcard = address === '0.0.0.0' || address === '::';
    const addresses = isWildcard ? ownAddresses(networks, isIPv6(address) ? 6 : 4) : [address];
    for (const own of addresses) {
      const endpoint = { address: own, port, isExpanded: isWildcard };
      const known = found.get(endpointText(endpoint));
      if (known === undefined || known.isExpanded) found.set(endpointText(endpoint), endpoint);
    }
  }
  return [...found.values()];
}

function ownAddresses(networks: readonly LocalNetwork[], family: 4 | 6): string[] {
  return networks
    .filter((network) => network.family === family)
    .map(({ address, interfaceName }) => {
      const needsZone = family === 6 && addressScope(address) === 'link-local';
      return needsZone ? `${address}%${interfaceName}` : address;
    });
}
