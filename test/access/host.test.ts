import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type HostNames, isForeignHost, plainHostNames, readHost } from '../../src/access/host.ts';

const ZONE = '0123456789abcdef0123456789abcdef.plex.direct';
const names: HostNames = {
  plain: plainHostNames('nas', ['films.example.org', 'Films.Example.NET.']),
  covers: (name) => name === 'tv.example.org' || (name.endsWith(`.${ZONE}`) && name.split('.').length === 4),
  isOwnAddress: (address) => ['192.168.1.10', '192.168.1.11', '198.51.100.7', 'fd00::10'].includes(address),
};
const isForeign = (host: string | undefined) => isForeignHost(host, names, '10.0.0.1');

const host = suite('foreign Host');

host('is none of the names of the gateway', () => {
  const own = [
    undefined,
    'localhost',
    'LOCALHOST:32400',
    'nas',
    'NAS.local:32400',
    'nas.lan.',
    'nas.home.arpa',
    'nas.internal',
    'films.example.org',
    'films.example.net:443',
    'tv.example.org',
    'TV.example.org.:32400',
  ];
  for (const value of own) assert.not(isForeign(value), value);
});

host('is never an address literal: no name was resolved to get here', () => {
  for (const value of ['192.168.1.10', '203.0.113.7:32400', '[fd00::10]', '[::1]:32400', '127.0.0.1']) {
    assert.not(isForeign(value), value);
  }
});

host('is every other name', () => {
  const foreign = [
    'evil.example',
    'films.example.org.evil.example',
    'xfilms.example.org',
    'nas.evil.example',
    'nas.local.evil.example',
    'localhost.evil.example',
    'sub.localhost',
    'plex.direct',
  ];
  for (const value of foreign) assert.ok(isForeign(value), value);
});

host('is a literal in a form that only some programs read as an address', () => {
  for (const value of ['127.1', '0x7f.0.0.1', '2130706433', '0177.0.0.1', '192.168.1.10.evil']) {
    assert.ok(isForeign(value), value);
  }
});

host('is an empty or unreadable one', () => {
  for (const value of [
    '',
    ':32400',
    'a b',
    'a/b',
    'user@nas',
    '[::1',
    '::1',
    'nas:port',
    '[nas]',
    '[fe80::1%25eth0]',
  ]) {
    assert.ok(isForeign(value), value);
  }
});

host('is a name under the wildcard that spells somebody else’s address', () => {
  const own = ['192-168-1-10', '192-168-1-11', '198-51-100-7', 'fd00-0-0-0-0-0-0-10', 'FD00--10', '10-0-0-1'];
  for (const label of own) assert.not(isForeign(`${label}.${ZONE}:32400`), label);
  for (const label of ['203-0-113-7', '192-168-1-12', 'fd00--11']) assert.ok(isForeign(`${label}.${ZONE}`), label);
});

host('is not the zone’s name without an address', () => assert.not(isForeign(`www.${ZONE}`)));

host('knows a machine by the first label of a long name, and survives one without a name', () => {
  const full = plainHostNames('nas.office.example', []);
  assert.ok(full.has('nas.office.example') && full.has('nas.local') && full.has('nas'));
  assert.equal([...plainHostNames('', [])], ['localhost']);
});

host.run();

const reading = suite('Host header');

reading('is read without case, port and final dot', () => {
  assert.equal(readHost('TV.Example.org.:32400'), {
    name: 'tv.example.org',
    port: '32400',
    address: undefined,
    spelledAddress: undefined,
  });
  assert.equal(readHost('[FD00:0::10]:80'), {
    name: 'fd00:0::10',
    port: '80',
    address: 'fd00::10',
    spelledAddress: undefined,
  });
  assert.equal(readHost('192.168.1.10'), {
    name: '192.168.1.10',
    port: '',
    address: '192.168.1.10',
    spelledAddress: undefined,
  });
  assert.is(readHost('192-168-1-10.hash.plex.direct:32400')?.spelledAddress, '192.168.1.10');
});

reading.run();
