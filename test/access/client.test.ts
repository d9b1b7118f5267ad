import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Client, type ClientOptions, clientOf } from '../../src/access/client.ts';
import type { Peer } from '../../src/http/request.ts';
import { NetworkList, parseNetworkList } from '../../src/net/address.ts';
import { headOf, peerAt } from './requests.ts';

interface Setting {
  readonly trusted?: string;
  readonly balancers?: string;
  readonly allowed?: string;
  readonly lan?: string;
  readonly routers?: readonly string[];
  readonly isRouter?: boolean;
}

type Headers = Readonly<Record<string, string>>;

/** The client of a request from `peer` to a host in 192.168.1.0/24 whose router is 192.168.1.1. */
function client(peer: Peer | string, headers: Headers = {}, setting: Setting = {}): Client {
  const list = (text: string | undefined) => (text === undefined ? NetworkList.none : parseNetworkList(text).list);
  const options: ClientOptions = {
    trustedProxies: list(setting.trusted),
    proxyProtocolFrom: list(setting.balancers),
    allowedNetworks: list(setting.allowed),
    lanNetworks: list(setting.lan ?? '192.168.1.0/24, fd00::/64'),
    defaultRouters: setting.routers ?? ['192.168.1.1', 'fe80::1'],
    isForwardingHost: setting.isRouter ?? false,
  };
  return clientOf(headOf('GET /', headers), typeof peer === 'string' ? peerAt(peer) : peer, options);
}

function where(...request: Parameters<typeof client>): string {
  const { place, address, maskedBecause } = client(...request);
  return [place, address ?? 'unknown', maskedBecause].filter((part) => part !== undefined).join(' ');
}

const direct = suite('client that connects by itself');

direct('is where its address is', () => {
  assert.is(where('192.168.1.50'), 'lan 192.168.1.50');
  assert.is(where('fd00::50'), 'lan fd00::50');
  assert.is(where('203.0.113.9'), 'outside 203.0.113.9');
  assert.is(where('192.168.2.50'), 'outside 192.168.2.50');
  assert.is(where('127.0.0.1'), 'loopback 127.0.0.1');
  assert.is(where('127.8.8.8'), 'loopback 127.8.8.8');
  assert.is(where('::1'), 'loopback ::1');
});

direct('is outside in the carrier range unless that is listed', () => {
  assert.is(where('100.64.0.9'), 'outside 100.64.0.9');
  assert.is(where('100.64.0.9', {}, { lan: '100.64.0.0/24' }), 'lan 100.64.0.9');
});

direct('has the TLS of its connection, whatever it claims', () => {
  assert.ok(client('203.0.113.9').isTls);
  assert.not(client(peerAt('203.0.113.9', { tls: false }), { 'X-Forwarded-Proto': 'https' }).isTls);
});

direct('needs no mending', () => {
  assert.is(client('203.0.113.9').mend, undefined);
});

direct.run();

const proxied = suite('client behind a trusted proxy');
const TRUSTED = { trusted: '127.0.0.1, 192.168.1.2, 10.0.0.0/24' };

function behind(forwardedFor: string, peer = '192.168.1.2'): string {
  return where(peer, { 'X-Forwarded-For': forwardedFor }, TRUSTED);
}

proxied('is the right-most entry that is not trusted itself', () => {
  assert.is(behind('203.0.113.9'), 'outside 203.0.113.9');
  assert.is(behind('192.168.1.50'), 'lan 192.168.1.50');
  assert.is(behind('192.168.1.50, 203.0.113.9'), 'outside 203.0.113.9');
  assert.is(behind('192.168.1.50, 203.0.113.9, 10.0.0.7, 192.168.1.2'), 'outside 203.0.113.9');
  assert.is(behind('203.0.113.9', '127.0.0.1'), 'outside 203.0.113.9');
});

proxied('is read over several header lines', () => {
  const head = { 'X-Forwarded-For': '192.168.1.50', 'x-forwarded-for': '203.0.113.9', 'X-FORWARDED-FOR': '10.0.0.7' };
  assert.is(where('192.168.1.2', head, TRUSTED), 'outside 203.0.113.9');
});

proxied('is read without port, brackets and spaces', () => {
  for (const entry of ['203.0.113.9:4711', ' 203.0.113.9 ', '[::ffff:203.0.113.9]:4711', '::ffff:203.0.113.9']) {
    assert.is(behind(entry), 'outside 203.0.113.9', entry);
  }
  for (const entry of ['fd00::50', '[fd00::50]', '[fd00::50]:4711', 'FD00:0::50%eth0']) {
    assert.is(behind(entry), 'lan fd00::50', entry);
  }
});

proxied('is unknown when the entry cannot be read, and nothing left of it is believed', () => {
  const entries = [
    'unknown',
    '',
    ' ',
    '_hidden',
    'nas.local',
    '1.2.3',
    '010.1.1.1',
    '[fd00::50',
    'fd00::50]:1',
    '203.0.113.9:x',
    '"[fd00::50]"',
  ];
  for (const entry of entries) assert.is(behind(`192.168.1.50, ${entry}`), 'masked unknown unknown-client', entry);
});

