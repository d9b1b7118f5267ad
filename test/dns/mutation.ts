/** Repeatable damage to packets: the same seed gives the same packets. */

/** Uniform integers below `limit` from a 32-bit xorshift. */
export type Dice = (limit: number) => number;

export function dice(seed: number): Dice {
  let state = seed | 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** Values that break parsers: boundaries, pointers, large counts. */
const NASTY = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff, 12, 13, 41, 28];

const DAMAGES: readonly ((packet: Buffer, roll: Dice) => Buffer)[] = [
  (packet, roll) => {
    packet[roll(packet.length)]! ^= 1 << roll(8);
    return packet;
  },
  (packet, roll) => {
    packet[roll(packet.length)] = NASTY[roll(NASTY.length)]!;
    return packet;
  },
  (packet, roll) => packet.subarray(0, roll(packet.length + 1)),
  (packet, roll) => {
    const at = roll(packet.length);
    const extra = Buffer.from(Array.from({ length: 1 + roll(20) }, () => roll(256)));
    return Buffer.concat([packet.subarray(0, at), extra, packet.subarray(at)]);
  },
  (packet, roll) => {
    const at = roll(packet.length);
    const end = Math.min(packet.length, at + 1 + roll(20));
    return Buffer.concat([packet.subarray(0, end), packet.subarray(at)]);
  },
  (packet, roll) => {
    if (packet.length < 12) return packet;
    packet.writeUInt16BE(NASTY[roll(NASTY.length)]!, 4 + 2 * roll(4));
    return packet;
  },
];

/** A copy of `packet` with one to four damages. */
export function mutate(packet: Buffer, roll: Dice): Buffer {
  let copy: Buffer = Buffer.from(packet);
  for (let count = 1 + roll(4); count > 0 && copy.length > 0; count--)
    copy = DAMAGES[roll(DAMAGES.length)]!(copy, roll);
  return copy;
}
