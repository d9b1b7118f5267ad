/** Closes a connection whose request body is not wanted, so that the client still gets to see the answer (RFC 9112 section 9.6). */
import type { ClientAnswer, ReceivedRequest } from './client-message.ts';

export interface LingerLimits {
  readonly refusedBodyBytes: number;
  readonly refusedBodyTimeoutMs: number;
}

/** True while bytes of the request's body may still come. */
export function isBodyPending(request: ReceivedRequest): boolean {
  const { headers } = request;
  return !request.complete && (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined);
}

/**
 * Ends `response`, whose content is already written. While the request body is still coming, a little more of it is read and thrown
 * away, and the client gets a moment to look: closing on unread bytes resets the connection, and with it the answer on its way.
 */
export function endAfterBody(request: ReceivedRequest, response: ClientAnswer, limits: LingerLimits): void {
  if (!isBodyPending(request) || response.destroyed) {
    response.end();
    return;
  }
  let bytesLeft = limits.refusedBodyBytes;
  const count = (chunk: Buffer) => {
    bytesLeft -= chunk.length;
    if (bytesLeft < 0) request.pause();
  };
  const end = () => {
    clearTimeout(deadline);
    response.end();
  };
  const deadline = setTimeout(end, limits.refusedBodyTimeoutMs);
  request.on('data', count);
  request.once('end', end);
  response.once('close', () => clearTimeout(deadline));
}
