/** What a snippet for another resolver needs to know: zones, fixed names, and the address under which that resolver reaches this one. */
import { addressFamily, addressScope, labelFromAddress } from '../net/address.ts';
import { type Endpoint, endpointText, expandEndpoints } from './endpoint.ts';
import type { AnswerMode, DnsFacts } from './facts.ts';
import { Site } from './site.ts';

const USUAL_PORT = 5354;

export interface SnippetOptions {
  readonly facts: DnsFacts;
  readonly answer: AnswerMode;
  /** `dns.listen`, wildcards included. */
  readonly listen: readonly string[];
}

/** A name that always leads to the same address. */
export interface FixedName {
  readonly name: string;
  readonly address: string;
}

/** Where a reader asks the gateway. */
export interface Reach {
  readonly address: string;
  readonly port: number;
  /** The line that has to be added to the configuration first; undefined when the gateway listens there already. */
  readonly missing: string | undefined;
}

export interface SnippetSite {
  readonly zones: readonly string[];
  /** The media server's names in the zones: what is left for resolvers that know no zones. */
  readonly serverNames: readonly FixedName[];
  /** The gateway's own names. */
  readonly ownNames: readonly FixedName[];
  /** For a resolver on this very machine. */
  readonly here: Reach;
  /** For a resolver on another machine of the network. */
  readonly elsewhere: Reach;
  /** On-link networks of the gateway, for `synth-domain`. */
  readonly networks: readonly string[];
}

export function snippetSite({ facts, answer, listen }: SnippetOptions): SnippetSite {
  const site = new Site(facts, answer);
  const endpoints = expandEndpoints(listen, facts.networks());
  const first = site.gateways.all[0];
  return {
    zones: site.zones.map(({ name }) => name),
    serverNames: site.zones.flatMap((zone) =>
      serverNames(site, zone.name, zone.steering.leadsTo, facts.serverAddresses()),
    ),
    ownNames: facts.exactNames().flatMap((name) => ownNames(site, name)),
    here: reach(endpoints, isLoopback, '127.0.0.1', listen),
    elsewhere: reach(
      endpoints.filter((endpoint) => !isLoopback(endpoint)),
      isIPv4Endpoint,
      first?.address,
      listen,
    ),
    networks: site.gateways.all.flatMap(({ network }) => network?.entries ?? []),
  };
}

/** A server on this machine is published under this machine's addresses. */
function serverNames(
  site: Site,
  zone: string,
  leadsTo: 'gateway' | 'literal',
  serverAddresses: readonly string[],
): FixedName[] {
  const elsewhere = serverAddresses.filter((address) => addressScope(address) !== 'loopback');
  const addresses = elsewhere.length > 0 ? elsewhere : site.gateways.all.map(({ address }) => address);
  return addresses.flatMap((address) => {
    const best = site.gateways.forAsker(address);
    const gateway = (addressFamily(address) === 4 ? best.v4 : best.v6)?.address;
    const target = leadsTo === 'literal' ? address : gateway;
    return target === undefined ? [] : [{ name: `${labelFromAddress(address)}.${zone}`, address: target }];
  });
}

function ownNames(site: Site, name: string): FixedName[] {
  const { v4, v6 } = site.gateways.forAsker('127.0.0.1');
  return [v4, v6].flatMap((gateway) => (gateway === undefined ? [] : [{ name, address: gateway.address }]));
}

/** The best endpoint, preferred ones first; without any, the one at `wanted` that would have to be added to `listen`. */
function reach(
  endpoints: readonly Endpoint[],
  isPreferred: (endpoint: Endpoint) => boolean,
  wanted: string | undefined,
  listen: readonly string[],
): Reach {
  const found = endpoints.find(isPreferred) ?? endpoints[0];
  if (found !== undefined) return { address: found.address, port: found.port, missing: undefined };
  const address = wanted ?? 'ADDRESS-OF-THIS-MACHINE';
  const entries = [...listen, endpointText({ address, port: USUAL_PORT })];
  return {
    address,
    port: USUAL_PORT,
    missing: `listen = [${entries.map((entry) => JSON.stringify(entry)).join(', ')}]`,
  };
}

function isLoopback({ address }: Endpoint): boolean {
  return addressScope(address) === 'loopback';
}

function isIPv4Endpoint({ address }: Endpoint): boolean {
  return addressFamily(address) === 4;
}

/** The lines that come first when the gateway does not listen where the reader asks; each behind `mark`. */
export function missingListenLines({ missing }: Reach, mark = '#'): string[] {
  if (missing === undefined) return [];
  return [
    `${mark} First let lockgate listen where this resolver can reach it: in lockgate.toml, under [dns],`,
    `${mark}   ${missing}`,
  ];
}
