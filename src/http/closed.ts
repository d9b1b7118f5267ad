/** The end of a socket, awaited. */
import type { Socket } from 'node:net';

/** Resolves when nothing of it is left. Destroy it before, or have somebody else end it. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}
