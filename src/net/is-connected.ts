/** Whether the other side of a TCP connection is there still, as the kernel knows it: a socket may not hear of it while nothing is read. */
import type { Socket } from 'node:net';

/** What Node has under a socket, TLS or not; no public call asks the kernel anew. */
interface Handle {
  /** 0, or a negative error number: ENOTCONN behind a reset, or after answers stayed out for too long (getpeername(2)). */
  getpeername?(found: object): number;
}

/** False once the connection was reset or has timed out. A side that has only closed its sending direction is there. */
export function isConnected(socket: Socket): boolean {
  const { _handle: handle } = socket as Socket & { readonly _handle?: Handle | null };
  return handle?.getpeername === undefined || handle.getpeername({}) === 0;
}
