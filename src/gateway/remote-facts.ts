/** What the watch over remote access is told of the configuration and the site, as they are at each moment. */
import { labelFromAddress, parseNetworkList } from '../net/address.ts';
import type { ListenAddress } from '../net/listen.ts';
import type { RemoteFacts } from '../remote/remote-facts.ts';
import type { Parts } from './parts.ts';
import { listensOn } from './published.ts';

/** Answers with the address of whoever asks. */
const ECHO_PATH = '/:/ip';

/** `listeners`: where connections are accepted. */
export function remoteFacts(parts: Parts, listeners: readonly ListenAddress[]): RemoteFacts {
  const { config, site, link, plexHome } = parts;
  const { kind, state } = link.monitor.snapshot;
  const { preferences } = plexHome;
  const manualPort = preferences?.isManualPortMapping === true ? preferences.manualPort : undefined;
  return {
    mapPort: config.remote.map_port,
    publicAddress: config.remote.public_address,
    // The service is no stranger to a server that is claimed with it.
    autoUrl: kind.name === 'plex' && state === 'claimed' ? config.server.account_url + ECHO_PATH : undefined,
    publishedPort: manualPort ?? listeners[0]?.port ?? 0,
    isRouter: site.view.isRouter,
    portsAt: (address) => listeners.filter((listener) => listensOn(listener.address, address)).map(({ port }) => port),
    isNear: (address) =>
      site.view.lanList.contains(address) ||
      site.view.networks.some(({ network }) => parseNetworkList(network).list.contains(address)),
    urlOf: (address, port) => {
      const zone = zoneOf(parts);
      return zone === undefined ? undefined : `https://${labelFromAddress(address)}.${zone}:${port}`;
    },
  };
}

/** The zone of the server's names for which there is a certificate. */
export function zoneOf({ certificates }: Parts): string | undefined {
  return certificates.facts().find(({ source, zones }) => source !== 'private-ca' && zones.length > 0)?.zones[0];
}
