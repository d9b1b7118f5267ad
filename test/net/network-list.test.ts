import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalAddress, NetworkList, parseNetworkList } from '../../src/net/address.ts';

const WORDS = { lan: ['192.168.1.0/24', 'fd00::/64'], loopback: ['127.0.0.0/8', '::1'] };

function listOf(entries: string | readonly string[]): NetworkList {
  const { list, errors } = parseNetworkList(entries, WORDS);
  assert.equal(errors, []);
  return list;
}

const test = suite('network list');

test('reads lists as users of media servers write them', () => {
  const spellings: Record<string, string[]> = {
    '': [],
    '  ': [],
    '192.168.1.10': ['192.168.1.10'],
    '192.168.1.0/24,10.0.0.0/8': ['192.168.1.0/24', '10.0.0.0/8'],
    ' 192.168.1.0/255.255.255.0 ,\t10.0.0.5 ': ['192.168.1.0/24', '10.0.0.5'],
    '10.0.0.5/32, 10.0.0.6/255.255.255.255, fd00::5/128': ['10.0.0.5', '10.0.0.6', 'fd00::5'],
    'FD00:0::/64, 2001:db8::1': ['fd00::/64', '2001:db8::1'],
    '0.0.0.0/0, ::/0, 0.0.0.0/0.0.0.0': ['0.0.0.0/0', '::/0', '0.0.0.0/0'],
    '::ffff:192.168.1.0/120, ::ffff:10.0.0.1': ['192.168.1.0/24', '10.0.0.1'],
    'LAN, Loopback': [...WORDS.lan, ...WORDS.loopback],
  };
  for (const [text, expected] of Object.entries(spellings)) assert.equal(listOf(text).entries, expected, text);
});

test('takes an array as well as a string', () => {
  assert.equal(listOf(['192.168.1.0/24', 'lan']).entries, ['192.168.1.0/24', ...WORDS.lan]);
  assert.equal(listOf(['10.0.0.1, 10.0.0.2']).entries, ['10.0.0.1', '10.0.0.2']);
  assert.ok(listOf([]).isEmpty);
});

test('says what is wrong with an entry and what to write instead', () => {
  const problems: Record<string, RegExp> = {
    '192.168.1.5/24': /^"192.168.1.5\/24" has host bits set; write 192.168.1.0\/24 or 192.168.1.5$/,
    '192.168.1.5/255.255.255.0': /host bits set; write 192.168.1.0\/24 or 192.168.1.5$/,
    'fd00::1/64': /host bits set; write fd00::\/64 or fd00::1$/,
    '::ffff:192.168.1.5/120': /host bits set; write 192.168.1.0\/24 or 192.168.1.5$/,
    '192.168.1.0/255.0.255.0': /mask 255.0.255.0, which has a gap/,
    '192.168.1.0/0.0.0.255': /inverse mask 0.0.0.255; write \/24$/,
    'fd00::/255.255.0.0': /dotted mask behind an IPv6 address/,
    '010.0.0.1': /leading zeros/,
    '10.0.00.1': /leading zeros/,
    '0x0a.0.0.1': /hexadecimal/,
    '10.1': /not a full IPv4 address/,
    '2130706433': /not a full IPv4 address/,
    '10.0.0.256': /above 255/,
    '10.0.0.0/33': /prefix of 33 bits; the longest is 32$/,
    'fd00::/129': /prefix of 129 bits; the longest is 128$/,
    '10.0.0.0/': /"" behind the slash/,
    '10.0.0.0/08': /"08" behind the slash/,
    '10.0.0.0/-1': /"-1" behind the slash/,
    '10.0.0.0/8/8': /"8\/8" behind the slash/,
    '/8': /no address before the slash/,
    'nas.example.org': /is a name; names are not looked up/,
    'nas-1': /is not an address$/,
    lna: /^"lna" is not an address, nor "lan", nor "loopback"$/,
    constructor: /^"constructor" is not an address/,
    '[::1]': /brackets/,
    'fe80::1%eth0': /names an interface; write fe80::1$/,
    '::g': /is not an IPv6 address/,
    '192.168.1.10:32400': /has a port; write 192.168.1.10$/,
    '192.168.1.*': /asterisk/,
    '192.168.1.1-192.168.1.20': /is a range/,
    '10.0.0.1 10.0.0.2': /holds a space; put a comma/,
    '::ffff:0:0/64': /wider than all IPv4-mapped addresses/,
    '10.0.0.1,,10.0.0.2': /^an entry is empty; remove the extra comma$/,
    ',10.0.0.1': /an entry is empty/,
    '10.0.0.1,': /an entry is empty/,
  };
  for (const [text, expected] of Object.entries(problems)) {
    const { errors } = parseNetworkList(text, WORDS);
    assert.is(errors.length, 1, text);
    assert.match(errors[0]?.message ?? '', expected, text);
  }
});

test('keeps the readable entries beside the errors', () => {
  const { list, errors } = parseNetworkList('10.0.0.1, nonsense, 10.0.0.2');
  assert.equal(list.entries, ['10.0.0.1', '10.0.0.2']);
  assert.equal(errors, [{ entry: 'nonsense', message: '"nonsense" is not an address' }]);
});

test('matches a mapped client against an IPv4 entry, and IPv4 against a mapped entry', () => {
  const list = listOf('192.168.1.0/24, ::ffff:10.0.0.0/104');
  assert.ok(list.contains('::ffff:192.168.1.77'));
  assert.ok(list.contains('::ffff:c0a8:14d'));
  assert.ok(list.contains('10.200.0.1'));
  assert.not(list.contains('::192.168.1.77'));
});

