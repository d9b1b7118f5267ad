/** The first bytes of a connection: the PROXY header where one is required, then HTTP or TLS by the first byte (RFC 8446 section 5.1). */
import type { Socket } from 'node:net';
import { canonicalAddress, type NetworkList } from './address.ts';
import { type ProxySource, readProxyHeader } from './proxy-protocol.ts';

/** From the accepted connection to the first byte of HTTP or TLS, the PROXY header included. */
export const FIRST_BYTE_TIMEOUT_MS = 10_000;
/** The content type of a TLS handshake record. No HTTP method begins with it. */
const TLS_HANDSHAKE = 0x16;

export interface AcceptOptions {
  /** Peers that must begin with a PROXY header. */
  readonly proxyProtocolFrom: NetworkList;
  /** Default: `FIRST_BYTE_TIMEOUT_MS`. */
  readonly firstByteTimeoutMs?: number;
  /** Hears why a connection was destroyed, for counters and logs; `address` is the TCP peer's. */
  readonly onRefused?: (reason: string, address: string) => void;
}

export interface AcceptedConnection {
  readonly protocol: 'http' | 'tls';
  /** Canonical address of the client: of the PROXY header when it names one, else of the TCP peer. */
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly fromProxyHeader: boolean;
  readonly localAddress: string;
  readonly localPort: number;
}

/**
 * Waits for the first byte and hands the socket over, with every byte behind the PROXY header still unread. What is not a TLS handshake is
 * `http`: its parser answers nonsense with 400. The socket is destroyed, and `onAccepted` never called, when the peer stays silent, ends,
 * resets, or owes a PROXY header and sends anything else.
 *
 * `onAccepted` gets a socket that is like a fresh one: neither flowing nor paused. A listener that ignores errors stays on it.
 */
export function acceptConnection(
  socket: Socket,
  options: AcceptOptions,
  onAccepted: (connection: AcceptedConnection) => void,
): void {
  socket.on('error', ignore); // first, for good: a reset may come at any time
  const ends = endsOf(socket);
  if (ends === undefined) {
    socket.destroy();
    return;
  }
  let owesHeader = options.proxyProtocolFrom.contains(ends.peerAddress);
  let source: ProxySource | undefined;
  let unread: Buffer = Buffer.alloc(0);

  const stop = () => {
    clearTimeout(deadline);
    socket.off('readable', onReadable).off('end', onEnd).off('close', stop);
  };
  const refuse = (reason: string) => {
    stop();
    socket.destroy();
    options.onRefused?.(reason, ends.peerAddress);
  };
  const onEnd = () => refuse('the peer ended the connection before it said anything');
  const onReadable = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    if (owesHeader) {
      const header = readProxyHeader(unread);
      if (header.state === 'incomplete') return;
      if (header.state === 'invalid') return refuse(`a PROXY header is required: ${header.reason}`);
      owesHeader = false;
      source = header.source;
      unread = unread.subarray(header.byteLength);
    }
    if (unread.length === 0) return;
    stop();
    const protocol = unread[0] === TLS_HANDSHAKE ? 'tls' : 'http';
    socket.unshift(unread);
    const connection = { protocol, ...ends, ...peerOf(source), fromProxyHeader: source !== undefined } as const;
    process.nextTick(() => {
      if (!socket.destroyed) onAccepted(connection); // a tick later the stream has forgotten that somebody listened
    });
  };
  const timeoutMs = options.firstByteTimeoutMs ?? FIRST_BYTE_TIMEOUT_MS;
  const deadline = setTimeout(() => refuse('the peer stayed silent'), timeoutMs);
  socket.on('readable', onReadable).on('end', onEnd).on('close', stop);
}

function ignore(): void {}

type Ends = Omit<AcceptedConnection, 'protocol' | 'fromProxyHeader'>;

/** Both ends of the connection; undefined when it is closed already. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): Ends | undefined {
  const peer = canonicalAddress(remoteAddress ?? '');
  const local = canonicalAddress(localAddress ?? '');
  if (peer === undefined || local === undefined) return undefined;
  return { peerAddress: peer, peerPort: remotePort ?? 0, localAddress: local, localPort: localPort ?? 0 };
}

function peerOf(source: ProxySource | undefined): { peerAddress: string; peerPort: number } | undefined {
  return source && { peerAddress: source.address, peerPort: source.port };
}
