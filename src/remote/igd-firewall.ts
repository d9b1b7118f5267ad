/** Opens a port in the IPv6 firewall of an Internet Gateway Device (WANIPv6FirewallControl:1). */
import type { IgdService } from './igd-services.ts';
import type { MapOutcome, MapperHealth, Mapping, MappingWish, PortMapper, Refusal } from './port-mapper.ts';
import { RANGE_REMEDY, upnpRefusal } from './refusals.ts';
import { callSoap, type SoapOutcome } from './soap.ts';
import type { WayOut } from './way-out.ts';

const TCP = '6';
/** Section 2.3.4: no lease is longer. */
const MAX_LEASE_SECONDS = 86_400;

const REFUSALS: Readonly<Record<number, Refusal>> = {
  606: { reason: 'the router does not let this host open that port in IPv6', remedy: RANGE_REMEDY },
  701: {
    reason: 'the router has no room for another opening in its IPv6 firewall',
    remedy: 'remove old ones in the router',
  },
  702: { reason: 'the router has its IPv6 firewall off', remedy: '' },
  703: {
    reason: 'the router lets nobody open ports in its IPv6 firewall',
    remedy: 'allow it, or open the port there by hand',
  },
};

export class IgdFirewallMapper implements PortMapper {
  readonly protocol = 'UPnP IGD 2';
  readonly #service: IgdService;
  readonly #way: WayOut;
  /** As the router calls it. */
  #pinholeId: string | undefined;

  /** `way`: of IPv6; the router compares the sender of a question with the address that it opens for. */
  constructor(service: IgdService, way: WayOut) {
    this.#service = service;
    this.#way = way;
  }

  async map(wish: MappingWish, leaseSeconds: number): Promise<MapOutcome> {
    const granted = Math.min(leaseSeconds, MAX_LEASE_SECONDS);
    const mapping = { ...wish, externalAddress: this.#way.localAddress, leaseSeconds: granted, isOurs: true };
    if (this.#pinholeId !== undefined && (await this.#renew(this.#pinholeId, granted))) {
      return { outcome: 'mapped', mapping };
    }
    const answer = await this.#call('AddPinhole', {
      RemoteHost: '',
      RemotePort: '0',
      InternalClient: this.#way.localAddress,
      InternalPort: String(wish.internalPort),
      Protocol: TCP,
      LeaseTime: String(granted),
    });
    if (answer.outcome === 'silent') return answer;
    if (answer.outcome === 'error') return { outcome: 'refused', ...upnpRefusal(answer, REFUSALS) };
    this.#pinholeId = answer.values['UniqueID'];
    return { outcome: 'mapped', mapping };
  }

  /** Renewing is the one question that every router answers about an opening. */
  async check(mapping: Mapping): Promise<MapperHealth> {
    const { localAddress: externalAddress } = this.#way;
    const id = this.#pinholeId;
    if (id === undefined) return { state: 'lost', externalAddress };
    const answer = await this.#update(id, mapping.leaseSeconds);
    if (answer.outcome === 'silent') return { state: 'silent', externalAddress };
    return { state: answer.outcome === 'done' ? 'kept' : 'lost', externalAddress };
  }

  async unmap(): Promise<void> {
    const id = this.#pinholeId;
    this.#pinholeId = undefined;
    if (id !== undefined) await this.#call('DeletePinhole', { UniqueID: id });
  }

  async #renew(id: string, leaseSeconds: number): Promise<boolean> {
    return (await this.#update(id, leaseSeconds)).outcome === 'done';
  }

  #update(id: string, leaseSeconds: number): Promise<SoapOutcome> {
    return this.#call('UpdatePinhole', { UniqueID: id, NewLeaseTime: String(leaseSeconds) });
  }

  #call(action: string, values: Readonly<Record<string, string>>): Promise<SoapOutcome> {
    const { localAddress, routerSocketAddress } = this.#way;
    return callSoap({ service: this.#service, action, values, localAddress, connectTo: routerSocketAddress });
  }
}
