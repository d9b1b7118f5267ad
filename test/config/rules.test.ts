import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { configOf, faultsOf, sentencesOf } from './support.ts';

const test = suite('rules');

const tokenSentence = (key: string, kind: string) =>
  `server.${key}: cannot be used with kind ${kind}; the gateway adds a credential for plex only (remove it: clients that are let in sign in at the server itself)`;

test('a token is for plex only', () => {
  for (const kind of ['jellyfin', 'emby', 'generic']) {
    assert.equal(sentencesOf(`[server]\nkind = "${kind}"\ntoken = "t"`), [tokenSentence('token', kind)]);
    assert.equal(sentencesOf(`[server]\nkind = "${kind}"\ntoken_file = "t"`), [tokenSentence('token_file', kind)]);
  }
  for (const kind of ['auto', 'plex']) assert.equal(faultsOf(`[server]\nkind = "${kind}"\ntoken = "t"`), []);
});

test('a token comes from the file or from another file, not from both', () => {
  assert.equal(sentencesOf('[server]\ntoken = "t"\ntoken_file = "/t"'), [
    'server.token_file: is given together with server.token (keep one of them)',
  ]);
});

test('the sign-in of Emby stays at home until the user states that it reads X-Forwarded-For', () => {
  const emby = '[server]\nkind = "emby"\n[access]\n';
  assert.equal(faultsOf(emby), []);
  assert.equal(faultsOf(`${emby}sign_in_networks = "Lan"`), []);
  for (const beyond of ['any', '10.8.0.0/24', 'lan, 192.0.2.1']) {
    const faults = sentencesOf(`${emby}sign_in_networks = "${beyond}"`);
    assert.is(faults.length, 1, beyond);
    assert.match(faults[0]!, /until you state that this Emby server reads X-Forwarded-For/);
    assert.match(faults[0]!, /emby_reads_forwarded_for = true/);
    assert.equal(faultsOf(`${emby}sign_in_networks = "${beyond}"\nemby_reads_forwarded_for = true`), []);
  }
  assert.equal(faultsOf('[server]\nkind = "jellyfin"\n[access]\nsign_in_networks = "any"'), []);
});

test('certificate files come complete, and of one kind', () => {
  const faults: Readonly<Record<string, string>> = {
    'key_file = "k"': '2:12: certificate.key_file: is given without cert_file',
    'cert_file = "c"\nkey_file = "k"\npfx_file = "p"': '4:12: certificate.pfx_file: is given together with cert_file',
    'source = "files"': '2:10: certificate.source: "files" is given, but no file',
    'key_passphrase_file = "p"': '2:23: certificate.key_passphrase_file: is given without key_file or cert_file',
    'source = "acme"': '2:10: certificate.source: "acme" is given, but no name to ask a certificate for',
  };
  for (const [text, fault] of Object.entries(faults)) assert.equal(faultsOf(`[certificate]\n${text}`), [fault], text);
  for (const right of [
    'source = "files"\npfx_file = "p"\npfx_passphrase_file = "w"',
    'source = "files"\ncert_file = "c"\nkey_file = "k"\nkey_passphrase_file = "w"',
    'source = "files"\ncert_file = "chain-and-key.pem"',
    'cert_file = "chain-and-key.pem"\nkey_passphrase_file = "w"',
    'source = "files"\ncert_file = "all.p12"\npfx_passphrase_file = "w"',
    'source = "acme"\nnames = ["a.example.org"]',
  ]) {
    assert.equal(faultsOf(`[certificate]\n${right}`), [], right);
  }
});

test('dns-01 has exactly one way to set the record, and an account binding has both halves', () => {
  assert.equal(faultsOf('[acme]\nchallenge = "dns-01"'), [
    '2:13: acme.challenge: "dns-01" is given, but no way to set the record',
  ]);
  assert.equal(faultsOf('[acme]\nhook = "/h"\nrfc2136_server = "ns.example:53"'), [
    '3:18: acme.rfc2136_server: is given together with hook',
  ]);
  assert.equal(faultsOf('[acme]\neab_id = "x"'), ['2:10: acme.eab_id: is given without eab_key_file']);
  assert.equal(faultsOf('[acme]\neab_key_file = "/x"'), ['2:16: acme.eab_key_file: is given without eab_id']);
});

