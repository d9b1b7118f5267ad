/** Which HTTP a connection speaks: what client and gateway agreed on in the TLS handshake (ALPN, RFC 7301). */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** True when the client chose HTTP/2. Without TLS nobody does: the prior-knowledge form is not served (RFC 9113 section 3.3). */
export function speaksHttp2(socket: Socket): boolean {
  return socket instanceof TLSSocket && socket.alpnProtocol === 'h2';
}
