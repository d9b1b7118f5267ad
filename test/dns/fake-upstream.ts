/** An upstream that does what a test tells it: the truth, every lie, or nothing. UDP and TCP on one port of loopback. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import packet, { type Answer, type DecodedPacket } from 'dns-packet';
import { framed } from './ask.ts';

const MAX_PORT_ATTEMPTS = 20;

export interface Asked {
  readonly query: DecodedPacket;
  readonly bytes: Buffer;
  readonly transport: 'udp' | 'tcp';
  /** The asker's port. */
  readonly port: number;
  /** Sends bytes back; over TCP behind their length. */
  send(answer: Uint8Array): void;
  /** Sends bytes back from another port than the one that was asked (UDP). */
  sendFromElsewhere(answer: Uint8Array): void;
}

export interface FakeUpstream {
  readonly port: number;
  /** As written in `dns.upstreams`. */
  readonly entry: string;
  /** Everything that was asked, in order. */
  readonly asked: Asked[];
  /** What to do with a question; replace it at any time. */
  handle: (asked: Asked) => void;
  close(): Promise<void>;
}

export async function fakeUpstream(handle: (asked: Asked) => void, address = '127.0.0.1'): Promise<FakeUpstream> {
  const connections = new Set<Socket>();
  const asked: Asked[] = [];
  const take = (bytes: Buffer, rest: Pick<Asked, 'transport' | 'port' | 'send' | 'sendFromElsewhere'>) => {
    const question = { query: packet.decode(bytes), bytes, ...rest };
    asked.push(question);
    upstream.handle(question);
  };
  const tcp = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => connections.delete(socket));
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const bytes = rest.subarray(2, 2 + rest.readUInt16BE(0));
        rest = rest.subarray(2 + bytes.length);
        const send = (answer: Uint8Array) => socket.write(framed(answer));
        take(bytes, { transport: 'tcp', port: socket.remotePort ?? 0, send, sendFromElsewhere: send });
      }
    });
  });
  const { port, udp } = await samePort(tcp, address);
  const stranger = createSocket('udp4').bind(0, address);
  await once(stranger, 'listening');
  udp.on('message', (bytes, from) => {
    const send = (answer: Uint8Array) => udp.send(answer, from.port, from.address);
    const sendFromElsewhere = (answer: Uint8Array) => stranger.send(answer, from.port, from.address);
    take(bytes, { transport: 'udp', port: from.port, send, sendFromElsewhere });
  });
  const upstream: FakeUpstream = {
    port,
    entry: `${address}:${port}`,
    asked,
    handle,
    async close() {
      udp.close();
      stranger.close();
      for (const socket of connections) socket.destroy();
      tcp.close();
      await once(tcp, 'close');
    },
  };
  return upstream;
}

export interface AnswerParts {
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly additionals?: readonly Answer[];
  readonly rcode?: number;
  /** Further header flags: 0x200 is TC, 0x400 AA. */
  readonly flags?: number;
}

/** A proper answer to `query`. */
export function answerTo(query: Buffer, parts: AnswerParts = {}): Buffer {
  const decoded = packet.decode(query);
  const bytes = packet.encode({
    type: 'response',
    id: decoded.id ?? 0,
    flags: 0x0180 | (parts.flags ?? 0),
    questions: decoded.questions ?? [],
    answers: [...(parts.answers ?? [])],
    authorities: [...(parts.authorities ?? [])],
    additionals: [...(parts.additionals ?? [])],
  });
  bytes[3]! |= parts.rcode ?? 0;
  return bytes;
}

export function a(name: string, address: string, ttl = 300): Answer {
  return { type: 'A', name, ttl, data: address };
}

export function soa(name: string, { ttl = 300, minimum = 300 } = {}): Answer {
  const timers = { serial: 1, refresh: 1, retry: 1, expire: 1, minimum };
  return { type: 'SOA', name, ttl, data: { mname: `ns.${name}`, rname: `root.${name}`, ...timers } };
}

/** Answers every A question with `address`, everything else with NODATA. */
export function honest(address = '93.184.216.34', ttl = 300): (asked: Asked) => void {
  return ({ query, bytes, send }) => {
    const { name = '', type = 'A' } = query.questions?.[0] ?? {};
    send(answerTo(bytes, type === 'A' ? { answers: [a(name, address, ttl)] } : { authorities: [soa('example')] }));
  };
}

/** TCP first, its ports are the scarcer ones; another try when somebody has the UDP port of that number. */
async function samePort(tcp: Server, address: string): Promise<{ port: number; udp: UdpSocket }> {
  for (let attempt = 0; ; attempt += 1) {
    tcp.listen(0, address);
    await once(tcp, 'listening');
    const { port } = tcp.address() as AddressInfo;
    const udp = createSocket('udp4').bind(port, address);
    try {
      await once(udp, 'listening');
      return { port, udp };
    } catch (error) {
      if (attempt === MAX_PORT_ATTEMPTS) throw error;
      tcp.close();
      await once(tcp, 'close');
    }
  }
}