test('keeps the families apart', () => {
  assert.not(listOf('::/0').contains('192.168.1.1'));
  assert.not(listOf('0.0.0.0/0').contains('fd00::1'));
});

test('ignores the zone id of a client', () => {
  assert.ok(listOf('fe80::/10').contains('fe80::1%eth0'));
});

test('is false for what is not an address, and never throws', () => {
  const list = listOf('0.0.0.0/0, ::/0');
  for (const text of [
    '',
    'x',
    '1.2.3',
    '010.0.0.1',
    '::g',
    '%',
    '1.2.3.4%',
    'fe80::1%',
    '\0',
    '[::1]',
    '1.2.3.4/8',
    ':'.repeat(1e5),
  ]) {
    assert.not(list.contains(text), text.slice(0, 40));
    assert.not(list.containsExactly(text), text.slice(0, 40));
  }
  assert.not(list.contains(undefined as unknown as string));
});

test('tells an address listed by itself from one inside a network', () => {
  const list = listOf('172.17.0.0/16, 172.18.0.1, 172.19.0.1/32, fd00::1');
  assert.ok(list.contains('172.17.0.1'));
  assert.not(list.containsExactly('172.17.0.1'));
  for (const address of ['172.18.0.1', '172.19.0.1', '::ffff:172.18.0.1', 'fd00::1']) {
    assert.ok(list.containsExactly(address), address);
  }
});

test('is empty without entries', () => {
  assert.ok(NetworkList.none.isEmpty);
  assert.not(NetworkList.none.contains('127.0.0.1'));
  assert.not(listOf('10.0.0.1').isEmpty);
});

/** Numbers from 0 to below `limit`, the same in every run. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

interface NaiveAddress {
  readonly text: string;
  readonly bits: bigint;
  readonly width: 32n | 128n;
}

/** Few distinct values, so that networks and addresses meet often. */
function randomAddress(random: (limit: number) => number): NaiveAddress {
  const width = random(2) === 0 ? 32n : 128n;
  let bits = width === 32n ? 0xc0a80000n : 0xfd00n << 112n;
  for (let flips = random(6); flips > 0; flips--) bits ^= 1n << BigInt(random(Number(width)));
  return { text: textOf(bits, width), bits, width };
}

function textOf(bits: bigint, width: 32n | 128n): string {
  const size = width === 32n ? 8n : 16n;
  const parts = Array.from({ length: Number(width / size) }, (_, index) => {
    const part = (bits >> (width - size * BigInt(index + 1))) & ((1n << size) - 1n);
    return part.toString(width === 32n ? 10 : 16);
  });
  return parts.join(width === 32n ? '.' : ':');
}

interface NaiveNetwork {
  readonly entry: string;
  holds(address: NaiveAddress): boolean;
}

function randomNetwork(random: (limit: number) => number): NaiveNetwork {
  const { bits, width } = randomAddress(random);
  const hostBits = BigInt(random(Number(width) + 1));
  const network = (bits >> hostBits) << hostBits;
  return {
    entry: `${textOf(network, width)}/${width - hostBits}`,
    holds: (address) => address.width === width && address.bits >> hostBits === network >> hostBits,
  };
}

test('agrees with a naive implementation on random networks and addresses', () => {
  const random = randomNumbers(1);
  let hits = 0;
  for (let round = 0; round < 2000; round++) {
    const networks = Array.from({ length: random(5) }, () => randomNetwork(random));
    const list = listOf(networks.map((network) => network.entry));
    for (let tries = 0; tries < 10; tries++) {
      const address = randomAddress(random);
      const expected = networks.some((network) => network.holds(address));
      assert.is(list.contains(address.text), expected, `${address.text} in ${networks.map((n) => n.entry)}`);
      if (expected) hits++;
    }
  }
  assert.ok(hits > 1000 && hits < 19_000, `${hits} hits`);
});

test('admits nothing new by one more network but what is inside that network', () => {
  const random = randomNumbers(2);
  for (let round = 0; round < 2000; round++) {
    const before = [randomNetwork(random).entry, randomNetwork(random).entry];
    const added = randomNetwork(random);
    const [less, more] = [listOf(before), listOf([...before, added.entry])];
    for (let tries = 0; tries < 10; tries++) {
      const address = randomAddress(random);
      assert.is(more.contains(address.text), less.contains(address.text) || added.holds(address), address.text);
    }
  }
});

test('reads its own entries back, and canonical addresses are fixed points', () => {
  const random = randomNumbers(3);
  for (let round = 0; round < 2000; round++) {
    const list = listOf(randomNetwork(random).entry);
    assert.equal(listOf(list.entries).entries, list.entries);
    const canonical = canonicalAddress(randomAddress(random).text) ?? '';
    assert.is(canonicalAddress(canonical), canonical);
  }
});

test('refuses an entry whenever a bit behind the prefix is set', () => {
  const random = randomNumbers(4);
  for (let round = 0; round < 2000; round++) {
    const { bits, width } = randomAddress(random);
    const hostBits = BigInt(random(Number(width)) + 1);
    const withHostBit = bits | (1n << BigInt(random(Number(hostBits))));
    const { list, errors } = parseNetworkList(`${textOf(withHostBit, width)}/${width - hostBits}`);
    assert.ok(list.isEmpty);
    assert.is(errors.length, 1);
  }
});

test.run();
