/** The link to the media server: which kind, where, in what state; found by configuration, memory or discovery. */
import type { Upstream } from '../http/upstream.ts';
import { upstreamOf } from '../http/upstream.ts';
import type { Log } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { discoverServers, lanTargets, localEndpoints } from '../server/discovery.ts';
import type { ServerKind } from '../server/kind.ts';
import { kindNamed } from '../server/kinds.ts';
import { ServerMonitor } from '../server/monitor.ts';
import type { FoundServer } from '../server/server-state.ts';
import { ServerMoves } from './server-moves.ts';
import type { SiteView } from './site.ts';

const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];

export interface ServerLinkOptions {
  /** `server.kind`, `server.url`, `server.id` as configured. */
  readonly kind: string;
  readonly url: string;
  readonly id: string;
  readonly state: StateFolder;
  readonly log: Log;
  readonly site: () => SiteView;
  /** The gateway's own ports, so that it does not find itself. */
  readonly ownPorts: () => readonly number[];
  readonly provesItself: (found: FoundServer) => Promise<boolean>;
  /** See `ServerMonitor.choices`: of the link before. */
  readonly choices: readonly FoundServer[];
}

export class ServerLink {
  readonly monitor: ServerMonitor;
  readonly moves: ServerMoves;
  #upstream: { readonly url: string; readonly value: Upstream } | undefined;

  constructor(options: ServerLinkOptions) {
    const configuredUrl = options.url === 'auto' ? undefined : options.url;
    const { state, log } = options;
    this.monitor = new ServerMonitor({
      kind: kindNamed(options.kind),
      url: configuredUrl,
      id: options.id === '' ? undefined : options.id,
      state,
      log,
      discover: (kinds) => discover(kinds, options),
      provesItself: options.provesItself,
      choices: options.choices,
    });
    const search = () => discover([this.monitor.snapshot.kind], options);
    this.moves = new ServerMoves({ monitor: this.monitor, configuredUrl, discover: search, state, log });
  }

  async close(): Promise<void> {
    this.moves.close();
    await this.monitor.close();
  }

  /** Where requests go now: the same object until it changes. The server's certificate is not judged: who it is, the identity says. */
  upstream(): Upstream | undefined {
    const { url } = this.monitor.snapshot;
    if (url === undefined) return undefined;
    if (this.#upstream?.url !== url) {
      this.#upstream = { url, value: upstreamOf(new URL(url), { rejectUnauthorized: false }) };
    }
    return this.#upstream.value;
  }
}

/** Looks on this host, then on the LAN. */
async function discover(kinds: readonly ServerKind[], options: ServerLinkOptions): Promise<readonly FoundServer[]> {
  const { addresses, networks, lanList } = options.site();
  const ports = options.ownPorts();
  const onLan = networks.filter((network) => network.family === 4 && lanList.contains(network.address));
  return discoverServers({
    kinds,
    localEndpoints: localEndpoints(kinds, [...new Set([...LOOPBACK_ADDRESSES, ...addresses])]),
    lanTargets: lanTargets(kinds, onLan),
    isOwnEndpoint: (address, port) =>
      ports.includes(port) && (addresses.has(address) || LOOPBACK_ADDRESSES.includes(address)),
  });
}
