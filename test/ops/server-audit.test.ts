/** The audit of the media server's own settings: each thing that goes past the gateway, and silence about what is right. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AuditFacts, auditServer } from '../../src/ops/server-audit.ts';
import { parsePlexPreferences } from '../../src/tls/plex-preferences.ts';
import { plexPreferencesXml } from '../support/certificates.ts';

const test = suite('server audit');

/** `name verdict`, by the settings that differ from the default. */
function audit(settings: Record<string, string>, changes: Partial<AuditFacts> = {}): string[] {
  return checksOf(settings, changes).map(({ name, verdict }) => `${name} ${verdict}`);
}

function checksOf(settings: Record<string, string>, changes: Partial<AuditFacts> = {}) {
  return auditServer({
    preferences: parsePlexPreferences(plexPreferencesXml(settings)),
    gatewayAddresses: ['192.168.7.2', '127.0.0.1'],
    gatewayPorts: [32443],
    mapPort: 0,
    hasList: false,
    listIsInForce: true,
    ...changes,
  });
}

const SIGNED_IN = { PlexOnlineToken: 'x' };

test('settings that are right are passed over in silence', () => {
  assert.equal(audit({}), []);
  assert.equal(audit({ ...SIGNED_IN, RelayEnabled: '0', secureConnections: '1' }), []);
});

test('a custom URL must be one, name a port, and the right one', () => {
  const custom = (customConnections: string) => audit({ customConnections });
  assert.equal(custom('https://192-168-7-2.abc.plex.direct:32443'), []);
  assert.equal(custom('https://films.example.org:443'), []);
  assert.equal(custom('https://192-168-7-2.abc.plex.direct'), ['custom urls fault']);
  assert.equal(custom('https://192-168-7-2.abc.plex.direct:32400'), ['custom urls fault']);
  assert.equal(custom('films.example.org'), ['custom urls fault']);
  assert.equal(custom('https://films.example.org:443, https://192-168-7-2.abc.plex.direct'), ['custom urls fault']);
});

test('the public port that apps are told is the one that is mapped', () => {
  const mapped = (settings: Record<string, string>) => audit(settings, { mapPort: 32400 });
  assert.equal(mapped({ ManualPortMappingMode: '1', ManualPortMappingPort: '32400' }), ['outside port ok']);
  assert.equal(mapped({ ManualPortMappingMode: '1', ManualPortMappingPort: '5000' }), ['outside port fault']);
  assert.equal(mapped({ ManualPortMappingMode: '0' }), ['outside port fault']);
  assert.equal(mapped({}), ['outside port fault']);
  const [check] = checksOf({}, { mapPort: 4000 });
  assert.match(check?.remedy ?? '', 'Manually specify public port: 4000');
});

test("the gateway in the server's list is a fault, any other list a warning", () => {
  assert.equal(audit({ allowedNetworks: '192.168.7.0/255.255.255.0' }), ['server list fault']);
  assert.equal(audit({ allowedNetworks: '10.0.0.5,127.0.0.1' }), ['server list fault']);
  assert.equal(audit({ allowedNetworks: '10.0.0.0/8' }), ['server list warning']);
  const [check] = checksOf({ allowedNetworks: '10.0.0.5, 10.0.0.6' });
  assert.match(check?.evidence ?? '', /has spaces/);
});

test('secure connections that are disabled are a fault', () => {
  assert.equal(audit({ secureConnections: '2' }), ['server tls fault']);
});

test('the relay counts as on until it is off, for a server that is signed in', () => {
  assert.equal(audit(SIGNED_IN), ['relay warning']);
  assert.equal(audit({ ...SIGNED_IN, RelayEnabled: '1' }), ['relay warning']);
});

test('Plex Home and a list that holds all the same contradict each other', () => {
  const home = { PlexOnlineHome: '1' };
  assert.equal(audit(home, { hasList: true, listIsInForce: true }), ['home warning']);
  assert.equal(audit(home, { hasList: true, listIsInForce: false }), []);
  assert.equal(audit({ ...home, allowedNetworks: '10.0.0.5' }), ['server list warning', 'home warning']);
});

test('every check that is not ok says what to do', () => {
  const all = {
    ...SIGNED_IN,
    PlexOnlineHome: '1',
    allowedNetworks: '192.168.7.2',
    secureConnections: '2',
    customConnections: 'x',
  };
  const checks = checksOf(all, { mapPort: 1 });
  assert.is(checks.length, 6);
  for (const { name, remedy } of checks) assert.not.equal(remedy, '', name);
});

test.run();
