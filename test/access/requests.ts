/** Requests as the gateway reads them, and the connections that they come on. */
import { readHead } from '../../src/http/message.ts';
import type { Peer, RequestHead } from '../../src/http/request.ts';

/** The head of a request; `requestLine` is `GET /path`. A Host is added unless `headers` has one. */
export function headOf(requestLine: string, headers: Readonly<Record<string, string>> = {}): RequestHead {
  const [method = '', target = ''] = requestLine.split(' ');
  const rawHeaders = Object.entries({ Host: '192.168.1.10:32400', ...headers }).flat();
  const reading = readHead({ method, target, httpVersion: '1.1', rawHeaders });
  if (!reading.readable) throw new Error(reading.refusal.detail);
  return reading.head;
}

/** A connection from `address`, over TLS unless said otherwise. */
export function peerAt(address: string, changes: Partial<Peer> = {}): Peer {
  return {
    address,
    port: 50_000,
    fromProxyHeader: false,
    tls: true,
    serverName: undefined,
    localAddress: '192.168.1.10',
    localPort: 32400,
    ...changes,
  };
}
