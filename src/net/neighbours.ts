/** The kernel's table of neighbours: which hardware address has which IPv4 address on the LAN. */
import { readSystemFile } from './system-file.ts';

const NO_HARDWARE_ADDRESS = '00:00:00:00:00:00';

/** The hardware address that answered for `address` lately; undefined: none is known (another network, IPv6, not Linux). */
export function hardwareAddressOf(address: string): string | undefined {
  const lines = readSystemFile('/proc/net/arp').split('\n');
  const columns = lines.map((line) => line.trim().split(/\s+/)).find(([known]) => known === address);
  const [, , , hardwareAddress] = columns ?? [];
  return hardwareAddress === NO_HARDWARE_ADDRESS ? undefined : hardwareAddress;
}
