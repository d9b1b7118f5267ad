/** The addresses that lead to the gateway, and which of them a device reaches best. */
import { addressFamily, addressScope, type NetworkList, parseNetworkList } from '../net/address.ts';
import type { LocalNetwork } from '../net/interfaces.ts';
import { addressBody, type RecordBody } from './message.ts';

export interface GatewayAddress {
  readonly address: string;
  readonly family: 4 | 6;
  /** The record that leads there. */
  readonly body: RecordBody;
  /** Its interface and on-link network; undefined when it is not an address of this host but a published one. */
  readonly interfaceName: string | undefined;
  readonly network: NetworkList | undefined;
}

/** The best address of the gateway in each family. */
export interface BestGateway {
  readonly v4: GatewayAddress | undefined;
  readonly v6: GatewayAddress | undefined;
}

export class GatewayAddresses {
  readonly all: readonly GatewayAddress[];

  /** Takes `addresses` in their order, loopback and unspecified ones left out: nobody else could follow them. */
  constructor(addresses: readonly string[], networks: readonly LocalNetwork[]) {
    this.all = addresses.filter(isReachable).map((address) => describe(address, networks));
  }

  /** The one of `family` on the very network that holds `address`. */
  nearestTo(address: string, family: 4 | 6): GatewayAddress | undefined {
    return this.all.find((gateway) => gateway.family === family && gateway.network?.contains(address) === true);
  }

  /**
   * The one on the asker's network; where there is none, the first. An asker on loopback is a forwarder and stands for any device:
   * loopback is no network of the gateway's, so it gets the first. `asker` may have a zone id, which names the interface.
   */
  forAsker(asker: string): BestGateway {
    const [address = '', zone] = asker.split('%');
    const interfaceName =
      zone ?? this.all.find((gateway) => gateway.network?.contains(address) === true)?.interfaceName;
    const best = (family: 4 | 6) => {
      const ofFamily = this.all.filter((gateway) => gateway.family === family);
      const onInterface = ofFamily.find(
        (gateway) => interfaceName !== undefined && gateway.interfaceName === interfaceName,
      );
      return this.nearestTo(address, family) ?? onInterface ?? ofFamily[0];
    };
    return { v4: best(4), v6: best(6) };
  }
}

function describe(address: string, networks: readonly LocalNetwork[]): GatewayAddress {
  const onLink = networks.find((network) => network.address === address);
  return {
    address,
    family: addressFamily(address),
    body: addressBody(address),
    interfaceName: onLink?.interfaceName,
    network: onLink === undefined ? undefined : parseNetworkList(onLink.network).list,
  };
}

function isReachable(address: string): boolean {
  const scope = addressScope(address);
  return scope !== 'loopback' && scope !== 'unspecified';
}
