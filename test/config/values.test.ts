import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashPin } from '../../src/access/pin.ts';
import { readConfig } from '../../src/config/load.ts';
import { namedKeys } from '../../src/config/schema.ts';
import { splitSocket } from '../../src/config/values.ts';
import { readUpstream } from '../../src/dns/upstream-address.ts';
import { configOf, faultsOf } from './support.ts';

/** The value of `section.key` when it is written so. */
function read(id: string, written: string): unknown {
  const [section = '', name = ''] = id.split('.');
  const config: Readonly<Record<string, Readonly<Record<string, unknown>>>> = configOf(
    `[${section}]\n${name} = ${written}`,
  );
  return config[section]?.[name];
}

/** What is wrong with it, without the place and the key. */
function problemOf(id: string, written: string): string | undefined {
  const [section = '', name = ''] = id.split('.');
  return faultsOf(`[${section}]\n${name} = ${written}`)[0]?.split(`: ${id}: `)[1];
}

const test = suite('values');

test('a list is an array or one string with commas', () => {
  assert.equal(read('dns.zones', '["a.example", "b.example"]'), ['a.example', 'b.example']);
  assert.equal(read('dns.zones', '"a.example, b.example"'), ['a.example', 'b.example']);
  assert.equal(read('dns.zones', '" a.example"'), ['a.example']);
  assert.equal(read('dns.zones', '""'), []);
  assert.equal(read('dns.zones', '"  "'), []);
  assert.equal(read('dns.zones', '[]'), []);
});

test('every list key takes both forms, whatever it lists', () => {
  const entries: Readonly<Record<string, readonly [string, string]>> = {
    'listen.addresses': ['192.168.1.2', '::1'],
    'listen.port': ['32400', '443'],
    'listen.proxy_protocol_from': ['10.0.0.1', 'loopback'],
    'certificate.names': ['films.example.org', '*.example.org'],
    'access.allowed_networks': ['192.168.1.0/24', 'lan'],
    'access.lan_networks': ['auto', '10.8.0.0/24'],
    'access.trusted_proxies': ['192.168.1.3', 'fd00::3'],
    'access.allowed_hosts': ['films.example.org', '192.168.1.2'],
    'access.allowed_origins': ['https://a.example', 'http://b.example:8080'],
    'access.sign_in_networks': ['lan', 'loopback'],
    'dns.listen': ['127.0.0.1:5354', '[::1]:5354'],
    'dns.zones': ['a.example', 'b.example'],
    'dns.gateway_addresses': ['192.168.1.2', 'fd00::2'],
    'dns.upstreams': ['1.1.1.1', 'tls://1.1.1.1'],
    'dns.rebind_allow': ['plex.direct', 'home.example'],
    'dns.allow_clients': ['lan', 'loopback'],
    'metrics.allow_clients': ['loopback', '192.168.1.9'],
  };
  const listKeys = namedKeys.filter(({ id }) => Array.isArray(read(id, JSON.stringify(defaultTextOf(id)))));
  assert.equal(
    listKeys.map(({ id }) => id),
    Object.keys(entries),
  );
  for (const [id, [first, second]] of Object.entries(entries)) {
    const expected = id === 'listen.port' ? [Number(first), Number(second)] : [first, second];
    assert.equal(read(id, JSON.stringify([first, second])), expected, id);
    assert.equal(read(id, JSON.stringify(`${first}, ${second}`)), expected, id);
  }
});

function defaultTextOf(id: string): unknown {
  return namedKeys.find((named) => named.id === id)?.key.initial;
}

test('a port is a number, a list of numbers, or such numbers in text', () => {
  assert.equal(read('listen.port', '32400'), [32400]);
  assert.equal(read('listen.port', '[32400, 443]'), [32400, 443]);
  assert.equal(read('listen.port', '["32400", 443]'), [32400, 443]);
  assert.equal(read('listen.port', '0'), [0]);
  for (const wrong of ['70000', '-1', '32400.5', '"x"', 'true', 'inf']) {
    assert.match(problemOf('listen.port', wrong) ?? '', /is not a port$/, wrong);
  }
  assert.equal(problemOf('listen.port', '[]'), 'a list is empty');
});

