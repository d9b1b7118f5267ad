/** All client connections that are open. */
import type { Socket } from 'node:net';
import type { Carrier } from './client-message.ts';
import type { OpenConnection } from './lane.ts';

/**
 * A list, not a Set or a Map: V8 links the table that one of those has outgrown to its next one, so that when entries come and go
 * all the time, tables long dead keep later ones alive with everything in them, until the next full collection.
 */
export class ConnectionList<C extends { readonly socket: Socket }> {
  readonly #entries: Entry<C>[] = [];
  readonly #bySocket = new WeakMap<Socket, Entry<C>>();

  get size(): number {
    return this.#entries.length;
  }

  /** Adds a connection until its socket closes, or it is taken out. */
  add(connection: C): void {
    const { socket } = connection;
    const entry = { connection, index: this.#entries.length };
    this.#entries.push(entry);
    this.#bySocket.set(socket, entry);
    socket.once('close', () => this.remove(connection));
  }

  of(socket: Socket): C | undefined {
    return this.#bySocket.get(socket)?.connection;
  }

  /** All of them as they are now. */
  all(): C[] {
    return this.#entries.map((entry) => entry.connection);
  }

  /** The last one takes the free place. */
  remove({ socket }: C): void {
    const entry = this.#bySocket.get(socket);
    if (entry === undefined) return;
    this.#bySocket.delete(socket);
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    last.index = entry.index;
    this.#entries[entry.index] = last;
  }
}

/** What there is to say of a connection to its owner. */
export function openConnection(
  { peer, last }: Pick<Carrier, 'peer' | 'last'>,
  doing: Pick<OpenConnection, 'isBusy' | 'isUpgraded'>,
): OpenConnection {
  return { client: last === undefined ? peer.address : last.client, rule: last?.rule, ...doing };
}

interface Entry<C> {
  readonly connection: C;
  index: number;
}
