/** Answers discovery datagrams as a media server does: GDM for Plex, UDP 7359 for Jellyfin and Emby. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';

export interface ResponderOptions {
  /** Address to bind; for multicast and broadcast the wildcard. */
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** Multicast group to join on `interfaceAddress`. Only inside a network namespace of the test's own. */
  readonly group?: { readonly address: string; readonly interfaceAddress: string };
  /** The answers to one datagram, none when it is not a question for this server. */
  readonly answer: (question: string, asker: RemoteInfo) => readonly (string | Buffer)[];
}

export interface Responder {
  readonly port: number;
  /** Datagrams received so far. */
  readonly questions: string[];
  close(): Promise<void>;
}

export async function startResponder(options: ResponderOptions): Promise<Responder> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  const questions: string[] = [];
  socket.on('error', () => {});
  socket.on('message', (message: Buffer, from: RemoteInfo) => {
    const question = message.toString('latin1');
    questions.push(question);
    for (const answer of options.answer(question, from)) socket.send(answer, from.port, from.address);
  });
  socket.bind({ address: options.address, port: options.port });
  await once(socket, 'listening');
  if (options.group !== undefined) socket.addMembership(options.group.address, options.group.interfaceAddress);
  return {
    port: socket.address().port,
    questions,
    async close() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}
