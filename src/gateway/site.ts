/** Where the gateway stands: its own addresses, the LAN around it, the routers. Looked at again every few seconds, because leases move. */
import { lookup } from 'node:dns/promises';
import { canonicalAddress, type NetworkList, parseNetworkList } from '../net/address.ts';
import { defaultRouters, isForwardingHost, type LocalNetwork, localNetworks } from '../net/interfaces.ts';
import { type LanNetworks, lanNetworks } from '../net/lan.ts';

const REFRESH_INTERVAL_MS = 5_000;

export interface SiteOptions {
  /** `lan_networks`. */
  readonly lanSetting: readonly string[];
  /** The media server's URL as it is known now. */
  readonly serverUrl: () => string | undefined;
  /** The networks of OpenWrt's firewall zone `lan`, as the init script hands them over. */
  readonly openwrtLanNetworks?: string | undefined;
}

/** One look around. */
export interface SiteView {
  readonly networks: readonly LocalNetwork[];
  /** Every own address, loopback included. */
  readonly addresses: ReadonlySet<string>;
  readonly lan: LanNetworks;
  readonly lanList: NetworkList;
  readonly routers: readonly string[];
  /** This host routes for a network behind it. */
  readonly isRouter: boolean;
  /** Canonical; undefined while the server's name cannot be resolved or is not known. */
  readonly serverAddress: string | undefined;
}

export class Site {
  /** The address under which the Internet sees this site; undefined: not known. Whoever watches it, says it here. */
  publicAddress: string | undefined;
  readonly #options: SiteOptions;
  readonly #listeners: ((former: SiteView) => void)[] = [];
  #view: SiteView;
  #fingerprint: string;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: SiteOptions, view: SiteView) {
    this.#options = options;
    this.#view = view;
    this.#fingerprint = fingerprintOf(view);
  }

  static async survey(options: SiteOptions): Promise<Site> {
    return new Site(options, await look(options));
  }

  get view(): SiteView {
    return this.#view;
  }

  /** Own addresses that others on the LAN can use: neither loopback nor link-local, of no tunnel and no container bridge; the LAN's first. */
  get lanAddresses(): string[] {
    const { networks, lanList } = this.#view;
    const usable = networks.filter((network) => !network.isLoopback && !network.isTunnel && !network.isContainerBridge);
    const addresses = [...new Set(usable.map((network) => network.address))].filter(
      (address) => !address.startsWith('fe80:'),
    );
    return addresses.toSorted((a, b) => Number(lanList.contains(b)) - Number(lanList.contains(a)));
  }

  /** Looks again every few seconds; `onChange` listeners hear of differences. */
  watch(): void {
    this.#timer = setInterval(() => void this.refresh(), REFRESH_INTERVAL_MS).unref();
  }

  /** The listener gets the view before the change. */
  onChange(listener: (former: SiteView) => void): void {
    this.#listeners.push(listener);
  }

  async refresh(): Promise<void> {
    const former = this.#view;
    this.#view = await look(this.#options);
    const fingerprint = fingerprintOf(this.#view);
    if (fingerprint === this.#fingerprint) return;
    this.#fingerprint = fingerprint;
    for (const listener of this.#listeners) listener(former);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

async function look(options: SiteOptions): Promise<SiteView> {
  const networks = localNetworks();
  const serverAddress = await addressOf(options.serverUrl());
  const { openwrtLanNetworks, lanSetting: setting } = options;
  const lan = lanNetworks({ setting, serverAddress, openwrtLanNetworks });
  return {
    networks,
    addresses: new Set(networks.map((network) => network.address)),
    lan,
    lanList: parseNetworkList(lan.networks).list,
    routers: defaultRouters(),
    isRouter: isForwardingHost(networks),
    serverAddress,
  };
}

/** The address that a URL leads to; names are looked up. */
async function addressOf(url: string | undefined): Promise<string | undefined> {
  if (url === undefined) return undefined;
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  const literal = canonicalAddress(host);
  if (literal !== undefined) return literal;
  const answer = await lookup(host).catch(() => undefined);
  return answer === undefined ? undefined : canonicalAddress(answer.address);
}

function fingerprintOf({ addresses, lan, routers, isRouter, serverAddress }: SiteView): string {
  return JSON.stringify([[...addresses].sort(), lan.networks, routers, isRouter, serverAddress]);
}
