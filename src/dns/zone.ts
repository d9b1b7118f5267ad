/** One zone of names that spell an address: what each label means, remembered, and the records at its top. */
import { isIPv4 } from 'node:net';
import { BoundedCache } from '../lib/cache.ts';
import { addressFamily, addressFromLabel, labelFromAddress } from '../net/address.ts';
import type { GatewayAddresses } from './gateway-addresses.ts';
import { addressBody, nsBody, type RecordBody, soaBody } from './message.ts';
import { type WireName, wireNameOf } from './name.ts';
import { destinationOf, type KnownAddresses, type Steering } from './steering.ts';

/** Labels whose meaning is remembered; a home has a few dozen. */
const MAX_REMEMBERED_LABELS = 512;

/** What a label means that spells an address. */
export interface LabelMeaning {
  /** The address in the label. */
  readonly address: string;
  /** The family of the label: the other one has no data. */
  readonly family: 4 | 6;
  /** `asker`: the gateway's address on the asker's network; `none`: no data; otherwise this very record. */
  readonly answer: RecordBody | 'asker' | 'none';
  /** No data because the name would lead where nobody of ours is: counted and logged. */
  readonly isRefused: boolean;
}

export class Zone {
  readonly name: string;
  readonly wireName: WireName;
  /** The same as bytes, for the direct path. */
  readonly wireBytes: Buffer;
  readonly steering: Steering;
  readonly soa: RecordBody;
  readonly ns: RecordBody;
  readonly #known: KnownAddresses;
  readonly #gateways: GatewayAddresses;
  readonly #meanings = new BoundedCache<string, LabelMeaning>({ max: MAX_REMEMBERED_LABELS });

  constructor(wireName: WireName, steering: Steering, known: KnownAddresses, gateways: GatewayAddresses) {
    this.name = steering.zone;
    this.wireName = wireName;
    this.wireBytes = Buffer.from(wireName, 'latin1');
    this.steering = steering;
    this.#known = known;
    this.#gateways = gateways;
    const [gateway] = gateways.all;
    const server = gateway === undefined ? this.name : `${labelFromAddress(gateway.address)}.${this.name}`;
    // The server's own name is one of the zone's, so that it leads somewhere; in a zone of extreme length it is the zone itself.
    const primary = wireNameOf(server) === undefined ? this.name : server;
    this.soa = soaBody(primary);
    this.ns = nsBody(primary);
  }

  /** The meaning of a label, or undefined when it spells no address: NXDOMAIN. */
  meaningOf(label: string): LabelMeaning | undefined {
    const known = this.#meanings.get(label);
    if (known !== undefined) return known;
    const meaning = this.#read(label);
    if (meaning !== undefined) this.#meanings.set(label, meaning);
    return meaning;
  }

  #read(label: string): LabelMeaning | undefined {
    const address = addressFromLabel(label);
    if (address === undefined) return undefined;
    const isMapped = isIPv4(address) && label.replaceAll('-', '.') !== address;
    if (isMapped) return { address, family: 6, answer: 'none', isRefused: true };

    const family = addressFamily(address);
    const destination = destinationOf(address, this.#known, this.steering.leadsTo === 'gateway');
    switch (destination) {
      case 'refused':
        return { address, family, answer: 'none', isRefused: true };
      case 'itself':
        return { address, family, answer: addressBody(address), isRefused: false };
      case 'gateway-by-name':
        return {
          address,
          family,
          answer: this.#gateways.nearestTo(address, family)?.body ?? 'asker',
          isRefused: false,
        };
      case 'gateway-by-asker':
        return { address, family, answer: 'asker', isRefused: false };
    }
  }
}
