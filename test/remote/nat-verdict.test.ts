/** The verdict on the NAT: every pair of addresses, and nothing guessed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judgeNat } from '../../src/remote/nat-verdict.ts';
import { type WaysOutFacts, waysOut } from '../../src/remote/ways-out.ts';

const verdict = suite('NAT verdict');

const situationOf = (wanAddress: string | undefined, publicAddress: string | undefined, isOwnWan = false) =>
  judgeNat({ wanAddress, publicAddress, isOwnWan }).situation;

verdict('the same public address on both sides is one NAT, or none when it is our own', () => {
  assert.is(situationOf('9.0.0.2', '9.0.0.2'), 'one-nat');
  assert.is(situationOf('9.0.0.2', '9.0.0.2', true), 'no-nat');
});

verdict('100.64/10 and 192.0.0.0/29 are carrier NAT, whatever the Internet sees', () => {
  for (const wan of ['100.64.0.1', '100.127.255.254', '192.0.0.2', '192.0.0.6']) {
    assert.is(situationOf(wan, '9.0.0.2'), 'carrier-nat', wan);
    assert.is(situationOf(wan, undefined), 'carrier-nat', wan);
    assert.is(situationOf(wan, '9.0.0.2', true), 'carrier-nat', wan);
  }
});

verdict('a private outside address is double NAT', () => {
  for (const wan of ['10.0.0.2', '172.16.5.5', '192.168.178.20']) assert.is(situationOf(wan, '9.0.0.2'), 'double-nat');
  assert.is(situationOf('10.0.0.2', undefined), 'double-nat');
});

verdict('two public addresses that differ are another NAT or a VPN', () => {
  assert.is(situationOf('9.0.0.2', '8.8.4.4'), 'other-address');
});

verdict('what is not known is not determined, and the evidence says what is missing', () => {
  assert.is(situationOf(undefined, undefined), 'not-determined');
  assert.is(situationOf(undefined, '9.0.0.2'), 'not-determined');
  assert.is(situationOf('9.0.0.2', undefined), 'not-determined');
  assert.match(
    judgeNat({ wanAddress: undefined, publicAddress: '9.0.0.2', isOwnWan: false }).evidence,
    /router's outside address is not known.*9\.0\.0\.2/,
  );
  assert.match(
    judgeNat({ wanAddress: '9.0.0.2', publicAddress: undefined, isOwnWan: false }).evidence,
    /which address the Internet sees is not known/,
  );
});

verdict('addresses that are none of the Internet determine nothing', () => {
  for (const wan of ['0.0.0.0', '169.254.3.4', '127.0.0.1', '203.0.113.9', '240.0.0.1', '192.0.0.9'])
    assert.is(situationOf(wan, '9.0.0.2'), 'not-determined', wan);
});

verdict('an address of the other family, or none of the Internet, is not taken for a second NAT', () => {
  for (const seen of ['2a00:1:2:7::2', '192.168.1.9', '100.64.0.9', '127.0.0.1']) {
    assert.is(situationOf('9.0.0.2', seen), 'not-determined', seen);
    assert.match(judgeNat({ wanAddress: '9.0.0.2', publicAddress: seen, isOwnWan: false }).evidence, seen);
  }
  assert.is(situationOf('10.0.0.2', '2a00:1:2:7::2'), 'double-nat');
});

verdict('every verdict names the addresses that it rests on', () => {
  for (const wan of ['9.0.0.2', '100.64.0.1', '10.0.0.2', '8.8.4.4']) {
    const { evidence } = judgeNat({ wanAddress: wan, publicAddress: '9.0.0.2', isOwnWan: false });
    assert.ok(evidence.includes(wan));
    assert.match(evidence, /9\.0\.0\.2|Internet sees/);
  }
});

verdict.run();

const ways = suite('ways out');
const BARRED: WaysOutFacts = {
  situation: 'carrier-nat',
  wanAddress: '100.64.0.2',
  port: 32400,
  ipv6: '2a00::2',
  ipv6Url: 'https://2a00-0-0-0-0-0-0-2.abc.plex.direct:32400',
  isIPv6Open: false,
};

ways('behind carrier NAT they come in this order', () => {
  const [ipv6 = '', provider = '', vpn = '', server = '', relay = '', ...others] = waysOut(BARRED);
  assert.match(ipv6, /^IPv6: open TCP 32400 to 2a00::2 .* publish https:\/\/2a00-/);
  assert.match(provider, /public IPv4 address/);
  assert.match(vpn, /VPN.*lan_networks/);
  assert.match(server, /PROXY protocol.*proxy_protocol_from/);
  assert.match(relay, /relay.*past this gateway/);
  assert.equal(others, []);
});

ways('behind a second router, mending that comes first', () => {
  const [first = '', second = ''] = waysOut({ ...BARRED, situation: 'double-nat', wanAddress: '10.0.0.2' });
  assert.match(first, /bridge mode, or forward TCP 32400 in it to 10\.0\.0\.2/);
  assert.match(second, /^IPv6/);
});

ways('an IPv6 port that is open needs no opening, and no IPv6 says so', () => {
  assert.match(waysOut({ ...BARRED, isIPv6Open: true })[0] ?? '', /open already/);
  assert.match(waysOut({ ...BARRED, ipv6: undefined })[0] ?? '', /once this host has a global address/);
});

ways('where nothing bars the way there is none to show', () => {
  for (const situation of ['one-nat', 'no-nat', 'not-determined'] as const)
    assert.equal(waysOut({ ...BARRED, situation }), []);
});

ways.run();
