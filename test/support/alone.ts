/** Tells a network of its own from the one that others are on. */
import { networkInterfaces } from 'node:os';

/** True where there is no network but loopback. */
export function isAlone(): boolean {
  return Object.values(networkInterfaces()).every((addresses) => (addresses ?? []).every(({ internal }) => internal));
}
