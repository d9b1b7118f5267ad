/** Opens ports by NAT-PMP (RFC 6886), and asks a router for its outside address. */
import { RouterEpoch } from './epoch.ts';
import type { MapOutcome, MapperHealth, Mapping, MappingWish, PortMapper, Refusal } from './port-mapper.ts';
import { NO_LEASE, otherPortRefusal, RANGE_REMEDY, WAN_REMEDY } from './refusals.ts';
import { askOverUdp } from './udp-question.ts';
import type { WayOut } from './way-out.ts';

const PORT = 5351;
const VERSION = 0;
const EXTERNAL_ADDRESS = 0;
const MAP_TCP = 2;
const ANSWER_BIT = 128;
/** Section 3.1 doubles up to a minute; the router is one hop away, and somebody waits. */
const WAITS_MS = [250, 500, 1000, 1000];
/** Asked twice at most: some routers try every port in turn, for seconds, when the one that was asked for is not allowed. */
const MAP_WAITS_MS = [4000, 2000];

const DONE = 0;
/** Section 3.5. */
const REFUSALS: Readonly<Record<number, Refusal>> = {
  2: { reason: 'the router does not let this host open that port', remedy: RANGE_REMEDY },
  3: { reason: 'the router has no public address at its outside, or no connection', remedy: WAN_REMEDY },
  4: {
    reason: 'the router has no room for another port mapping',
    remedy: 'remove old ones in the router, or restart it',
  },
};
const UNSUPPORTED = new Set([1, 5]);

interface AddressAnswer {
  readonly resultCode: number;
  readonly epochSeconds: number;
  /** Undefined unless the result is 0. */
  readonly address: string | undefined;
}

interface MapAnswer {
  readonly resultCode: number;
  readonly epochSeconds: number;
  readonly externalPort: number;
  readonly leaseSeconds: number;
}

export class NatPmpMapper implements PortMapper {
  readonly protocol = 'NAT-PMP';
  readonly #way: WayOut;
  readonly #epoch = new RouterEpoch();

  constructor(way: WayOut) {
    this.#way = way;
  }

  async map(wish: MappingWish, leaseSeconds: number): Promise<MapOutcome> {
    const outside = await askExternalAddress(this.#way);
    if (outside === undefined || UNSUPPORTED.has(outside.resultCode)) return { outcome: 'silent' };
    this.#epoch.note(outside.epochSeconds);
    if (outside.resultCode !== DONE) return { outcome: 'refused', ...refusalFor(outside.resultCode) };
    const answer = await this.#ask(wish, leaseSeconds);
    if (answer === undefined) {
      // It may still be searching, and find one.
      await this.#remove(wish);
      return { outcome: 'refused', reason: 'the router did not answer in time', remedy: RANGE_REMEDY };
    }
    if (answer.resultCode !== DONE) return { outcome: 'refused', ...refusalFor(answer.resultCode) };
    if (answer.externalPort !== wish.externalPort) {
      await this.#remove(wish);
      return { outcome: 'refused', ...otherPortRefusal(wish.externalPort, answer.externalPort) };
    }
    if (answer.leaseSeconds === 0) return { outcome: 'refused', ...NO_LEASE };
    const { address: externalAddress } = outside;
    const { leaseSeconds: granted } = answer;
    return { outcome: 'mapped', mapping: { ...wish, externalAddress, leaseSeconds: granted, isOurs: true } };
  }

  async check(): Promise<MapperHealth> {
    const outside = await askExternalAddress(this.#way);
    if (outside === undefined) return { state: 'silent', externalAddress: undefined };
    const isRestarted = this.#epoch.note(outside.epochSeconds);
    return { state: isRestarted ? 'lost' : 'kept', externalAddress: outside.address };
  }

  async unmap(mapping: Mapping): Promise<void> {
    await this.#remove(mapping);
  }

  /** Section 3.4: a mapping is known by its client and internal port, so this removes no one else's. */
  async #remove({ internalPort }: MappingWish): Promise<void> {
    await this.#ask({ internalPort, externalPort: 0 }, 0);
  }

  async #ask({ internalPort, externalPort }: MappingWish, leaseSeconds: number): Promise<MapAnswer | undefined> {
    const question = Buffer.alloc(12);
    question.writeUInt8(VERSION, 0);
    question.writeUInt8(MAP_TCP, 1);
    question.writeUInt16BE(internalPort, 4);
    question.writeUInt16BE(externalPort, 6);
    question.writeUInt32BE(leaseSeconds, 8);
    const isAnswer = (datagram: Buffer) => isAnswerTo(MAP_TCP, datagram) && datagram.readUInt16BE(8) === internalPort;
    const datagram = await askOverUdp({ ...peerOf(this.#way), question, waitsMs: MAP_WAITS_MS, isAnswer });
    if (datagram === undefined) return undefined;
    return {
      resultCode: datagram.readUInt16BE(2),
      epochSeconds: datagram.readUInt32BE(4),
      externalPort: datagram.readUInt16BE(10),
      leaseSeconds: datagram.readUInt32BE(12),
    };
  }
}

/** Section 3.2. Undefined: the router does not speak NAT-PMP. */
export async function askExternalAddress(way: WayOut): Promise<AddressAnswer | undefined> {
  const isAnswer = (datagram: Buffer) => isAnswerTo(EXTERNAL_ADDRESS, datagram);
  const question = Buffer.from([VERSION, EXTERNAL_ADDRESS]);
  const datagram = await askOverUdp({ ...peerOf(way), question, waitsMs: WAITS_MS, isAnswer });
  if (datagram === undefined) return undefined;
  const resultCode = datagram.readUInt16BE(2);
  const address = resultCode === DONE ? datagram.subarray(8, 12).join('.') : undefined;
  return { resultCode, epochSeconds: datagram.readUInt32BE(4), address };
}

function isAnswerTo(opcode: number, datagram: Buffer): boolean {
  const expectedBytes = opcode === MAP_TCP ? 16 : 12;
  if (datagram.length < expectedBytes || datagram.readUInt8(0) !== VERSION) return false;
  return datagram.readUInt8(1) === ANSWER_BIT + opcode;
}

function peerOf({ routerSocketAddress, localAddress }: WayOut) {
  return { address: routerSocketAddress, port: PORT, localAddress };
}

function refusalFor(code: number): Refusal {
  return REFUSALS[code] ?? { reason: `the router refuses with NAT-PMP error ${code}`, remedy: RANGE_REMEDY };
}
