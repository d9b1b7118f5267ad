/** Opens ports by UPnP on an Internet Gateway Device, version 2 or 1 (WANIPConnection). What others mapped is left alone. */
import { addressFamily, addressScope, canonicalAddress } from '../net/address.ts';
import type { IgdService } from './igd-services.ts';
import type {
  MapOutcome,
  MapperHealth,
  Mapping,
  MappingProtocol,
  MappingWish,
  PortMapper,
  Refusal,
} from './port-mapper.ts';
import { RANGE_REMEDY, takenRefusal, upnpRefusal, WAN_REMEDY } from './refusals.ts';
import { callSoap, type SoapOutcome } from './soap.ts';
import type { WayOut } from './way-out.ts';

const DESCRIPTION = 'lockgate';
const ONLY_PERMANENT_LEASES = 725;
/** Some routers tell a name. */
const MAX_HOST_LENGTH = 64;

/** Error codes of WANIPConnection:2 section 2.5.16, and of UPnP itself. */
const REFUSALS: Readonly<Record<number, Refusal>> = {
  501: {
    reason: 'the router could not do it, which many say while their outside address is private',
    remedy: WAN_REMEDY,
  },
  606: { reason: 'the router does not let this host open that port', remedy: RANGE_REMEDY },
  718: { reason: 'that port of the router leads elsewhere already', remedy: 'choose another [remote] map_port' },
  724: {
    reason: 'the router maps a port only to the same port',
    remedy: 'give [listen] port and [remote] map_port one number',
  },
  728: {
    reason: 'the router has no room for another port mapping',
    remedy: 'remove old ones in the router, or restart it',
  },
  729: {
    reason: 'a port forwarding in the router stands in the way',
    remedy: 'remove it, or choose another [remote] map_port',
  },
};

/** Where a port of the router leads. */
export interface Forwarding {
  readonly externalPort: number;
  readonly internalAddress: string;
  readonly internalPort: number;
  readonly description: string;
}

export class IgdMapper implements PortMapper {
  readonly protocol: MappingProtocol;
  readonly #service: IgdService;
  readonly #localAddress: string;

  constructor(service: IgdService, way: WayOut) {
    this.protocol = service.type.endsWith(':2') ? 'UPnP IGD 2' : 'UPnP IGD 1';
    this.#service = service;
    this.#localAddress = way.localAddress;
  }

  /** One that is there already and leads here is renewed when it is ours, and taken as it is when somebody made it by hand. */
  async map(wish: MappingWish, leaseSeconds: number): Promise<MapOutcome> {
    const present = await this.forwardingOf(wish.externalPort);
    if (present === 'silent') return { outcome: 'silent' };
    if (present !== undefined && !this.#leadsHere(present, wish)) {
      return { outcome: 'refused', ...takenRefusal(wish.externalPort, holderOf(present)) };
    }
    if (present !== undefined && present.description !== DESCRIPTION) {
      return this.#mapped({ ...wish, leaseSeconds: 0, isOurs: false });
    }
    let granted = leaseSeconds;
    let answer = await this.#add(wish, granted);
    if (answer.outcome === 'error' && answer.code === ONLY_PERMANENT_LEASES) {
      granted = 0;
      answer = await this.#add(wish, granted);
    }
    if (answer.outcome === 'silent') return answer;
    if (answer.outcome === 'error') return { outcome: 'refused', ...upnpRefusal(answer, REFUSALS) };
    return this.#mapped({ ...wish, leaseSeconds: granted, isOurs: true });
  }

  async check(mapping: Mapping): Promise<MapperHealth> {
    const present = await this.forwardingOf(mapping.externalPort);
    if (present === 'silent') return { state: 'silent', externalAddress: undefined };
    const isKept = present !== undefined && this.#leadsHere(present, mapping);
    return { state: isKept ? 'kept' : 'lost', externalAddress: await this.externalAddress() };
  }