test('durations become milliseconds', () => {
  const spellings = { '"5000ms"': 5000, '"120s"': 120_000, '"5m"': 300_000, '"12h"': 43_200_000, '"1 h"': 3_600_000 };
  for (const [written, expected] of Object.entries(spellings)) {
    assert.equal(read('limits.auth_window', written), expected, written);
  }
  assert.equal(read('access.session_lifetime', '"7d"'), 604_800_000);
});

test('a duration without unit, with an unknown one, or beyond its limits is refused', () => {
  assert.equal(problemOf('limits.auth_window', '"300"'), '"300" has no unit');
  assert.equal(problemOf('limits.auth_window', '300'), '300 is not text in quotes');
  assert.equal(problemOf('limits.auth_window', '"5min"'), '"5min" has the unknown unit "min"');
  assert.equal(problemOf('limits.auth_window', '"soon"'), '"soon" is not a duration');
  assert.equal(problemOf('limits.auth_window', '"-5m"'), '"-5m" is not a duration');
  assert.equal(problemOf('limits.auth_window', '"500ms"'), '"500ms" is shorter than 1s');
  assert.equal(problemOf('limits.auth_window', '"2d"'), '"2d" is longer than 24h');
});

test('counts have limits and are whole', () => {
  assert.equal(read('limits.connections', '1'), 1);
  assert.equal(problemOf('limits.connections', '0'), '0 is less than 1');
  assert.equal(problemOf('limits.connections', '65536'), '65536 is more than 65535');
  assert.equal(problemOf('limits.connections', '1.5'), '1.5 is not a whole number');
  assert.equal(problemOf('limits.connections', 'nan'), 'NaN is not a number');
  assert.equal(problemOf('limits.connections', '"12"'), '"12" is not a number');
});

test('a choice names the nearest of its words', () => {
  assert.equal(read('server.bare_streams', 'false'), false);
  assert.equal(problemOf('server.kind', '"Plex"'), '"Plex" is not known here; did you mean "plex"?');
  assert.equal(
    problemOf('access.require_auth', '"everybody"'),
    '"everybody" is not known here; did you mean "everyone"?',
  );
  assert.equal(problemOf('log.level', '"loud"'), '"loud" is not known here');
  assert.equal(problemOf('log.level', '3'), '3 is not known here');
  assert.equal(problemOf('server.bare_streams', '"false"'), '"false" is not known here; did you mean false?');
});

test('addresses are canonical, without zone id and brackets', () => {
  assert.equal(read('listen.addresses', '["::FFFF:192.168.1.2", "FD00:0::1"]'), ['192.168.1.2', 'fd00::1']);
  assert.equal(problemOf('listen.addresses', '"eth0"'), '"eth0" is not an address');
  assert.equal(problemOf('listen.addresses', '"192.168.1"'), '"192.168.1" is not an address');
  assert.equal(problemOf('listen.addresses', '"[::1]"'), '"[::1]" is not an address');
  assert.match(problemOf('listen.addresses', '"fe80::1%eth0"') ?? '', /names an interface/);
  assert.equal(problemOf('listen.addresses', '""'), 'a list is empty');
});

test('networks are read as users of media servers write them, and kept in lower case', () => {
  assert.equal(read('access.allowed_networks', '"192.168.1.0/255.255.255.0, LAN,FD00::/64"'), [
    '192.168.1.0/255.255.255.0',
    'lan',
    'fd00::/64',
  ]);
  assert.equal(
    problemOf('access.allowed_networks', '"192.168.1.5/24"'),
    '"192.168.1.5/24" has host bits set; write 192.168.1.0/24 or 192.168.1.5',
  );
  assert.equal(problemOf('access.allowed_networks', '"any"'), '"any" is not an address, nor "lan", nor "loopback"');
  assert.equal(read('access.sign_in_networks', '"any"'), ['any']);
  assert.match(problemOf('access.trusted_proxies', '"auto"') ?? '', /is not an address/);
  assert.match(problemOf('access.lan_networks', '"auto, lan"') ?? '', /"lan" is not an address/);
});

