/** The vocabulary of a request: the connection it came on and its head, read in exactly one way. Types only. */

/** One accepted connection, after first-byte detection and the PROXY header. */
export interface Peer {
  /** Canonical address of the TCP peer, or of the PROXY header where one is required. IPv4-mapped IPv6 is IPv4; no zone id. */
  readonly address: string;
  readonly port: number;
  /** True when `address` comes from a PROXY header of a configured balancer. */
  readonly fromProxyHeader: boolean;
  /** The connection itself is TLS (a trusted proxy's X-Forwarded-Proto is judged later, per request). */
  readonly tls: boolean;
  /** The name that the TLS client asked for. */
  readonly serverName: string | undefined;
  /** The gateway's own side of the connection. */
  readonly localAddress: string;
  readonly localPort: number;
}

/**
 * A request head exactly as received (RFC 9112 section 3). Only built for heads that can be read in one way: one Host at most,
 * origin-form target (or `*` for OPTIONS), no conflicting framing.
 */
export interface RequestHead {
  readonly method: string;
  /** Raw request target as sent, origin-form. */
  readonly target: string;
  /** Raw path: the target before the first `?`. */
  readonly path: string;
  /** Raw query: the target behind the first `?`; empty when there is none. */
  readonly query: string;
  readonly httpVersion: '1.0' | '1.1';
  /** Name, value, name, value: order, case and repetition as received. */
  readonly rawHeaders: readonly string[];
  /** All values of a header, by lower-case name, in order; empty when absent. */
  values(name: string): readonly string[];
  /** The first value of a header, by lower-case name. */
  header(name: string): string | undefined;
  /** A message body is announced (Content-Length > 0 or chunked). */
  readonly hasBody: boolean;
  /** A WebSocket upgrade is asked for in the one form that is accepted (GET, HTTP/1.1, `Upgrade: websocket`, no body). */
  readonly upgrade: boolean;
}
