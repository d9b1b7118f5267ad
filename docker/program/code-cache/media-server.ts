/** The media server in a rehearsal: claimed, with one account that may see everything. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PROCESSED_IDENTIFIER } from './plex-data.ts';

/** Of the account. */
export const TOKEN = 'rehearsal-token-1234567890';

const IDENTITY = JSON.stringify({
  MediaContainer: {
    size: 0,
    claimed: true,
    machineIdentifier: PROCESSED_IDENTIFIER,
    version: '1.43.4.10000-abcdef123',
  },
});

export interface MediaServer {
  readonly url: string;
  /** Questions for its identity wait until now, so that the gateway learns it at the same point each time. */
  sayWho(): void;
  close(): void;
}

/** Listens on a free port of loopback. */
export async function startMediaServer(): Promise<MediaServer> {
  const { promise: mayAnswer, resolve: sayWho } = Promise.withResolvers<void>();
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    await once(request, 'end');
    if (request.url === '/identity') {
      await mayAnswer;
      response.setHeader('Content-Type', 'application/json').end(IDENTITY);
      return;
    }
    response.statusCode = request.headers['x-plex-token'] === TOKEN ? 200 : 401;
    response.end('answer');
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    sayWho,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
