/** Which networks are the LAN: what `lan_networks` says, or what this host is connected to. */
import { NetworkList, type NetworkListError, networkOf, parseNetworkList } from './address.ts';
import { isForwardingHost, localNetworks } from './interfaces.ts';
import { chooseLan, type LanNetworks, noLan, unique } from './lan-choice.ts';
import { readRoutes } from './routes.ts';

export type { LanNetworks } from './lan-choice.ts';

/** What the word `loopback` stands for in a list of networks. */
export const LOOPBACK_NETWORKS: readonly string[] = ['127.0.0.0/8', '::1'];

export interface LanSetting {
  readonly isAuto: boolean;
  /** The networks that are named beside `auto`, or instead of it. */
  readonly named: NetworkList;
  readonly errors: readonly NetworkListError[];
}

/** Reads `lan_networks`: `auto`, `none`, a list, or `auto, more`. */
export function parseLanSetting(setting: string | readonly string[]): LanSetting {
  const text = typeof setting === 'string' ? setting : setting.join(',');
  if (text.trim().toLowerCase() === 'none') return { isAuto: false, named: NetworkList.none, errors: [] };
  const isAuto = text.split(',').some((entry) => entry.trim().toLowerCase() === 'auto');
  const { list, errors } = parseNetworkList(text, { auto: [] });
  return { isAuto, named: list, errors };
}

export interface LanOptions {
  /** `lan_networks`. Entries that cannot be read are left out; `parseLanSetting` reports them. */
  readonly setting: string | readonly string[];
  /** Canonical address of the media server; undefined when it is not known: then as if it were on this host. */
  readonly serverAddress: string | undefined;
  /** The networks of OpenWrt's firewall zone `lan` (comma or space separated; an address of the router may stand for its network); undefined elsewhere. */
  readonly openwrtLanNetworks?: string | undefined;
}

/** The networks whose clients are in place `lan`. Reads interfaces and routes anew at each call. */
export function lanNetworks(options: LanOptions): LanNetworks {
  const { isAuto, named } = parseLanSetting(options.setting);
  if (!isAuto) return listedNetworks(named);
  const auto = automaticNetworks(options);
  if (named.isEmpty) return auto;
  return {
    ...auto,
    networks: unique([...auto.networks, ...named.entries]),
    reason: `${auto.reason}; and as lan_networks lists them: ${named.entries.join(', ')}`,
  };
}

function listedNetworks(named: NetworkList): LanNetworks {
  if (named.isEmpty) return { networks: [], reason: 'lan_networks names no network: no client counts as LAN' };
  return { networks: unique(named.entries), reason: 'as lan_networks lists them' };
}

function automaticNetworks(options: LanOptions): LanNetworks {
  if (options.openwrtLanNetworks !== undefined) return zoneNetworks(options.openwrtLanNetworks);
  const networks = localNetworks();
  const routes = readRoutes();
  const isRouter = isForwardingHost(networks, routes);
  return chooseLan({ networks, routes, isRouter, serverAddress: options.serverAddress });
}

function zoneNetworks(text: string): LanNetworks {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const networks = words.flatMap((word) => {
    const { list } = parseNetworkList(word);
    const [address = '', prefixLength] = word.split('/');
    return list.isEmpty ? (networkOf(address, Number(prefixLength)) ?? []) : list.entries;
  });
  if (networks.length === 0) return noLan("OpenWrt's firewall zone lan has no network");
  return { networks: unique(networks), reason: "the networks of OpenWrt's firewall zone lan" };
}
