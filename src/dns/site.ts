/** The site as the DNS side knows it at one moment, compiled from the facts, and the source that keeps it current. */

import type { AnswerMode, DnsFacts } from './facts.ts';
import { GatewayAddresses } from './gateway-addresses.ts';
import { type RecordBody, soaBody } from './message.ts';
import { bytesLeftOf, type WireName, wireNameOf } from './name.ts';
import { type KnownAddresses, type Steering, steeringOf } from './steering.ts';
import { Zone } from './zone.ts';

/** Facts are asked again when the last answer is older than this. */
const FACTS_MAX_AGE_MS = 1000;

/** Everything that answers depend on, fixed until something changes. */
export class Site {
  readonly zones: readonly Zone[];
  readonly gateways: GatewayAddresses;
  /** The gateway's own names, each with its SOA. A wildcard adds nothing: what it covers is not known to lead here. */
  readonly exactNames: ReadonlyMap<WireName, RecordBody>;

  constructor(facts: DnsFacts, answer: AnswerMode) {
    const networks = facts.networks();
    this.gateways = new GatewayAddresses(facts.gatewayAddresses(), networks);
    const known: KnownAddresses = {
      own: new Set([...networks.map(({ address }) => address), ...facts.gatewayAddresses()]),
      server: new Set(facts.serverAddresses()),
      public: new Set(facts.publicAddresses()),
      listensOnExternalPort: facts.listensOnExternalPort(),
    };
    this.zones = facts.zones().flatMap((zone) => {
      const wireName = wireNameOf(zone.name);
      if (wireName === undefined) return [];
      return [new Zone(wireName, steeringOf(zone, answer, facts.listensOnPublishedPort()), known, this.gateways)];
    });
    this.exactNames = new Map(
      facts.exactNames().flatMap((name) => {
        const wireName = name.includes('*') ? undefined : wireNameOf(name);
        return wireName === undefined ? [] : [[wireName, soaBody(name)] as const];
      }),
    );
  }

  /** The zone that holds `name`, the longest when several do. */
  zoneOf(name: WireName): Zone | undefined {
    let found: Zone | undefined;
    for (const zone of this.zones) {
      const isLonger = found === undefined || zone.wireName.length > found.wireName.length;
      if (isLonger && bytesLeftOf(zone.wireName, name) >= 0) found = zone;
    }
    return found;
  }

  get steering(): readonly Steering[] {
    return this.zones.map((zone) => zone.steering);
  }
}

/** Hands out the current site; compiles a new one only when a fact has changed. */
export class SiteSource {
  readonly #facts: DnsFacts;
  readonly #answer: AnswerMode;
  #site: Site;
  #fingerprint: string;
  #askedAtMs: number;

  constructor(facts: DnsFacts, answer: AnswerMode) {
    this.#facts = facts;
    this.#answer = answer;
    this.#fingerprint = fingerprintOf(facts);
    this.#site = new Site(facts, answer);
    this.#askedAtMs = performance.now();
  }

  /** The site as last compiled. */
  get current(): Site {
    return this.#site;
  }

  /** The site at `nowMs` (monotonic). */
  at(nowMs: number): Site {
    if (nowMs - this.#askedAtMs >= FACTS_MAX_AGE_MS) this.refresh(nowMs);
    return this.#site;
  }

  /** Asks for the facts at once. */
  refresh(nowMs: number): void {
    this.#askedAtMs = nowMs;
    const fingerprint = fingerprintOf(this.#facts);
    if (fingerprint === this.#fingerprint) return;
    this.#fingerprint = fingerprint;
    this.#site = new Site(this.#facts, this.#answer);
  }
}

function fingerprintOf(facts: DnsFacts): string {
  return JSON.stringify([
    facts.zones(),
    facts.exactNames(),
    facts.gatewayAddresses(),
    facts.serverAddresses(),
    facts.publicAddresses(),
    facts.networks(),
    facts.listensOnPublishedPort(),
    facts.listensOnExternalPort(),
  ]);
}
