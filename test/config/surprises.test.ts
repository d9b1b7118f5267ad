import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readConfig } from '../../src/config/load.ts';
import { renderFindings } from '../../src/config/report.ts';
import { surprises } from '../../src/config/surprises.ts';
import { configOf, FILE, notesOf } from './support.ts';

const test = suite('surprises');

/** One note that matches, and no other. */
function surprisesWith(text: string, pattern: RegExp): void {
  const notes = notesOf(text);
  assert.is(notes.length, 1, `${text}\n${notes.join('\n')}`);
  assert.match(notes[0]!, pattern);
}

const withToken = '[server]\ntoken = "t"\n';

test('a list that is ignored', () => {
  surprisesWith(
    '[access]\nallowed_networks = "lan"\nrequire_auth = "everyone"',
    /^access.allowed_networks: is ignored/,
  );
});

test('a list or a PIN without a token, where the server may be plex', () => {
  for (const kind of ['auto', 'plex']) {
    surprisesWith(`[server]\nkind = "${kind}"\n[access]\nallowed_networks = "lan"`, /without server.token.*401/);
    surprisesWith(
      `[server]\nkind = "${kind}"\n[access]\npin_hash = "$scrypt$x"`,
      /^access.pin_hash: .* without server.token/,
    );
  }
  assert.equal(notesOf(`${withToken}[access]\nallowed_networks = "lan"\npin_hash = "$scrypt$x"`), []);
  assert.equal(notesOf('[server]\ntoken_file = "t"\n[access]\nallowed_networks = "lan"'), []);
  assert.equal(notesOf('[server]\nkind = "jellyfin"\n[access]\nallowed_networks = "lan"'), []);
});

test('a server that need not be claimed', () => {
  surprisesWith('[access]\nrequire_claimed = false', /whoever reaches it can take it$/);
});

test('a sign-in that the whole internet sees', () => {
  surprisesWith('[server]\nkind = "jellyfin"\n[access]\nsign_in_networks = "any"', /to the whole internet/);
  assert.equal(notesOf('[server]\nkind = "plex"\n[access]\nsign_in_networks = "any"'), []);
});

test('networks of strangers that are let in', () => {
  for (const entry of ['0.0.0.0/0', '::/0', '0.0.0.0/1', '8.8.8.0/24', '2000::/3', '203.0.0.0/255.0.0.0']) {
    const pattern = /is a public network; it lets everybody in there/;
    surprisesWith(`${withToken}[access]\nallowed_networks = "lan, ${entry}"`, pattern);
  }
  for (const entry of [
    '10.0.0.0/8',
    '100.64.0.0/10',
    '8.8.8.8',
    '8.8.8.8/32',
    'fc00::/7',
    '2a00:1:2:3::/64',
    'fe80::/10',
  ]) {
    assert.equal(notesOf(`${withToken}[access]\nallowed_networks = "${entry}"`), [], entry);
  }
});

test('a LAN, a DNS server and counters for everybody', () => {
  surprisesWith('[access]\nlan_networks = "auto, 8.0.0.0/8"', /counts everybody in there as being at home/);
  surprisesWith('[metrics]\nallow_clients = "0.0.0.0/0"', /shows the counters/);
  assert.ok(notesOf('[dns]\nallow_clients = "0.0.0.0/0"').some((note) => /open resolver/.test(note)));
});

test('proxies that are trusted by the dozen', () => {
  for (const entry of ['lan', '192.168.1.0/24', '10.0.0.0/8', 'fd00::/64', '0.0.0.0/0']) {
    surprisesWith(`[access]\ntrusted_proxies = "192.168.1.3, ${entry}"`, /lets every device in it claim any address/);
  }
  for (const entry of ['loopback', '192.168.1.3', '172.18.0.0/30', 'fd00::3']) {
    assert.equal(notesOf(`[access]\ntrusted_proxies = "${entry}"`), [], entry);
  }
});

test('connections in the clear, and clients that are turned away', () => {
  surprisesWith('[listen]\nsecure_connections = "disabled"', /in the clear$/);
  surprisesWith('[listen]\nsecure_connections = "required"', /turns away clients that speak plain HTTP only/);
});

test('files that are not used', () => {
  surprisesWith('[certificate]\nsource = "server"\npfx_file = "p"', /^certificate.pfx_file: is ignored/);
});

test('a port that changes', () => {
  surprisesWith('[listen]\nport = 0', /^listen.port: 0 takes another port at every start/);
});

test('an authority that is never asked', () => {
  surprisesWith('[acme]\nemail = "a@films.test"', /^acme: is ignored, because certificate.names is empty$/);
  surprisesWith(
    '[certificate]\nsource = "server"\n[acme]\nhook = "h"',
    /^acme: is ignored, because source is "server"$/,
  );
  surprisesWith(
    '[certificate]\nnames = ["films.example.org", "films.lan"]\n[acme]\nemail = "a@films.test"',
    /^certificate.names: "films.lan" is a name that no public authority vouches for; it is not asked for$/,
  );
  assert.equal(notesOf('[acme]\nemail = ""'), []);
  assert.equal(notesOf('[certificate]\nnames = ["films.lan"]'), []);
});

test('notes show where they belong', () => {
  const result = readConfig('[log]\nlevel = "warn"\n[access]\nrequire_claimed = false\n', FILE);
  assert.ok(result.ok);
  assert.snapshot(
    renderFindings(result.ok ? result.notes : []),
    `lockgate.toml:4:19: access.require_claimed: false serves a media server without an owner, and whoever reaches it can take it
  4 | require_claimed = false
    |                   ^
`,
  );
});

test('surprises can be asked of any configuration', () => {
  assert.equal(surprises(configOf('')), []);
  assert.is(surprises(configOf('[listen]\nport = 0'))[0]?.key, 'listen.port');
});

test.run();
