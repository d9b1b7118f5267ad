/** An independent DNS client for tests: raw sockets, and dns-packet as the codec. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { connect, isIPv6, type Socket } from 'node:net';
import packet, { type DecodedPacket, type OptAnswer, type RecordType } from 'dns-packet';

const PATIENCE_MS = 15_000;
const QUIET_MS = 250;
const RECURSION_DESIRED = 0x0100;

export interface Target {
  readonly port: number;
  readonly address?: string;
}

/** Sends bytes as one datagram; resolves with the reply, rejects when there is none in time. */
export async function exchange(
  message: Uint8Array,
  { port, address = '127.0.0.1' }: Target,
  from?: string,
  patienceMs = PATIENCE_MS,
): Promise<{ reply: Buffer; from: RemoteInfo }> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    if (from !== undefined) {
      socket.bind(0, from);
      await once(socket, 'listening');
    }
    const reply = once(socket, 'message', { signal: AbortSignal.timeout(patienceMs) });
    socket.send(message, port, address);
    const [bytes, sender] = (await reply) as [Buffer, RemoteInfo];
    return { reply: bytes, from: sender };
  } finally {
    socket.close();
  }
}

/** True when `message` gets no reply while a proper question sent right behind it does. */
export async function isIgnored(
  message: Uint8Array,
  { port, address = '127.0.0.1' }: Target,
  proper: Uint8Array,
): Promise<boolean> {
  const socket = createSocket('udp4');
  const replies: Buffer[] = [];
  socket.on('message', (reply) => replies.push(reply));
  try {
    socket.send(message, port, address);
    socket.send(proper, port, address);
    await once(socket, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) });
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    return replies.length === 1;
  } finally {
    socket.close();
  }
}

export interface QuestionOptions {
  readonly id?: number;
  readonly flags?: number;
  readonly class?: 'IN' | 'CH';
  /** Adds an OPT record. */
  readonly edns?: Partial<OptAnswer>;
}

export function question(name: string, type: string, options: QuestionOptions = {}): Buffer {
  const { id = 4711, flags = RECURSION_DESIRED, edns } = options;
  return packet.encode({
    type: 'query',
    id,
    flags,
    questions: [{ name, type: type as RecordType, class: options.class ?? 'IN' }],
    additionals: edns === undefined ? [] : [optRecord(edns)],
  });
}

function optRecord(edns: Partial<OptAnswer>): OptAnswer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
    ...edns,
  };
}

export interface Reply {
  readonly rcode: string;
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  readonly recursionAvailable: boolean;
  /** `address`, or the record's data. */
  readonly answers: readonly unknown[];
  readonly packet: DecodedPacket;
  readonly bytes: Buffer;
}

export function decode(bytes: Buffer): Reply {
  const decoded = packet.decode(bytes);
  return {
    // dns-packet names the RCODE on decoded messages, which its types leave out.
    rcode: (decoded as unknown as { rcode: string }).rcode,
    isAuthoritative: decoded.flag_aa,
    isTruncated: decoded.flag_tc,
    recursionAvailable: decoded.flag_ra,
    answers: (decoded.answers ?? []).map((answer) => (answer as { data?: unknown }).data),
    packet: decoded,
    bytes,
  };
}

export async function askUdp(
  name: string,
  type: string,
  target: Target,
  options: QuestionOptions = {},
): Promise<Reply> {
  return decode((await exchange(question(name, type, options), target)).reply);
}

export async function askTcp(
  name: string,
  type: string,
  target: Target,
  options: QuestionOptions = {},
): Promise<Reply> {
  const socket = await openTcp(target);
  try {
    socket.write(framed(question(name, type, options)));
    const [reply] = await readMessages(socket, 1);
    return decode(reply!);
  } finally {
    socket.destroy();
  }
}

export async function openTcp({ port, address = '127.0.0.1' }: Target): Promise<Socket> {
  const socket = connect({ port, host: address, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(2 + message.length);
  frame.writeUInt16BE(message.length, 0);
  frame.set(message, 2);
  return frame;
}

/** The next `count` messages of a stream; rejects when it ends before. */
export function readMessages(socket: Socket, count: number): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const messages: Buffer[] = [];
    const deadline = setTimeout(
      () => reject(new Error(`only ${messages.length} of ${count} messages came`)),
      PATIENCE_MS,
    );
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
        messages.push(bytes.subarray(2, 2 + bytes.readUInt16BE(0)));
        bytes = bytes.subarray(2 + bytes.readUInt16BE(0));
      }
      if (messages.length < count) return;
      clearTimeout(deadline);
      resolve(messages);
    });
    socket.on('close', () => {
      clearTimeout(deadline);
      reject(new Error(`closed after ${messages.length} messages`));
    });
  });
}