  async unmap(mapping: Mapping): Promise<void> {
    const present = await this.forwardingOf(mapping.externalPort);
    if (present === 'silent' || present === undefined) return;
    if (!this.#leadsHere(present, mapping) || present.description !== DESCRIPTION) return;
    await this.#call('DeletePortMapping', keyOf(mapping.externalPort));
  }

  /** Undefined: the router does not say, or has none. */
  async externalAddress(): Promise<string | undefined> {
    const answer = await this.#call('GetExternalIPAddress');
    const text = answer.outcome === 'done' ? answer.values['NewExternalIPAddress'] : undefined;
    const address = canonicalAddress(text ?? '');
    return address === undefined || addressScope(address) === 'unspecified' ? undefined : address;
  }

  /** Where a TCP port of the router leads; undefined: nowhere. */
  async forwardingOf(externalPort: number): Promise<Forwarding | undefined | 'silent'> {
    const answer = await this.#call('GetSpecificPortMappingEntry', keyOf(externalPort));
    if (answer.outcome === 'silent') return 'silent';
    return answer.outcome === 'done' ? readForwarding(answer.values, externalPort) : undefined;
  }

  /** The TCP ports that the router has mapped, as far as it tells, at most `max`. */
  async forwardings(max: number): Promise<readonly Forwarding[]> {
    const found: Forwarding[] = [];
    for (let index = 0; index < max; index += 1) {
      const answer = await this.#call('GetGenericPortMappingEntry', { NewPortMappingIndex: String(index) });
      if (answer.outcome !== 'done') break;
      const { values } = answer;
      if (values['NewProtocol'] === 'TCP') found.push(readForwarding(values, Number(values['NewExternalPort'])));
    }
    return found;
  }

  /** Whether this service has the connection that is up: a router may describe several. */
  async isConnected(): Promise<boolean> {
    const answer = await this.#call('GetStatusInfo');
    return answer.outcome === 'done' && answer.values['NewConnectionStatus'] === 'Connected';
  }

  async #mapped(mapping: Omit<Mapping, 'externalAddress'>): Promise<MapOutcome> {
    return { outcome: 'mapped', mapping: { ...mapping, externalAddress: await this.externalAddress() } };
  }

  #leadsHere({ internalAddress, internalPort }: Forwarding, wish: MappingWish): boolean {
    return internalAddress === this.#localAddress && internalPort === wish.internalPort;
  }

  #add({ externalPort, internalPort }: MappingWish, leaseSeconds: number): Promise<SoapOutcome> {
    return this.#call('AddPortMapping', {
      ...keyOf(externalPort),
      NewInternalPort: String(internalPort),
      NewInternalClient: this.#localAddress,
      NewEnabled: '1',
      NewPortMappingDescription: DESCRIPTION,
      NewLeaseDuration: String(leaseSeconds),
    });
  }

  #call(action: string, values: Readonly<Record<string, string>> = {}): Promise<SoapOutcome> {
    return callSoap({ service: this.#service, action, values, localAddress: this.#localAddress });
  }
}

function keyOf(externalPort: number): Readonly<Record<string, string>> {
  return { NewRemoteHost: '', NewExternalPort: String(externalPort), NewProtocol: 'TCP' };
}

function readForwarding(values: Readonly<Record<string, string>>, externalPort: number): Forwarding {
  const client = values['NewInternalClient'] ?? '';
  return {
    externalPort,
    internalAddress: canonicalAddress(client) ?? client.slice(0, MAX_HOST_LENGTH),
    internalPort: Number(values['NewInternalPort']),
    description: values['NewPortMappingDescription'] ?? '',
  };
}

function holderOf({ internalAddress, internalPort }: Forwarding): string | undefined {
  const address = canonicalAddress(internalAddress);
  if (address === undefined) return undefined;
  return addressFamily(address) === 6 ? `[${address}]:${internalPort}` : `${address}:${internalPort}`;
}
