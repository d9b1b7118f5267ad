/** dns-01 (RFC 8555 section 8.4): the TXT record, published by a hook or by updates, and awaited at the name servers of its zone. */
import { Resolver } from 'node:dns/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { digestOfProof, type Proof, type Solver } from './challenge.ts';

/** How long name servers may take to learn of a record; then the authority may try its luck. */
const VISIBLE_TIMEOUT_MS = 120_000;
const LOOK_INTERVAL_MS = 2_000;
const ANSWER_TIMEOUT_MS = 3_000;
/** Zones have a handful. */
const MAX_NAME_SERVERS = 8;

/** A TXT record. Names have no final dot. */
export interface TxtRecord {
  /** Where the authority looks. */
  readonly name: string;
  /** Where that leads by CNAME: a zone of its own can hold the records of proofs. Else the same. */
  readonly place: string;
  readonly value: string;
  /** The name that is proven. */
  readonly proves: string;
}

/** Whoever can change the zone. Rejects `AcmeProblem`. */
export interface Publisher {
  publish(record: TxtRecord, signal: AbortSignal): Promise<void>;
  withdraw(record: TxtRecord): Promise<void>;
}

/** The solver over `publisher`. */
export function dnsSolver(publisher: Publisher): Solver {
  return {
    type: 'dns-01',
    remedy: 'see that the record is set in the zone that the Internet sees: its name servers did not show it',
    async show(proof, signal) {
      const record = await recordFor(proof);
      signal.throwIfAborted();
      await publisher.publish(record, signal);
      await waitUntilVisible(record, signal);
    },
    // What stays behind is a record that proves nothing any more.
    remove: async (proof) => publisher.withdraw(await recordFor(proof)).catch(() => {}),
  };
}

async function recordFor(proof: Proof): Promise<TxtRecord> {
  const name = `_acme-challenge.${proof.name}`;
  const value = digestOfProof(proof).toString('base64url');
  return { name, place: await aliasOf(name), value, proves: proof.name };
}

/** Resolves once every name server of the zone shows the record, none can be asked, or the time is over. */
async function waitUntilVisible({ place, value }: TxtRecord, signal: AbortSignal): Promise<void> {
  const servers = await nameServersOf(place);
  const endsAt = performance.now() + VISIBLE_TIMEOUT_MS;
  while (performance.now() < endsAt) {
    const shown = await Promise.all(servers.map((address) => shows(address, place, value)));
    if (shown.every(Boolean)) return;
    await pause(LOOK_INTERVAL_MS, undefined, { signal });
  }
}

function newResolver(): Resolver {
  return new Resolver({ timeout: ANSWER_TIMEOUT_MS, tries: 1 });
}

/** Asked directly: what a resolver in between remembers is of no use here. */
async function shows(address: string, name: string, value: string): Promise<boolean> {
  const resolver = newResolver();
  resolver.setServers([address]);
  const records = await resolver.resolveTxt(name).catch(() => []);
  return records.some((parts) => parts.join('') === value);
}

/** The addresses of the name servers of the closest zone above `name`; empty when this machine cannot find them out. */
async function nameServersOf(name: string): Promise<string[]> {
  const resolver = newResolver();
  for (let zone = name; zone.includes('.'); zone = zone.slice(zone.indexOf('.') + 1)) {
    const names = await resolver.resolveNs(zone).catch(() => []);
    if (names.length === 0) continue;
    const addresses = await Promise.all(
      names.slice(0, MAX_NAME_SERVERS).map((server) => addressesOf(resolver, server)),
    );
    return addresses.flat();
  }
  return [];
}

/** One address of each server is enough, IPv4 first: many homes have no other. */
async function addressesOf(resolver: Resolver, name: string): Promise<string[]> {
  const addresses = await resolver.resolve4(name).catch(() => resolver.resolve6(name).catch(() => []));
  return addresses.slice(0, 1);
}

async function aliasOf(name: string): Promise<string> {
  const [target] = await newResolver()
    .resolveCname(name)
    .catch(() => []);
  return target ?? name;
}
