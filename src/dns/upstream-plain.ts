/** A plain upstream: UDP first, TCP when the answer does not fit or somebody forges answers; or TCP only. */
import { connect, type Socket } from 'node:net';
import { withoutEdns } from './query.ts';
import { StreamExchange } from './stream-exchange.ts';
import { UdpExchange } from './udp-exchange.ts';
import { type Upstream, UpstreamError } from './upstream.ts';
import type { UpstreamAddress } from './upstream-address.ts';
import { RCODE, RCODE_MASK, TC } from './wire.ts';

const CONNECT_TIMEOUT_MS = 3000;

export class PlainUpstream implements Upstream {
  readonly name: string;
  readonly #udp: UdpExchange | undefined;
  readonly #tcp: StreamExchange;

  constructor({ transport, host, port, text }: UpstreamAddress) {
    this.name = text;
    this.#udp = transport === 'udp' ? new UdpExchange(host, port) : undefined;
    this.#tcp = new StreamExchange(() => openTcp(host, port));
  }

  async ask(query: Buffer, timeoutMs: number): Promise<Buffer> {
    if (this.#udp === undefined) return await this.#tcp.ask(query, timeoutMs);
    const startedMs = performance.now();
    const leftMs = () => Math.max(1, timeoutMs - (performance.now() - startedMs));
    try {
      let answer = await this.#udp.ask(query, timeoutMs);
      if (isFormatError(answer)) answer = await this.#udp.ask(withoutEdns(query), leftMs());
      if ((answer[2]! & TC) === 0) return answer;
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.failure !== 'spoofed') throw error;
    }
    return await this.#tcp.ask(query, leftMs());
  }

  close(): void {
    this.#udp?.close();
    this.#tcp.close();
  }
}

/** What servers answer that do not know EDNS (RFC 6891 section 7). */
function isFormatError(answer: Buffer): boolean {
  return (answer[3]! & RCODE_MASK) === RCODE.FORMERR;
}

function openTcp(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const deadline = setTimeout(
      () => socket.destroy(new UpstreamError('timeout', 'no connection')),
      CONNECT_TIMEOUT_MS,
    );
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(deadline));
    socket.once('connect', () => clearTimeout(deadline));
  });
}