proxied('is unknown when every entry is trusted, or none came', () => {
  assert.is(behind('10.0.0.7, 192.168.1.2'), 'masked unknown unknown-client');
  assert.is(where('192.168.1.2', {}, TRUSTED), 'masked unknown unknown-client');
  assert.is(where('127.0.0.1', {}, TRUSTED), 'masked unknown unknown-client');
  assert.is(where('192.168.1.2', { Forwarded: 'for=203.0.113.9' }, TRUSTED), 'masked unknown unknown-client');
  assert.match(client('192.168.1.2', {}, TRUSTED).mend ?? '', /let the proxy 192.168.1.2 send X-Forwarded-For/);
});

proxied('is never on loopback', () => {
  for (const entry of ['127.0.0.2', '::1', '0.0.0.0', '::ffff:127.0.0.9']) {
    assert.is(behind(entry), 'masked unknown unknown-client', entry);
  }
});

proxied('has TLS when the proxy says so', () => {
  const tlsOf = (proto: Headers, tls = false) => {
    return client(peerAt('192.168.1.2', { tls }), { 'X-Forwarded-For': '203.0.113.9', ...proto }, TRUSTED).isTls;
  };
  assert.ok(tlsOf({ 'X-Forwarded-Proto': 'https' }));
  assert.ok(tlsOf({ 'X-Forwarded-Proto': 'HTTPS, https' }));
  assert.not(tlsOf({ 'X-Forwarded-Proto': 'http' }));
  assert.not(tlsOf({ 'X-Forwarded-Proto': 'https, http' }));
  assert.not(tlsOf({ 'X-Forwarded-Proto': 'https', 'x-forwarded-proto': 'http' }));
  assert.not(tlsOf({}));
  assert.ok(tlsOf({}, true));
});

proxied.run();

const masked = suite('masked client');

masked('is a peer that forwards without being trusted, even on loopback', () => {
  for (const name of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via', 'CF-Connecting-IP', 'x-REAL-ip']) {
    for (const address of ['127.0.0.1', '::1', '192.168.1.50', '203.0.113.9']) {
      assert.is(where(address, { [name]: '192.168.1.50' }), `masked ${address} untrusted-proxy`, name);
      assert.is(where(address, { [name]: '' }), `masked ${address} untrusted-proxy`, `empty ${name}`);
    }
  }
  const { mend } = client('127.0.0.1', { 'X-Forwarded-For': '203.0.113.9' });
  assert.match(mend ?? '', /\[access\] trusted_proxies: add "127.0.0.1"/);
});

masked('is the default router, which may stand for anybody', () => {
  assert.is(where('192.168.1.1'), 'masked 192.168.1.1 router');
  assert.is(where('fe80::1'), 'masked fe80::1 router');
  const bridge = { lan: '172.17.0.0/16', routers: ['172.17.0.1'] };
  assert.is(where('172.17.0.1', {}, bridge), 'masked 172.17.0.1 router');
  assert.is(where('172.17.0.5', {}, bridge), 'lan 172.17.0.5');
  assert.match(
    client('172.17.0.1', {}, bridge).mend ?? '',
    /host networking.*\[access\] allowed_networks: add "172.17.0.1"/,
  );
});

masked('is not the router that is listed by itself', () => {
  assert.is(where('192.168.1.1', {}, { allowed: '192.168.1.1' }), 'lan 192.168.1.1');
  assert.is(where('192.168.1.1', {}, { allowed: '192.168.1.1/32' }), 'lan 192.168.1.1');
  assert.is(where('192.168.1.1', {}, { lan: '192.168.1.0/24, 192.168.1.1' }), 'lan 192.168.1.1');
  assert.is(where('192.168.1.1', {}, { allowed: '192.168.1.0/24' }), 'masked 192.168.1.1 router');
});

masked("is not the provider's router seen from a host that routes itself", () => {
  const router = { routers: ['198.51.100.1'], isRouter: true };
  assert.is(where('198.51.100.1', {}, router), 'outside 198.51.100.1');
  assert.is(
    where('192.168.1.1', {}, { isRouter: true }),
    'masked 192.168.1.1 router',
    'a router inside the LAN still masks',
  );
});

masked('is the router that a trusted proxy names', () => {
  assert.is(where('127.0.0.1', { 'X-Forwarded-For': '192.168.1.1' }, TRUSTED), 'masked 192.168.1.1 router');
});

masked.run();

const balanced = suite('client behind a balancer with PROXY headers');

balanced('is the address in the header', () => {
  const setting = { balancers: '192.168.1.3' };
  assert.is(where(peerAt('203.0.113.9', { fromProxyHeader: true }), {}, setting), 'outside 203.0.113.9');
  assert.is(where(peerAt('192.168.1.50', { fromProxyHeader: true }), {}, setting), 'lan 192.168.1.50');
});

balanced('is never on loopback', () => {
  const peer = peerAt('127.0.0.1', { fromProxyHeader: true });
  assert.is(where(peer, {}, { balancers: '192.168.1.3' }), 'masked unknown unknown-client');
});

balanced('is unknown when the header names nobody', () => {
  assert.is(where('192.168.1.3', {}, { balancers: '192.168.1.3' }), 'masked 192.168.1.3 unknown-client');
  assert.is(where('127.0.0.1', {}, { balancers: '127.0.0.1' }), 'masked 127.0.0.1 unknown-client');
});

balanced('may be a trusted proxy in its turn', () => {
  const peer = peerAt('192.168.1.2', { fromProxyHeader: true });
  const setting = { ...TRUSTED, balancers: '192.168.1.3' };
  assert.is(where(peer, { 'X-Forwarded-For': '203.0.113.9' }, setting), 'outside 203.0.113.9');
});

balanced.run();
