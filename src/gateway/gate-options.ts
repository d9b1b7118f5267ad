/** What the gate is given of the rest of the gateway. All of it is asked again for each request: parts are swapped on reload. */
import { hostname } from 'node:os';
import { type ClientOptions, clientOf } from '../access/client.ts';
import type { GateOptions } from '../access/gate.ts';
import type { ClientView } from '../access/request-facts.ts';
import { MAX_KEPT_LENGTH } from '../http/express/request-reader.ts';
import type { Peer, RequestHead } from '../http/request.ts';
import type { Log } from '../lib/log.ts';
import type { StateFolder } from '../lib/state-folder.ts';
import { parseNetworkList } from '../net/address.ts';
import type { ListenAddress } from '../net/listen.ts';
import type { Verdict } from '../server/kind.ts';
import { claimPlexServer } from '../server/plex-claim.ts';
import type { Parts } from './parts.ts';
import { plexAccount } from './plex-home.ts';
import { endpointOf, publishedEndpoint, reachableEndpoint } from './published.ts';
import type { SiteView } from './site.ts';

export interface GateSurroundings {
  readonly parts: () => Parts;
  readonly state: StateFolder;
  readonly log: Log;
  /** Where connections are accepted. */
  readonly listeners: () => readonly ListenAddress[];
}

export function gateOptions({ parts, state, log, listeners }: GateSurroundings): GateOptions {
  return {
    settings: parts().settings,
    state,
    log,
    clientOf: (head, peer) => viewClient(head, peer, parts()),
    server: {
      view: () => parts().link.monitor.snapshot,
      waitUntilKnown: () => parts().link.monitor.waitUntilKnown(),
      verify: (credential) => verify(credential, parts()),
      confirmClaimed: () => parts().link.monitor.confirmClaimed(),
      claim: async (code) => {
        const { ask } = parts().link.monitor;
        if (ask === undefined) return 'unreachable';
        const { result } = await claimPlexServer(ask, code);
        parts().link.monitor.noteClaimAction();
        if (result === 'rejected' && !isOnServerSubnet(parts())) return 'other-subnet';
        return result === 'malformed' ? 'rejected' : result;
      },
    },
    askAccount: async (credential) => {
      const { config, link } = parts();
      const id = link.monitor.snapshot.identity?.id;
      if (link.monitor.snapshot.kind.name !== 'plex' || id === undefined) return { verdict: 'unverifiable' };
      return (await plexAccount(config, state)).verify(credential, id);
    },
    // Other kinds have no such thing: it is off.
    plexHome: () => (parts().link.monitor.snapshot.kind.name === 'plex' ? parts().plexHome.isOn : false),
    machineName: hostname(),
    names: {
      covers: (name) => parts().certificates.covers(name),
      zones: () => parts().certificates.zones,
      get published() {
        return publishedEndpoint(parts().config);
      },
      isOwnAddress: (address) => isOwnAddress(address, parts()),
    },
    setupPageUrl: () => {
      const endpoint = publishedEndpoint(parts().config) ?? reachableEndpoint(parts().site.lanAddresses, listeners());
      return endpoint && `http://${endpointOf(endpoint.address, endpoint.port)}/.lockgate/setup`;
    },
  };
}

/** What tells clients apart. */
export interface ClientGround extends Pick<Parts, 'trustedProxies' | 'proxyProtocolFrom' | 'settings'> {
  readonly site: { readonly view: Pick<SiteView, 'lanList' | 'routers' | 'isRouter'> };
}

/** Who sent a request, by the networks as they are now. Asked twice for each request, and for the next one with the same fields. */
export function viewClient(head: RequestHead, peer: Peer, ground: ClientGround): ClientView {
  const options = clientOptions(ground);
  const known = lastClients.get(peer);
  if (known !== undefined && known.rawHeaders === head.rawHeaders && known.options === options) return known.client;
  const client = clientOf(head, peer, options);
  if (isShort(head.rawHeaders)) lastClients.set(peer, { rawHeaders: head.rawHeaders, options, client });
  else lastClients.delete(peer);
  return client;
}

/** Short enough to be held by an idle connection. */
function isShort(rawHeaders: readonly string[]): boolean {
  let length = 0;
  for (const text of rawHeaders) length += text.length;
  return length <= MAX_KEPT_LENGTH;
}

const lastClients = new WeakMap<Peer, { rawHeaders: readonly string[]; options: ClientOptions; client: ClientView }>();
const lastOptions = new WeakMap<ClientGround, { view: ClientGround['site']['view']; options: ClientOptions }>();

/** The very same object until the networks are looked at again, or the configuration changes. */
function clientOptions(ground: ClientGround): ClientOptions {
  const { view } = ground.site;
  const known = lastOptions.get(ground);
  if (known?.view === view) return known.options;
  const options = {
    trustedProxies: ground.trustedProxies,
    proxyProtocolFrom: ground.proxyProtocolFrom,
    lanNetworks: view.lanList,
    defaultRouters: view.routers,
    isForwardingHost: view.isRouter,
    allowedNetworks: ground.settings.allowedNetworks,
  };
  lastOptions.set(ground, { view, options });
  return options;
}

async function verify(credential: string, { link }: Parts): Promise<Verdict> {
  const { ask, snapshot } = link.monitor;
  return ask === undefined ? { verdict: 'unverifiable' } : snapshot.kind.verify(ask, credential);
}

/** A Plex server takes claims from its own subnet only. Where it is, is not known while its name cannot be resolved. */
function isOnServerSubnet({ site }: Parts): boolean {
  const { serverAddress, addresses, networks } = site.view;
  if (serverAddress === undefined || addresses.has(serverAddress)) return true;
  return parseNetworkList(networks.map(({ network }) => network)).list.contains(serverAddress);
}

/** The gateway's, the media server's, the site's as seen from outside, or the one under which the gateway is published. */
function isOwnAddress(address: string, { site, config }: Parts): boolean {
  const { addresses, serverAddress } = site.view;
  if (addresses.has(address) || address === serverAddress || address === site.publicAddress) return true;
  return address === publishedEndpoint(config)?.address;
}
