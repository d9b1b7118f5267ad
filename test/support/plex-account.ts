/** A stand-in for the Plex account service: resources, user, and linking by code. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { send, sendJson } from './answers.ts';
import { type SeenRequest, StandIn, type StandInOptions } from './stand-in.ts';

/** One account: the servers that its token may use, and whether it is in a Plex Home. */
export interface Account {
  readonly name: string;
  readonly home: boolean;
  readonly servers: readonly string[];
}

export async function startPlexAccount(options: StandInOptions = {}): Promise<PlexAccountStandIn> {
  const account = new PlexAccountStandIn(options);
  await account.listen();
  return account;
}

export class PlexAccountStandIn extends StandIn {
  /** By token. */
  readonly accounts = new Map<string, Account>();
  /** The codes given out, by id; `token` once the person has typed the code in. */
  readonly pins = new Map<number, { readonly code: string; token: string | null }>();

  constructor(options: StandInOptions) {
    super(
      options,
      (request, response, seen) => this.#answer(request, response, seen),
      (_request, socket) => socket.destroy(),
    );
  }

  async close(): Promise<void> {
    await this.stop();
  }

  #answer(request: IncomingMessage, response: ServerResponse, seen: SeenRequest): void {
    request.resume();
    const { pathname } = new URL(`http://account${seen.url}`);
    const account = this.accounts.get(seen.header('x-plex-token') ?? '');
    seen.authenticated = account !== undefined;
    if (seen.header('x-plex-client-identifier') === undefined) send(response, 400, 'text/plain', 'who is asking?');
    else if (pathname.startsWith('/api/v2/pins')) this.#pin(response, seen.method, pathname);
    else if (account === undefined) sendJson(response, 401, { errors: [{ code: 1001, status: 401 }] });
    else if (pathname === '/api/v2/resources') sendJson(response, 200, resourcesOf(account));
    else if (pathname === '/api/v2/user') sendJson(response, 200, { id: 1, title: account.name, home: account.home });
    else send(response, 404, 'text/plain', '');
  }

  #pin(response: ServerResponse, method: string, pathname: string): void {
    if (method === 'POST') {
      const id = 1000 + this.pins.size;
      this.pins.set(id, { code: `AB${id}`, token: null });
      sendJson(response, 201, { id, code: `AB${id}`, expiresIn: 900, authToken: null });
      return;
    }
    const pin = this.pins.get(Number(pathname.split('/').at(-1)));
    if (pin === undefined) sendJson(response, 404, { errors: [{ code: 1020, status: 404 }] });
    else sendJson(response, 200, { code: pin.code, authToken: pin.token });
  }
}

function resourcesOf(account: Account): object[] {
  const player = { name: 'a phone', provides: 'player', clientIdentifier: 'phone' };
  return [player, ...account.servers.map((id) => ({ name: 'a server', provides: 'server', clientIdentifier: id }))];
}
