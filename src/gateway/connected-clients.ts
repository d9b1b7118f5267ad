/** Who is connected, and by which rule: the open connections, those of one client and one rule together. */
import type { OpenConnection } from '../http/full-lane.ts';
import type { ConnectedClient } from '../http/pages/status-view.ts';
import { addressScope } from '../net/address.ts';
import type { SiteView } from './site.ts';

/** The busiest first. */
export function connectedClients(
  connections: readonly OpenConnection[],
  { lanList }: Pick<SiteView, 'lanList'>,
): ConnectedClient[] {
  const isAtHome = (address: string) => lanList.contains(address) || addressScope(address) === 'loopback';
  const groups = Map.groupBy(connections, ({ client, rule }) => `${client ?? ''} ${rule ?? ''}`);
  const clients = [...groups.values()].map((group) => clientOf(group, isAtHome));
  return clients.sort((a, b) => activityOf(b) - activityOf(a) || b.connections - a.connections);
}

function clientOf(group: readonly OpenConnection[], isAtHome: (address: string) => boolean): ConnectedClient {
  const [{ client, rule } = { client: undefined, rule: undefined }] = group;
  return {
    address: client ?? 'unknown',
    isAtHome: client !== undefined && isAtHome(client),
    rule: rule ?? null,
    connections: group.length,
    requests: group.filter(({ isBusy }) => isBusy).length,
    webSockets: group.filter(({ isUpgraded }) => isUpgraded).length,
  };
}

function activityOf({ requests, webSockets }: ConnectedClient): number {
  return requests + webSockets;
}
