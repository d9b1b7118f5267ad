/** What the protocols that open a port on the router have in common. Types only. */

export type MappingProtocol = 'PCP' | 'NAT-PMP' | 'UPnP IGD 2' | 'UPnP IGD 1';

/** A TCP port that is to be open outside and to lead here. */
export interface MappingWish {
  readonly internalPort: number;
  readonly externalPort: number;
}

/** A port that is open. */
export interface Mapping extends MappingWish {
  /** The router's outside address; undefined: it did not say. */
  readonly externalAddress: string | undefined;
  /** 0: it stays until it is removed. */
  readonly leaseSeconds: number;
  /** False: somebody set it up by hand, and it is neither renewed nor removed. */
  readonly isOurs: boolean;
}

/** Why a router says no: one sentence, and what to do. */
export interface Refusal {
  readonly reason: string;
  readonly remedy: string;
}

export type MapOutcome =
  | { readonly outcome: 'mapped'; readonly mapping: Mapping }
  /** `externalAddress`: a router may name its outside address even so. */
  | ({ readonly outcome: 'refused'; readonly externalAddress?: string | undefined } & Refusal)
  /** The router does not speak the protocol, or does not answer now. */
  | { readonly outcome: 'silent' };

/** What a look at the router brought. `lost`: the mapping is not there any more, or may not be. */
export interface MapperHealth {
  readonly state: 'kept' | 'lost' | 'silent';
  readonly externalAddress: string | undefined;
}

/** One protocol towards one router. Nothing here rejects. */
export interface PortMapper {
  readonly protocol: MappingProtocol;
  /** Opens the port, or renews it. */
  map(wish: MappingWish, leaseSeconds: number): Promise<MapOutcome>;
  /** Whether the mapping is still there, as cheaply as the protocol can tell. */
  check(mapping: Mapping): Promise<MapperHealth>;
  /** Removes what `map` made, and nothing else. */
  unmap(mapping: Mapping): Promise<void>;
}
