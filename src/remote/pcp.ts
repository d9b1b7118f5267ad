/** Opens ports by the Port Control Protocol (RFC 6887): on a NAT in IPv4, through the firewall in IPv6. */
import { addressScope } from '../net/address.ts';
import { RouterEpoch } from './epoch.ts';
import { isPcpAnswer, PCP_PORT, type PcpMapAnswer, readPcpMapAnswer, writePcpMapRequest } from './pcp-message.ts';
import type { MapOutcome, MapperHealth, Mapping, MappingWish, PortMapper, Refusal } from './port-mapper.ts';
import { NO_LEASE, otherPortRefusal, RANGE_REMEDY, WAN_REMEDY } from './refusals.ts';
import { askOverUdp } from './udp-question.ts';
import type { WayOut } from './way-out.ts';

/** Shorter than section 8.1.1 has them: the router is one hop away, and somebody waits. */
const WAITS_MS = [250, 500, 1000, 1000];

const DONE = 0;
/** Section 7.4. What is not here is told by its number. */
const REFUSALS: Readonly<Record<number, Refusal>> = {
  2: { reason: 'the router does not let this host open that port', remedy: RANGE_REMEDY },
  7: { reason: 'the router has no public address at its outside, or no connection', remedy: WAN_REMEDY },
  8: {
    reason: 'the router has no room for another port mapping',
    remedy: 'remove old ones in the router, or restart it',
  },
  9: { reason: 'the router maps no TCP ports', remedy: 'forward the port in the router by hand' },
  10: { reason: 'this host has as many port mappings as the router allows', remedy: 'remove old ones in the router' },
  11: { reason: 'the router cannot give that port', remedy: 'choose another [remote] map_port' },
  12: {
    reason: 'between this host and the router stands another router',
    remedy: 'connect this host to the router itself',
  },
};
/** The router knows neither this version nor this question: not a refusal, another protocol's turn. */
const NOT_SPOKEN = new Set([1, 3, 4, 5]);

export class PcpMapper implements PortMapper {
  readonly protocol = 'PCP';
  readonly #way: WayOut;
  readonly #nonce: Buffer;
  readonly #epoch = new RouterEpoch();

  /** `nonce`: 12 bytes that outlive this process, else its own mapping is not its own after a crash. */
  constructor(way: WayOut, nonce: Buffer) {
    this.#way = way;
    this.#nonce = nonce;
  }

  async map(wish: MappingWish, leaseSeconds: number): Promise<MapOutcome> {
    const answer = await this.#ask(wish, leaseSeconds);
    if (answer === undefined || NOT_SPOKEN.has(answer.resultCode)) return { outcome: 'silent' };
    this.#epoch.note(answer.epochSeconds);
    const { externalPort, leaseSeconds: granted } = answer;
    const externalAddress = usable(answer.externalAddress);
    if (answer.resultCode !== DONE) return { outcome: 'refused', ...refusalFor(answer.resultCode), externalAddress };
    if (externalPort !== wish.externalPort) {
      await this.#ask(wish, 0);
      return { outcome: 'refused', ...otherPortRefusal(wish.externalPort, externalPort), externalAddress };
    }
    if (granted === 0) return { outcome: 'refused', ...NO_LEASE, externalAddress };
    return { outcome: 'mapped', mapping: { ...wish, externalAddress, leaseSeconds: granted, isOurs: true } };
  }

  /** There is no cheaper question that tells the outside address; to ask again for what is there changes nothing. */
  async check(mapping: Mapping): Promise<MapperHealth> {
    const answer = await this.#ask(mapping, mapping.leaseSeconds);
    if (answer === undefined) return { state: 'silent', externalAddress: undefined };
    const isRestarted = this.#epoch.note(answer.epochSeconds);
    const isSame = answer.resultCode === DONE && answer.externalPort === mapping.externalPort;
    return { state: isRestarted || !isSame ? 'lost' : 'kept', externalAddress: usable(answer.externalAddress) };
  }

  async unmap(mapping: Mapping): Promise<void> {
    await this.#ask(mapping, 0);
  }

  async #ask(wish: MappingWish, leaseSeconds: number): Promise<PcpMapAnswer | undefined> {
    const { routerSocketAddress, localAddress } = this.#way;
    const request = { ...wish, clientAddress: localAddress, nonce: this.#nonce, leaseSeconds };
    const datagram = await askOverUdp({
      address: routerSocketAddress,
      port: PCP_PORT,
      localAddress,
      question: writePcpMapRequest(request),
      waitsMs: WAITS_MS,
      isAnswer: (candidate) => isPcpAnswer(candidate, request),
    });
    return datagram === undefined ? undefined : readPcpMapAnswer(datagram);
  }
}

/** `0.0.0.0` is no address. */
function usable(address: string | undefined): string | undefined {
  return address === undefined || addressScope(address) === 'unspecified' ? undefined : address;
}

function refusalFor(code: number): Refusal {
  return REFUSALS[code] ?? { reason: `the router refuses with PCP error ${code}`, remedy: RANGE_REMEDY };
}
