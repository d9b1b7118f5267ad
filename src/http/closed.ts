/** The end of a socket, awaited. */
import type { Socket } from 'node:net';

/** Resolves when nothing is left of a socket whose `close` is still to come. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
