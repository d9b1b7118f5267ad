import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type AddressScope,
  addressFamily,
  addressFromLabel,
  addressScope,
  canonicalAddress,
  isPrivateScope,
  labelFromAddress,
} from '../../src/net/address.ts';

const canonical = suite('canonical address');

canonical('spells every address in one way', () => {
  const spellings: Record<string, string> = {
    '192.168.1.10': '192.168.1.10',
    'FD00:0:0:0:0:0:0:A': 'fd00::a',
    '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '1:0:2:3:4:5:6:7': '1:0:2:3:4:5:6:7',
    '1:2:3:4:5:6:7::': '1:2:3:4:5:6:7:0',
    '::': '::',
    '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
  };
  for (const [text, expected] of Object.entries(spellings)) assert.is(canonicalAddress(text), expected, text);
});

canonical('folds IPv4-mapped addresses and cuts zone ids', () => {
  assert.is(canonicalAddress('::ffff:192.168.1.10'), '192.168.1.10');
  assert.is(canonicalAddress('::FFFF:c0a8:10a'), '192.168.1.10');
  assert.is(canonicalAddress('0:0:0:0:0:ffff:c0a8:010a'), '192.168.1.10');
  assert.is(canonicalAddress('fe80::1%eth0'), 'fe80::1');
});

canonical('does not take an IPv4-compatible address for an IPv4 address', () => {
  assert.is(canonicalAddress('::192.168.1.10'), '::c0a8:10a');
  assert.is(canonicalAddress('::c0a8:10a'), '::c0a8:10a');
});

canonical('refuses what is not an address literal', () => {
  const texts = [
    '',
    ' ',
    '[::1]',
    '010.0.0.1',
    '0x7f.0.0.1',
    '127.1',
    '2130706433',
    '1.2.3.4.5',
    '256.1.1.1',
    '1.2.3.4 ',
  ];
  texts.push(':::', '1:2:3:4:5:6:7:8:9', '::1::', 'localhost', '1.2.3.4/32', '1.2.3.4:80', '1.2.3.4\0', '１.2.3.4');
  for (const text of texts) assert.is(canonicalAddress(text), undefined, text);
});

canonical('knows the family', () => {
  assert.is(addressFamily('10.0.0.1'), 4);
  assert.is(addressFamily('fd00::1'), 6);
});

canonical.run();

const scope = suite('address scope');

const SCOPES: Record<AddressScope, string[]> = {
  unspecified: ['0.0.0.0', '0.1.2.3', '::', '::0.0.0.2', '64:ff9b::', '2002:0:1::'],
  loopback: [
    '127.0.0.1',
    '127.255.255.255',
    '::1',
    '::ffff:127.0.0.1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::1',
  ],
  'link-local': ['169.254.0.0', '169.254.255.255', 'fe80::1', 'febf:ffff::1', '::ffff:169.254.1.1'],
  private: [
    '10.0.0.0',
    '10.255.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.255.255',
    'fc00::',
    'fdff::1',
  ],
  shared: ['100.64.0.0', '100.127.255.255', '::ffff:100.64.0.1', '2002:6440:1::'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ffff::'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.255', '2001:db8::1', '3fff:fff:ffff::', '64:ff9b::c000:201'],
  reserved: [
    '192.0.0.1',
    '192.88.99.1',
    '198.18.0.0',
    '198.19.255.255',
    '240.0.0.0',
    '255.255.255.255',
    '2001::1',
    '100::1',
    '4000::',
  ],
  public: [
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '192.0.1.0',
  ],
};
SCOPES.private.push(
  'fec0::1',
  '64:ff9b:1::1',
  '64:ff9b::192.168.1.1',
  '2002:c0a8:101::1',
  '::ffff:0:192.168.1.1',
  '::10.0.0.1',
);
SCOPES.public.push(
  '2606:4700::1111',
  '2a00::1',
  '2001:200::1',
  '3fff:1000::',
  '64:ff9b::8.8.8.8',
  '2002:808:808::1',
  '198.20.0.0',
);

for (const [name, addresses] of Object.entries(SCOPES)) {
  scope(`knows what is ${name}`, () => {
    for (const address of addresses) assert.is(addressScope(address), name, address);
  });
}

scope('calls loopback, link-local and private what a home uses inside, and nothing else', () => {
  const inside = Object.entries(SCOPES)
    .filter(([, [first]]) => isPrivateScope(first ?? ''))
    .map(([name]) => name);
  assert.equal(inside, ['loopback', 'link-local', 'private']);
});

scope('trusts nothing that is not an address', () => {
  assert.is(addressScope('nas.local'), 'reserved');
  assert.not(isPrivateScope(''));
});

scope.run();

const label = suite('address label');

label('writes IPv4 with dashes and IPv6 in eight groups without padding', () => {
  assert.is(labelFromAddress('192.168.1.10'), '192-168-1-10');
  assert.is(labelFromAddress('fd00::1'), 'fd00-0-0-0-0-0-0-1');
  assert.throws(() => labelFromAddress('nas.local'), /not an address/);
});

label('reads what it writes', () => {
  for (const address of ['0.0.0.0', '255.255.255.255', '::', 'fd00::1', '2001:db8:1:2:3:4:5:6']) {
    assert.is(addressFromLabel(labelFromAddress(address)), address);
  }
});

label('reads padded groups, upper case and one gap', () => {
  assert.is(addressFromLabel('FD00-0000-0000-0000-0000-0000-0000-00AB'), 'fd00::ab');
  assert.is(addressFromLabel('fd00--ab'), 'fd00::ab');
  assert.is(addressFromLabel('--1'), '::1');
});

label('refuses every other label', () => {
  const labels = [
    '',
    '192-168-1',
    '192-168-1-010',
    '192-168-1-256',
    '192-168-1-10-',
    '192.168.1.10',
    '192-168-1-1e',
    '-1-2-3-4',
  ];
  labels.push(
    'fd00-0-0-0-0-0-1',
    'fd00---1',
    'fd00--1--2',
    'fd00-0-0-0-0-0-0-00001',
    'fd00::1',
    '--g',
    '-',
    '---',
    'www',
    '1--2.3.4.5',
  );
  labels.push('fd00--1%eth0', '0x7f-0-0-1');
  for (const text of labels) assert.is(addressFromLabel(text), undefined, text);
});

label.run();
