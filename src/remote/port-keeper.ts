/** Keeps one port open on the router: finds a protocol, renews at half the lease, makes it anew when the router forgot it. */
import type { Log } from '../lib/log.ts';
import type { Mapping, MappingProtocol, MappingWish, PortMapper, Refusal } from './port-mapper.ts';
import { WAN_REMEDY } from './refusals.ts';

/** Short enough that the port closes soon after a host that went without a word. */
const LEASE_SECONDS = 3600;
/** How often a look is taken whether the router has restarted, or has another address. */
const CHECK_INTERVAL_MS = 60_000;
/** So many looks without an answer, and the router is looked for anew. */
const MAX_SILENT_CHECKS = 3;
/** However short a lease is. */
const MIN_RENEWAL_MS = 5_000;
const MIN_RETRY_MS = 30_000;
const MAX_RETRY_MS = 15 * 60_000;

export type PortState =
  | { readonly state: 'searching' }
  | { readonly state: 'open'; readonly protocol: MappingProtocol; readonly mapping: Mapping }
  | ({
      readonly state: 'refused';
      readonly protocol: MappingProtocol;
      /** The router's outside address, when it was named all the same. */
      readonly externalAddress: string | undefined;
    } & Refusal)
  /** No protocol is spoken. */
  | { readonly state: 'silent' };

export interface PortKeeperOptions {
  readonly wish: MappingWish;
  /** The mappers to try, in order; asked again after every failure. */
  readonly mappers: () => AsyncIterable<PortMapper>;
  readonly log: Log;
  /** The port is open at another outside address than before. */
  readonly onMoved: () => void;
  readonly checkIntervalMs?: number;
}

export class PortKeeper {
  readonly #options: PortKeeperOptions;
  readonly #stopped: Promise<void>;
  #state: PortState = { state: 'searching' };
  #isClosed = false;
  #isLookWanted = false;
  #wake: () => void = () => {};
  #retryMs = MIN_RETRY_MS;

  /** Begins at once, and goes on until closed. */
  constructor(options: PortKeeperOptions) {
    this.#options = options;
    this.#stopped = this.#run();
  }

  get state(): PortState {
    return this.#state;
  }

  /** Looks now instead of at the next turn: something about the network changed. What is under way is finished before. */
  look(): void {
    this.#retryMs = MIN_RETRY_MS;
    this.#isLookWanted = true;
    this.#wake();
  }

  /** Closes the port on the router, if it is ours, and ends. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    await this.#stopped;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const mapper = await this.#open();
      if (mapper === undefined) {
        await this.#pause(this.#retryMs);
        this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2);
      } else {
        this.#retryMs = MIN_RETRY_MS;
        await this.#keep(mapper);
      }
    }
  }

  /** The mapper that opened the port. */
  async #open(): Promise<PortMapper | undefined> {
    const { mappers, wish, log } = this.#options;
    let refusal: Extract<PortState, { state: 'refused' }> | undefined;
    for await (const mapper of mappers()) {
      if (this.#isClosed) return undefined;
      const answer = await mapper.map(wish, LEASE_SECONDS);
      if (answer.outcome === 'mapped') {
        this.#become({ state: 'open', protocol: mapper.protocol, mapping: answer.mapping });
        return mapper;
      }
      if (answer.outcome === 'silent') continue;
      const { reason, remedy, externalAddress } = answer;
      const found = { state: 'refused', protocol: mapper.protocol, reason, remedy, externalAddress } as const;
      refusal = refusal === undefined ? found : moreTelling(refusal, found);
      log.debug({ protocol: mapper.protocol, reason }, 'port mapping refused');
    }
    this.#become(refusal ?? { state: 'silent' });
    return undefined;
  }

  /** Until the mapping is lost, the router falls silent, or this is closed. */
  async #keep(mapper: PortMapper): Promise<void> {
    let renewAtMs = this.#renewalTime();
    let silentChecks = 0;
    for (;;) {
      await this.#pause(this.#untilNextLook(renewAtMs));
      if (this.#state.state !== 'open') return;
      const { mapping } = this.#state;
      if (this.#isClosed) {
        if (mapping.isOurs) await mapper.unmap(mapping);
        return;
      }
      if (performance.now() >= renewAtMs) {
        if (!(await this.#renew(mapper))) return;
        renewAtMs = this.#renewalTime();
        continue;
      }
      const { state, externalAddress } = await mapper.check(mapping);
      silentChecks = state === 'silent' ? silentChecks + 1 : 0;
      if (state === 'lost' || silentChecks >= MAX_SILENT_CHECKS) return;
      const hasMoved = externalAddress !== undefined && externalAddress !== mapping.externalAddress;
      if (hasMoved && !(await this.#renew(mapper))) return;
    }
  }

  async #renew(mapper: PortMapper): Promise<boolean> {
    const answer = await mapper.map(this.#options.wish, LEASE_SECONDS);
    if (answer.outcome !== 'mapped') return false;
    this.#become({ state: 'open', protocol: mapper.protocol, mapping: answer.mapping });
    return true;
  }

  /** A lease may be shorter than the time between two looks. */
  #untilNextLook(renewAtMs: number): number {
    const { checkIntervalMs = CHECK_INTERVAL_MS } = this.#options;
    // Timers may be early by less than a millisecond.
    return Math.min(checkIntervalMs, Math.max(MIN_RENEWAL_MS, Math.ceil(renewAtMs - performance.now()) + 1));
  }

  /** Half the lease from now; never for one that stays. */
  #renewalTime(): number {
    const leaseSeconds = this.#state.state === 'open' ? this.#state.mapping.leaseSeconds : 0;
    return leaseSeconds === 0 ? Number.POSITIVE_INFINITY : performance.now() + (leaseSeconds * 1000) / 2;
  }

  #become(next: PortState): void {
    const former = this.#state;
    this.#state = next;
    if (JSON.stringify(former) === JSON.stringify(next)) return;
    const { wish, log } = this.#options;
    if (next.state === 'open') {
      this.#options.onMoved();
      const { externalPort, externalAddress, leaseSeconds } = next.mapping;
      log.info({ protocol: next.protocol, externalPort, externalAddress, leaseSeconds }, 'port is open on the router');
    } else if (next.state === 'refused') {
      log.warn(
        { protocol: next.protocol, reason: next.reason, remedy: next.remedy, ...wish },
        'port is not open on the router',
      );
    } else if (next.state === 'silent') {
      log.warn({ ...wish }, 'port is not open on the router: it answers neither PCP, NAT-PMP nor UPnP');
    }
  }

  /** Not longer than until a look is wanted, which may have been while the router was asked. */
  async #pause(ms: number): Promise<void> {
    if (!this.#isClosed && !this.#isLookWanted) await this.#sleep(ms);
    this.#isLookWanted = false;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

type RefusedState = Extract<PortState, { state: 'refused' }>;

/** The first one, unless a later one knows that it is the outside address. Whoever names that address, it is kept. */
function moreTelling(first: RefusedState, second: RefusedState): RefusedState {
  const told = first.remedy !== WAN_REMEDY && second.remedy === WAN_REMEDY ? second : first;
  return { ...told, externalAddress: first.externalAddress ?? second.externalAddress };
}
