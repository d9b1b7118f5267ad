/** Answers searches for the media server on the LAN with the gateway's address: to neighbours only, seldom, and briefly. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { BoundedCache } from '../lib/cache.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { canonicalAddress, parseNetworkList } from '../net/address.ts';
import type { LocalNetwork } from '../net/interfaces.ts';
import { type AnnouncedServer, answerSearch } from './discovery-answer.ts';

/** Apps search every few seconds, several on a device. */
const MAX_ANSWERS_PER_ASKER = 10;
const MAX_ANSWERS = 100;
const WINDOW_MS = 10_000;
const MAX_ASKERS = 512;

export interface DiscoveryResponderOptions {
  /** Where such a server is searched for; `group` undefined: by broadcast. */
  readonly port: number;
  readonly group: string | undefined;
  /** Undefined: there is no server to speak of now. */
  readonly server: () => AnnouncedServer | undefined;
  /** The networks of the LAN on which this host has an address. */
  readonly networks: () => readonly LocalNetwork[];
  readonly log: Log;
}

export class DiscoveryResponder {
  readonly #options: DiscoveryResponderOptions;
  readonly #socket: Socket;
  readonly #answered = new BoundedCache<string, number>({ max: MAX_ASKERS });
  readonly #memberships = new Set<string>();
  #answers = 0;
  #windowStartMs = performance.now();

  private constructor(options: DiscoveryResponderOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    socket.on('message', (datagram: Buffer, from: RemoteInfo) => this.#receive(datagram, from));
    this.refresh();
  }

  /** Undefined, with a warning in the log: the port cannot be had. */
  static async open(options: DiscoveryResponderOptions): Promise<DiscoveryResponder | undefined> {
    const { port, log } = options;
    // A media server on this host has the port too; searches by multicast reach both.
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    try {
      socket.bind(port);
      await once(socket, 'listening');
    } catch (error) {
      socket.close();
      log.warn(
        { reason: messageOf(error) },
        `remote.discovery: UDP port ${port} cannot be had, searches are not answered`,
      );
      return undefined;
    }
    socket.on('error', (error) => log.debug({ reason: messageOf(error) }, 'an answer to a search was not sent'));
    return new DiscoveryResponder(options, socket);
  }

  /** Listens on networks that are new. */
  refresh(): void {
    const { group, networks } = this.#options;
    if (group === undefined) return;
    const addresses = networks().flatMap(({ address, family }) => (family === 4 ? [address] : []));
    for (const address of this.#memberships) if (!addresses.includes(address)) this.#memberships.delete(address);
    for (const address of addresses) {
      if (this.#memberships.has(address)) continue;
      try {
        this.#socket.addMembership(group, address);
        this.#memberships.add(address);
      } catch {
        // An interface without multicast.
      }
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  #receive(question: Buffer, { address, port }: RemoteInfo): void {
    const { server: find, networks } = this.#options;
    const asker = canonicalAddress(address);
    const own = networks().find(({ network }) => parseNetworkList(network).list.contains(asker ?? ''))?.address;
    const server = find();
    if (asker === undefined || own === undefined || server === undefined || port === 0) return;
    const answer = answerSearch(question, server, own);
    if (answer !== undefined && this.#mayAnswer(asker)) this.#socket.send(answer, port, asker);
  }

  #mayAnswer(asker: string): boolean {
    const now = performance.now();
    if (now - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = now;
      this.#answers = 0;
      this.#answered.clear();
    }
    const answered = this.#answered.get(asker) ?? 0;
    if (answered >= MAX_ANSWERS_PER_ASKER || this.#answers >= MAX_ANSWERS) return false;
    this.#answered.set(asker, answered + 1);
    this.#answers += 1;
    return true;
  }
}