test('an authority is asked only for what it can vouch for', () => {
  const withSource = (source: string, names: string, more = '') =>
    faultsOf(`[certificate]\nsource = "${source}"\nnames = ${names}\n${more}`);
  assert.equal(withSource('acme', '["films.lan"]'), [
    '3:9: certificate.names: "films.lan" is a name that no public authority vouches for',
  ]);
  assert.equal(withSource('acme', '["films.lan"]', '[acme]\ndirectory = "https://ca.lan/acme"'), []);
  assert.equal(withSource('acme', '["192.168.1.2"]'), [
    '3:9: certificate.names: "192.168.1.2" is an address, for which only the private CA makes certificates',
  ]);
  const wildcard = '3:9: certificate.names: "*.example.org" can be proven with dns-01 only';
  assert.equal(withSource('acme', '["*.example.org"]'), [wildcard]);
  assert.equal(withSource('auto', '["*.example.org"]', '[acme]\nemail = "a@b"'), [wildcard]);
  assert.equal(withSource('acme', '["*.example.org"]', '[acme]\nhook = "h"\nchallenge = "http-01"'), [wildcard]);
  assert.equal(withSource('acme', '["*.example.org"]', '[acme]\nhook = "h"'), []);
  assert.equal(withSource('auto', '["*.example.org"]'), [], 'no key of [acme] is set: it is for the private CA');
});

test('what a challenge needs must not be switched off', () => {
  const names = '[certificate]\nsource = "acme"\nnames = ["a.example.org"]\n[acme]\nchallenge = "tls-alpn-01"';
  assert.equal(faultsOf(`${names}\n[listen]\nsecure_connections = "disabled"`), [
    '5:13: acme.challenge: "tls-alpn-01" is given, but no TLS connection is taken',
  ]);
  assert.equal(faultsOf('[acme]\nrfc2136_key_file = "/k"'), [
    '2:20: acme.rfc2136_key_file: is given without rfc2136_server',
  ]);
});

test('"none" contradicts every other LAN network', () => {
  assert.equal(faultsOf('[access]\nlan_networks = "none, 10.0.0.0/8"'), [
    '2:16: access.lan_networks: "none" stands beside other entries',
  ]);
  assert.equal(configOf('[access]\nlan_networks = "none"').access.lan_networks, ['none']);
});

test('ports, addresses and sockets stand in their lists once', () => {
  assert.equal(faultsOf('[listen]\nport = [443, 32400, 443, 443]'), ['2:8: listen.port: 443 stands there twice']);
  assert.equal(faultsOf('[listen]\naddresses = "::1, 0:0::1"'), ['2:13: listen.addresses: "::1" stands there twice']);
  assert.equal(faultsOf('[dns]\nlisten = "[::1]:53, [::1]:53"'), ['2:10: dns.listen: "[::1]:53" stands there twice']);
  assert.equal(faultsOf('[listen]\nport = [0, 0]'), []);
});

test('DNS and the gateway do not want the same port of the same address', () => {
  const clash = ': dns.listen: "127.0.0.1:5354" is taken by listen.port already';
  assert.equal(faultsOf('[listen]\nport = 5354'), [`2:8${clash}`]);
  assert.equal(faultsOf('[listen]\nport = 5354\n[dns]\nlisten = "127.0.0.1:5354"'), [`4:10${clash}`]);
  assert.equal(faultsOf('[listen]\nport = 5354\naddresses = "192.168.1.2"'), []);
  assert.equal(faultsOf('[listen]\nport = 5354\naddresses = "::"'), []);
  assert.equal(faultsOf('[listen]\nport = 5354\n[dns]\nenabled = false'), []);
  assert.is(faultsOf('[listen]\nport = 53\naddresses = "::1"\n[dns]\nlisten = "[::]:53"').length, 1);
});

test('a rule keeps quiet about a key that is wrong by itself', () => {
  assert.equal(faultsOf('[server]\nkind = "emby"\ntoken = "a b"').length, 1);
});

test.run();
