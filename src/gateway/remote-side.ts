/** The side of the gateway that looks outward: remote access, and the answers to searches on the LAN. */
import type { Log } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import type { LocalNetwork } from '../net/interfaces.ts';
import type { ListenAddress } from '../net/listen.ts';
import type { AnnouncedServer } from '../remote/discovery-answer.ts';
import { DiscoveryResponder } from '../remote/discovery-responder.ts';
import { RemoteAccess } from '../remote/remote-access.ts';
import type { RemoteView } from '../remote/view.ts';
import type { Parts } from './parts.ts';
import { remoteFacts } from './remote-facts.ts';

export interface RemoteSideOptions {
  readonly parts: () => Parts;
  /** Where connections are accepted now. */
  readonly listeners: () => readonly ListenAddress[];
  readonly state: StateFolder;
  readonly log: Log;
}

export class RemoteSide {
  readonly #options: RemoteSideOptions;
  readonly #access: RemoteAccess;
  #responder: { readonly kind: string; readonly value: DiscoveryResponder | undefined } | undefined;
  #changing: Promise<void> = Promise.resolve();

  constructor(options: RemoteSideOptions) {
    const { parts, listeners, state, log } = options;
    this.#options = options;
    this.#access = new RemoteAccess({
      facts: () => remoteFacts(parts(), listeners()),
      state,
      log,
      onPublicAddress: () => this.#tellSite(),
    });
  }

  /** Begins; waits neither for the router nor for the Internet. */
  async start(): Promise<void> {
    await this.#access.start();
    await this.#followDiscovery();
  }

  /** The configuration, the media server or the network changed. */
  async refresh(): Promise<void> {
    this.#tellSite();
    this.#access.refresh();
    await this.#followDiscovery();
  }

  /** A client of this address was served. */
  noteClient(address: string | undefined): void {
    this.#access.noteClient(address);
  }

  get view(): RemoteView {
    return this.#access.view;
  }

  /** Closes the ports on the router and ends. */
  async close(): Promise<void> {
    await this.#changing;
    await Promise.all([this.#access.close(), this.#responder?.value?.close()]);
  }

  #tellSite(): void {
    this.#options.parts().site.publicAddress = this.#access.publicAddress;
  }

  #followDiscovery(): Promise<void> {
    this.#changing = this.#changing.then(() => this.#changeResponder());
    return this.#changing;
  }

  async #changeResponder(): Promise<void> {
    const { parts, log } = this.#options;
    const { config, link } = parts();
    const { name: kind, discovery } = link.monitor.snapshot.kind;
    const wanted = config.remote.discovery ? discovery : undefined;
    if (wanted !== undefined && this.#responder?.kind === kind) {
      this.#responder.value?.refresh();
      return;
    }
    await this.#responder?.value?.close();
    this.#responder = undefined;
    if (wanted === undefined) return;
    const { port, group } = wanted;
    const server = () => this.#announcedServer();
    const networks = () => lanNetworksOf(parts());
    this.#responder = { kind, value: await DiscoveryResponder.open({ port, group, server, networks, log }) };
  }

  /** Undefined while nobody could use it. */
  #announcedServer(): AnnouncedServer | undefined {
    const { parts, listeners } = this.#options;
    const { link, zones, config } = parts();
    const { kind, identity, state } = link.monitor.snapshot;
    const port = listeners()[0]?.port;
    if (identity === undefined || port === undefined || state !== 'claimed') return undefined;
    const { id, name = 'Media server', version = '' } = identity;
    const isTlsRequired = config.listen.secure_connections === 'required';
    return { kind: kind.name, id, name, version, zone: zones.ofServer, port, isTlsRequired };
  }
}

function lanNetworksOf({ site }: Parts): LocalNetwork[] {
  const { networks, lanList } = site.view;
  return networks.filter(({ address, isLoopback }) => !isLoopback && lanList.contains(address));
}
