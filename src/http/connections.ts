/** All client connections that are open. */
import type { Socket } from 'node:net';
import type { ClientConnection } from './connection.ts';

/**
 * A list, not a Set or a Map: V8 links the table that one of those has outgrown to its next one, so that when entries come and go
 * all the time, tables long dead keep later ones alive with everything in them, until the next full collection.
 */
export class ConnectionList {
  readonly #entries: Entry[] = [];
  readonly #bySocket = new WeakMap<Socket, Entry>();

  get size(): number {
    return this.#entries.length;
  }

  /** Adds a connection until its socket closes. */
  add(connection: ClientConnection): void {
    const { socket } = connection;
    const entry = { connection, index: this.#entries.length };
    this.#entries.push(entry);
    this.#bySocket.set(socket, entry);
    socket.once('close', () => this.#remove(entry));
  }

  of(socket: Socket): ClientConnection | undefined {
    return this.#bySocket.get(socket)?.connection;
  }

  /** All of them as they are now. */
  all(): ClientConnection[] {
    return this.#entries.map((entry) => entry.connection);
  }

  /** The last one takes the free place. */
  #remove(entry: Entry): void {
    this.#bySocket.delete(entry.connection.socket);
    const last = this.#entries.pop();
    if (last === undefined || last === entry) return;
    last.index = entry.index;
    this.#entries[entry.index] = last;
  }
}

interface Entry {
  readonly connection: ClientConnection;
  index: number;
}