test('sockets need a port, and brackets around IPv6', () => {
  assert.equal(read('dns.listen', '["[::0001]:53", "127.0.0.1:53"]'), ['[::1]:53', '127.0.0.1:53']);
  assert.equal(problemOf('dns.listen', '"127.0.0.1"'), '"127.0.0.1" is not an address and port');
  assert.equal(problemOf('dns.listen', '"::1"'), '"::1" has no port (IPv6 addresses stand in brackets: [::1]:PORT)');
  assert.equal(problemOf('dns.listen', '"localhost:53"'), '"localhost:53" has a name where an address belongs');
  assert.equal(problemOf('listen.published', '"192.168.1.2:70000"'), '"192.168.1.2:70000" is not an address and port');
  assert.equal(splitSocket('[::1]:53'), { host: '::1', port: 53 });
  assert.equal(splitSocket('127.0.0.1:53'), { host: '127.0.0.1', port: 53 });
  for (const wrong of ['::1:53', '[::1]', '[x]:53', ':53', 'a:', 'a:b', '127.0.0.1:053535']) {
    assert.is(splitSocket(wrong), undefined, wrong);
  }
});

test('a server URL has a scheme, a host and no secrets', () => {
  assert.equal(read('server.url', '"http://192.168.1.5:32400/"'), 'http://192.168.1.5:32400');
  assert.equal(read('server.url', '"https://[fd00::1]:8920/jellyfin"'), 'https://[fd00::1]:8920/jellyfin');
  assert.equal(
    problemOf('server.url', '"192.168.1.5:32400"'),
    '"192.168.1.5:32400" does not begin with http:// or https://',
  );
  assert.equal(problemOf('server.url', '"http://"'), '"http://" is not a URL');
  assert.equal(problemOf('server.url', '"http://a b"'), '"http://a b" is not a URL');
  assert.equal(problemOf('server.url', '"http://x:70000"'), '"http://x:70000" is not a URL');
  assert.match(problemOf('server.url', '"http://me:secret@host"') ?? '', /holds a user name or password$/);
  assert.match(problemOf('server.url', '"http://host/?a=b"') ?? '', /has a query or fragment$/);
  assert.equal(problemOf('server.url', '""'), '"" does not begin with http:// or https://');
});

test('host names are names alone, in lower case', () => {
  assert.equal(read('access.allowed_hosts', '"Films.Example.ORG."'), ['films.example.org']);
  for (const wrong of ['https://films.example.org', 'films.example.org:443', 'a/b']) {
    assert.match(problemOf('access.allowed_hosts', JSON.stringify(wrong)) ?? '', /is not a name alone/, wrong);
  }
  for (const wrong of ['a..b', '-a', 'a b', '*.example.org', `${'a'.repeat(64)}.org`]) {
    assert.match(problemOf('access.allowed_hosts', JSON.stringify(wrong)) ?? '', /is not a host name$/, wrong);
  }
  assert.match(problemOf('access.allowed_hosts', '"kino.münchen.example"') ?? '', /write its xn-- form$/);
});

test('an origin has no path', () => {
  assert.equal(read('access.allowed_origins', '"HTTPS://Films.example.org:443/"'), ['https://films.example.org']);
  assert.match(
    problemOf('access.allowed_origins', '"https://a.example/app"') ?? '',
    /has a path; write https:\/\/a\.example$/,
  );
  assert.match(problemOf('access.allowed_origins', '"null"') ?? '', /does not begin with/);
});

