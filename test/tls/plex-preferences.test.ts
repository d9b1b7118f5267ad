/** Preferences.xml: what is read, what is never kept, and what is refused instead of guessed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GatewayError } from '../../src/lib/errors.ts';
import { MAX_FILE_BYTES } from '../../src/tls/bounded-file.ts';
import { parsePlexPreferences, readPlexPreferences } from '../../src/tls/plex-preferences.ts';
import {
  PLEX_CERTIFICATE_UUID,
  PLEX_MACHINE_IDENTIFIER,
  PLEX_PROCESSED_IDENTIFIER,
  plexPreferencesXml,
} from '../support/certificates.ts';

const test = suite('plex preferences');

test('all settings that the gateway uses are read', () => {
  const preferences = parsePlexPreferences(
    plexPreferencesXml({
      CertificateUUID: PLEX_CERTIFICATE_UUID.toUpperCase(),
      PlexOnlineToken: 'secret-token-of-owner',
      PlexOnlineHome: '1',
      allowedNetworks: '192.168.1.0/255.255.255.0,10.0.0.5',
      secureConnections: '0',
      customConnections: 'https://192-168-1-2.abc.plex.direct:32443',
      ManualPortMappingMode: '1',
      ManualPortMappingPort: '32400',
      LanNetworksBandwidth: '192.168.0.0/16',
      RelayEnabled: '0',
      enableLocalSecurity: '0',
    }),
  );
  assert.equal(preferences, {
    machineIdentifier: PLEX_MACHINE_IDENTIFIER,
    processedMachineIdentifier: PLEX_PROCESSED_IDENTIFIER,
    certificateUuid: PLEX_CERTIFICATE_UUID,
    friendlyName: 'Films & Series',
    isSignedIn: true,
    isPlexHome: true,
    allowedNetworks: '192.168.1.0/255.255.255.0,10.0.0.5',
    secureConnections: 'required',
    customConnections: 'https://192-168-1-2.abc.plex.direct:32443',
    isManualPortMapping: true,
    manualPort: 32400,
    lanNetworks: '192.168.0.0/16',
    isRelayEnabled: false,
    isLocalSecurityEnabled: false,
  });
});

test('the account token is never kept', () => {
  const preferences = parsePlexPreferences(plexPreferencesXml({ PlexOnlineToken: 'secret-token-of-owner' }));
  assert.not.match(JSON.stringify(preferences), 'secret-token-of-owner');
});

test('what is not set is undefined, and an empty token is no sign-in', () => {
  const preferences = parsePlexPreferences('<Preferences PlexOnlineToken="" allowedNetworks=""/>');
  assert.is(preferences.isSignedIn, false);
  assert.is(preferences.allowedNetworks, undefined);
  assert.is(preferences.isPlexHome, undefined);
  assert.is(preferences.secureConnections, undefined);
  assert.is(preferences.manualPort, undefined);
});

test('entities and character references are resolved, once', () => {
  const name = (value: string) => parsePlexPreferences(`<Preferences FriendlyName="${value}"/>`).friendlyName;
  assert.is(name('&lt;&gt;&amp;&quot;&apos;'), `<>&"'`);
  assert.is(name('&#75;&#xfc;che&#x1F3AC;'), 'Küche🎬');
  assert.is(name('&amp;lt;'), '&lt;');
  assert.is(name('a\n\tb'), 'a  b');
});

test('both quotes, white space, a byte order mark and a closing tag are fine', () => {
  for (const xml of [
    `\uFEFF<?xml version="1.0"?>\r\n<Preferences\n FriendlyName = 'x "y"'\n></Preferences>\n`,
    `<Preferences FriendlyName='x "y"' />`,
  ]) {
    assert.is(parsePlexPreferences(xml).friendlyName, 'x "y"');
  }
});

const refused: Readonly<Record<string, string>> = {
  'an empty file': '',
  'another element': '<Settings a="b"/>',
  'an element whose name only begins alike': '<PreferencesX a="b"/>',
  'a file that breaks off in a value': '<?xml version="1.0"?><Preferences MachineIdentifier="3f1b2c',
  'a file that breaks off between settings': '<Preferences MachineIdentifier="3f1b"',
  'a setting that stands there twice': '<Preferences a="1" a="2"/>',
  'a value without quotes': '<Preferences a=1/>',
  'settings without a space between them': '<Preferences a="1"b="2"/>',
  'an unknown entity': '<Preferences a="&nbsp;"/>',
  'a bare ampersand': '<Preferences a="x & y"/>',
  'a reference to a character that XML does not allow': '<Preferences a="&#0;"/>',
  'a reference to a surrogate': '<Preferences a="&#xd800;"/>',
  'a document type': '<!DOCTYPE x [<!ENTITY a "b">]><Preferences a="&a;"/>',
  'a second element': '<Preferences a="1"/><Preferences a="2"/>',
  'thousands of settings': `<Preferences ${Array.from({ length: 2001 }, (_, index) => `a${index}=""`).join(' ')}/>`,
};
for (const [what, xml] of Object.entries(refused)) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => parsePlexPreferences(xml),
      (error: unknown) => error instanceof SyntaxError,
    );
  });
}

test('the largest file that is read is refused at once when it is hostile', () => {
  const started = performance.now();
  for (const xml of [
    `<Preferences ${'a'.repeat(MAX_FILE_BYTES)}`,
    `<Preferences a="${'&'.repeat(MAX_FILE_BYTES)}"/>`,
    `<Preferences${' '.repeat(MAX_FILE_BYTES)}`,
    `<?xml${'?'.repeat(MAX_FILE_BYTES)}`,
  ]) {
    assert.throws(
      () => parsePlexPreferences(xml),
      (error: unknown) => error instanceof SyntaxError,
    );
  }
  assert.ok(performance.now() - started < 2000);
});

test('a folder without the file has no preferences; a half-written file is one sentence', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockgate-preferences-'));
  assert.is(await readPlexPreferences(folder), undefined);
  await writeFile(join(folder, 'Preferences.xml'), '<Preferences MachineIdent');
  try {
    await readPlexPreferences(folder);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, GatewayError);
    assert.match(
      (error as GatewayError).sentence,
      /^"\/.*Preferences\.xml" cannot be read: it breaks off .* \(.*half written.*\)$/,
    );
  }
  await rm(folder, { recursive: true });
});

test.run();
