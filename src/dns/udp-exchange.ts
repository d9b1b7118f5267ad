/** Questions over UDP: each from a socket of its own, connected, so that port and id are random and only the upstream can answer. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { messageOf } from '../lib/errors.ts';
import { isAnswerTo, withRandomId } from './query.ts';
import { UpstreamError } from './upstream.ts';

/** So many wrong answers to one question mean that somebody is guessing. */
const MAX_WRONG_ANSWERS = 8;

export class UdpExchange {
  readonly #host: string;
  readonly #port: number;
  readonly #pending = new Set<(error: UpstreamError) => void>();

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  /** Resolves with the first answer that matches, truncated or not; others are ignored. Rejects `spoofed` after too many of those. */
  ask(query: Buffer, timeoutMs: number): Promise<Buffer> {
    const sent = withRandomId(query);
    const socket = createSocket(isIPv6(this.#host) ? 'udp6' : 'udp4');
    return new Promise<Buffer>((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(deadline);
        this.#pending.delete(fail);
        closeQuietly(socket);
        settle();
      };
      const fail = (error: UpstreamError) => finish(() => reject(error));
      const deadline = setTimeout(
        () => fail(new UpstreamError('timeout', `no answer within ${Math.round(timeoutMs)} ms`)),
        timeoutMs,
      );
      this.#pending.add(fail);

      let wrongAnswers = 0;
      socket.on('error', (cause) => fail(new UpstreamError('network', messageOf(cause), { cause })));
      socket.on('message', (answer) => {
        if (isAnswerTo(sent, answer)) return finish(() => resolve(answer));
        wrongAnswers += 1;
        if (wrongAnswers >= MAX_WRONG_ANSWERS)
          fail(new UpstreamError('spoofed', `${wrongAnswers} answers to other questions`));
      });
      // Not as the callback of `connect`, which would be called for a failure, too (no route, no such family).
      socket.on('connect', () =>
        socket.send(sent, (cause) => {
          if (cause !== null) fail(new UpstreamError('network', messageOf(cause), { cause }));
        }),
      );
      socket.connect(this.#port, this.#host);
    });
  }

  close(): void {
    for (const fail of [...this.#pending]) fail(new UpstreamError('closed', 'the resolver is closing'));
  }
}

/** A socket that is still being bound closes once it is; its own listeners see to that. */
function closeQuietly(socket: Socket): void {
  socket.removeAllListeners('message');
  socket.removeAllListeners('error');
  socket.on('error', () => {});
  try {
    socket.close();
  } catch {
    // Closed by an error before.
  }
}
