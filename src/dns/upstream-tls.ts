/** A DNS-over-TLS upstream (RFC 7858): its certificate is verified against the host that is written in the configuration. */
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { trustPublicAuthorities } from '../net/public-trust.ts';
import { StreamExchange } from './stream-exchange.ts';
import { type Upstream, UpstreamError } from './upstream.ts';
import type { UpstreamAddress } from './upstream-address.ts';

const CONNECT_TIMEOUT_MS = 4000;

export interface TlsUpstreamOptions {
  /** Certificates of authorities, PEM; absent: those that everybody trusts. */
  readonly ca: readonly string[] | undefined;
  /** Finds the addresses of an upstream that is written as a name. */
  readonly lookup: LookupFunction;
}

export class TlsUpstream implements Upstream {
  readonly name: string;
  readonly #exchange: StreamExchange;

  constructor(address: UpstreamAddress, options: TlsUpstreamOptions) {
    this.name = address.text;
    this.#exchange = new StreamExchange(() => openTls(address, options));
  }

  ask(query: Buffer, timeoutMs: number): Promise<Buffer> {
    return this.#exchange.ask(query, timeoutMs);
  }

  close(): void {
    this.#exchange.close();
  }
}

/** Resolves once the certificate has been accepted: no question is written before. */
function openTls({ host, port }: UpstreamAddress, { ca, lookup }: TlsUpstreamOptions): Promise<Socket> {
  if (ca === undefined) trustPublicAuthorities();
  const options: ConnectionOptions = {
    host,
    port,
    lookup,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['dot'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca: [...ca] }),
  };
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    const deadline = setTimeout(
      () => socket.destroy(new UpstreamError('timeout', 'no connection')),
      CONNECT_TIMEOUT_MS,
    );
    socket.once('secureConnect', () => {
      clearTimeout(deadline);
      socket.setNoDelay(true);
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => {
      clearTimeout(deadline);
      reject(new UpstreamError('network', 'the upstream closed the connection'));
    });
  });
}
