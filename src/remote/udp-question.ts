/** One question over UDP to one peer, repeated until its answer comes or patience ends. Nobody else is heard. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export interface UdpQuestion {
  /** An IPv6 link-local address with its zone: `fe80::1%eth0`. */
  readonly address: string;
  readonly port: number;
  /** The own address to ask from; undefined: whatever the route says. */
  readonly localAddress: string | undefined;
  readonly question: Buffer;
  /** How long each sending waits for its answer. */
  readonly waitsMs: readonly number[];
  /** What belongs to this question; the rest is passed over. */
  isAnswer(datagram: Buffer): boolean;
}

/** The answer; undefined: none came, or the peer has nothing on that port. Never rejects. */
export function askOverUdp(question: UdpQuestion): Promise<Buffer | undefined> {
  const { address, port, localAddress, waitsMs } = question;
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let sent = 0;
    let isSettled = false;
    const settle = (answer: Buffer | undefined) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const send = () => {
      const waitMs = waitsMs[sent];
      if (waitMs === undefined) return settle(undefined);
      sent += 1;
      socket.send(question.question, (error) => {
        if (error !== null) settle(undefined);
      });
      timer = setTimeout(send, waitMs);
    };
    // A connected socket hears its peer alone, and of a port that is closed at once.
    socket.on('error', () => settle(undefined));
    socket.on('message', (datagram: Buffer) => {
      if (question.isAnswer(datagram)) settle(datagram);
    });
    socket.once('connect', send);
    try {
      if (localAddress === undefined) socket.connect(port, address);
      else socket.bind(0, localAddress, () => socket.connect(port, address));
    } catch {
      settle(undefined);
    }
  });
}