test('upstreams are addresses, tls:// or https URLs, as the DNS side reads them', () => {
  const written = [
    '1.1.1.1',
    '1.1.1.1:5353',
    '2606:4700::1111',
    '[2606:4700::1111]:53',
    'tcp://1.1.1.1',
    'tls://dns.example',
    'tls://1.1.1.1:853',
    'tls://[2606:4700::1111]',
    'https://dns.example/dns-query',
  ];
  assert.equal(read('dns.upstreams', JSON.stringify(written)), written);
  for (const entry of written) assert.is(readUpstream(entry).text, entry);
  assert.match(problemOf('dns.upstreams', '"dns.example"') ?? '', /is not an address$/);
  assert.match(problemOf('dns.upstreams', '"tcp://dns.example"') ?? '', /is not an address$/);
  assert.match(problemOf('dns.upstreams', '"tls://2606:4700::1111"') ?? '', /has an IPv6 address without brackets$/);
  assert.match(problemOf('dns.upstreams', '"quic://dns.example"') ?? '', /is a kind of upstream that is not known$/);
});

test('the public address has five forms', () => {
  for (const written of ['auto', 'none', '192.0.2.7', 'stun:stun.example:3478', 'https://echo.example/ip']) {
    assert.equal(read('remote.public_address', JSON.stringify(written)), written);
  }
  for (const wrong of ['stun:stun.example', 'http://echo.example', 'films.example.org', '']) {
    assert.ok(problemOf('remote.public_address', JSON.stringify(wrong)), wrong);
  }
});

test('versions are numbers with dots in quotes', () => {
  assert.equal(read('access.min_server_version', '"1.43.3"'), '1.43.3');
  assert.equal(read('access.min_server_version', '"0"'), '0');
  assert.equal(problemOf('access.min_server_version', '1.43'), '1.43 is not text in quotes');
  assert.equal(problemOf('access.min_server_version', '"latest"'), '"latest" is not a version');
});

test('relative paths start at the folder of the file, empty ones stay empty', () => {
  const result = readConfig(
    '[certificate]\npfx_file = "certs/a.p12"\n[state]\ndir = "/srv/state"',
    '/etc/lockgate/x.toml',
  );
  assert.ok(result.ok);
  assert.is(result.config.certificate.pfx_file, '/etc/lockgate/certs/a.p12');
  assert.is(result.config.state.dir, '/srv/state');
  assert.is(result.config.server.data_dir, '');
  assert.is(configOf('[state]\ndir = "s"').state.dir, join(resolve('.'), 's'));
  assert.match(problemOf('state.dir', '"~/state"') ?? '', /begins with ~/);
  assert.match(problemOf('state.dir', '"a\\u0000b"') ?? '', /holds a control character$/);
});

test('a PIN in place of its hash is refused without being shown', async () => {
  assert.equal(problemOf('access.pin_hash', '"493817"'), 'its value is a PIN itself, not its hash');
  assert.equal(problemOf('access.pin_hash', '"hunter2"'), 'its value is not the hash of a PIN');
  assert.ok(read('access.pin_hash', JSON.stringify(await hashPin('493817'))));
});

test('names of users, e-mail addresses and certificate names are judged', () => {
  assert.equal(read('run.user', '"sc-lockgate"'), 'sc-lockgate');
  assert.equal(read('run.user', '"10001"'), '10001');
  assert.equal(problemOf('run.user', '"a b"'), '"a b" is not a user name');
  assert.equal(read('acme.email', '"me@example.org"'), 'me@example.org');
  assert.equal(problemOf('acme.email', '"me"'), '"me" is not an e-mail address');
  assert.equal(read('certificate.names', '"*.Example.org, 192.168.1.2"'), ['*.example.org', '192.168.1.2']);
  assert.equal(problemOf('certificate.names', '"a.*.org"'), '"a.*.org" is not a host name');
});

test('no key accepts a value of a foreign type', () => {
  for (const { id } of namedKeys) {
    for (const foreign of ['{ a = 1 }', '1979-05-27', '[[1]]', '[true]']) {
      assert.ok(problemOf(id, foreign), `${id} = ${foreign}`);
    }
  }
});

test.run();
