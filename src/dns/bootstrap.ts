/** Finds the addresses of upstreams that are written as names: through the first plain upstream, else through the system's resolver. */
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { addressFamily } from '../net/address.ts';
import { readAnswer } from './message.ts';
import { wireNameOf } from './name.ts';
import { buildQuery } from './query.ts';
import { type Upstream, UpstreamError } from './upstream.ts';
import { TYPE } from './wire.ts';

const LOOKUP_TIMEOUT_MS = 3000;
/** Found addresses are used for this long, and longer when they cannot be found again. */
const REMEMBER_MS = 600_000;

interface Found {
  readonly addresses: readonly string[];
  readonly untilMs: number;
}

export class Bootstrap {
  readonly #resolver: Upstream | undefined;
  readonly #found = new Map<string, Found>();

  /** `resolver`: the first plain upstream, if there is one. Only names from the configuration are looked up, so the memory is bounded. */
  constructor(resolver: Upstream | undefined) {
    this.#resolver = resolver;
  }

  /** For the `lookup` option of sockets. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#addressesOf(hostname).then(
      (addresses) => {
        const all = addresses.map((address) => ({ address, family: addressFamily(address) }));
        const [first] = all;
        if (options.all === true) callback(null, all);
        else if (first !== undefined) callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };

  /** At least one address, or rejects in bounded time. */
  async #addressesOf(hostname: string): Promise<readonly string[]> {
    const known = this.#found.get(hostname);
    if (known !== undefined && performance.now() < known.untilMs) return known.addresses;
    try {
      const addresses = this.#resolver === undefined ? await askSystem(hostname) : await ask(this.#resolver, hostname);
      if (addresses.length === 0)
        throw new UpstreamError('network', `the upstream's name ${JSON.stringify(hostname)} has no address`);
      this.#found.set(hostname, { addresses, untilMs: performance.now() + REMEMBER_MS });
      return addresses;
    } catch (error) {
      if (known === undefined) throw error;
      return known.addresses;
    }
  }
}

async function ask(resolver: Upstream, hostname: string): Promise<readonly string[]> {
  const name = wireNameOf(hostname);
  if (name === undefined) return [];
  const answers = await Promise.allSettled(
    [TYPE.A, TYPE.AAAA].map((type) => resolver.ask(buildQuery({ name, type }), LOOKUP_TIMEOUT_MS)),
  );
  const read = answers.flatMap((answer) => (answer.status === 'fulfilled' ? (readAnswer(answer.value) ?? []) : []));
  return read.flatMap(({ addresses }) => addresses);
}

/** The system's resolver may lead back here (a dnsmasq in front): the deadline ends such a circle. */
function askSystem(hostname: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(
      () => reject(new UpstreamError('timeout', `no address for ${hostname}`)),
      LOOKUP_TIMEOUT_MS,
    );
    systemLookup(hostname, { all: true }, (error, found) => {
      clearTimeout(deadline);
      if (error === null) resolve(found.map(({ address }) => address));
      else reject(error);
    });
  });
}
