/** The small sums of ACME: waits, moments of renewal, names of certificates, keys of name servers, which challenge comes first. */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Ways } from '../../../src/tls/acme/own-port.ts';
import { waitAfter } from '../../../src/tls/acme/renewal.ts';
import { renewalId } from '../../../src/tls/acme/renewal-info.ts';
import { challengeOrder, whatAuthorityNeeds } from '../../../src/tls/acme/settings.ts';
import { FRESH_STANDING } from '../../../src/tls/acme/standing.ts';
import { readRetryAfter } from '../../../src/tls/acme/transport.ts';
import { readTsigKey } from '../../../src/tls/acme/tsig.ts';
import { describeCertificate } from '../../../src/tls/certificate-facts.ts';
import { assembleChain, readCertificates, readKeys } from '../../../src/tls/chain.ts';
import { makeCertificate } from '../../support/certificates.ts';
import { settingsFor } from './issuing.ts';

const MINUTE_MS = 60_000;
const settings = settingsFor({ directory: 'https://ca.example.org/', caFile: '' });

test('waits grow and stay within half a day and a quarter of that', () => {
  const waits = [1, 2, 3, 4, 5, 6, 1000].map((failures) => waitAfter(failures, 0) / MINUTE_MS);
  assert.equal(waits, [1, 10, 60, 240, 720, 720, 720]);
  assert.is(waitAfter(1000, 1), 900 * MINUTE_MS);
});

test('Retry-After is seconds or a date, and never more than eight days', () => {
  const now = Date.UTC(2026, 10, 22);
  assert.is(readRetryAfter('120', now), 120_000);
  assert.is(readRetryAfter('Sun, 22 Nov 2026 00:10:00 GMT', now), 600_000);
  assert.is(readRetryAfter('Sat, 21 Nov 2026 00:00:00 GMT', now), 0);
  assert.is(readRetryAfter('9'.repeat(400), now), 8 * 24 * 60 * MINUTE_MS);
  for (const nothing of [undefined, '', 'soon', '-5']) assert.is(readRetryAfter(nothing, now) ?? 0, 0, nothing);
});

test('the name of a certificate in questions about renewal, as in the example of RFC 9773', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockgate-renewal-'));
  try {
    const extensions =
      '[e]\nauthorityKeyIdentifier = DER:30:16:80:14:69:88:5B:6B:87:46:40:41:E1:B3:7B:84:7B:A0:AE:2C:DE:01:C8:D4\n';
    writeFileSync(join(folder, 'own.cnf'), `[req]\ndistinguished_name = n\nx509_extensions = e\n[n]\n${extensions}`);
    const words = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key.pem'];
    const more = ['-subj', '/CN=x', '-set_serial', '0x87654321', '-config', 'own.cnf', '-out', 'own.pem'];
    execFileSync('openssl', ['req', ...words, ...more], { cwd: folder, stdio: 'ignore' });
    const leaf = new X509Certificate(readFileSync(join(folder, 'own.pem')));
    assert.is(renewalId(leaf), 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a key in the form of BIND, as tsig-keygen writes it or a hand does', () => {
  const secret = Buffer.from('//secret//').toString('base64');
  const written = `key "ddns.Example.org." {\n\talgorithm hmac-sha512;\n\tsecret "${secret}";\n};\n`;
  const key = readTsigKey(`# mine\n${written}`);
  assert.equal(key && { ...key, secret: key.secret.toString() }, {
    name: 'ddns.example.org',
    algorithm: 'hmac-sha512',
    secret: '//secret//',
  });
  assert.is(readTsigKey(`key k{secret "${secret}"; algorithm HMAC-SHA256;};`)?.algorithm, 'hmac-sha256');
  for (const not of [
    '',
    'lockgate:c2VjcmV0',
    written.replace('512', '1'),
    written.replace('hmac-sha512', 'hmac-md5'),
  ]) {
    assert.is(readTsigKey(not), undefined, not);
  }
});

test('auto: dns-01 where it is set up, else what the ports make likely, what worked, and never what just failed', () => {
  const order = (ways: object, standing = {}) =>
    challengeOrder({ ...settings, ways: { ...settings.ways, ...ways } }, { ...FRESH_STANDING, ...standing });
  assert.equal(order({}), ['tls-alpn-01', 'http-01']);
  assert.equal(order({ ports: [80, 32443] }), ['http-01', 'tls-alpn-01']);
  assert.equal(order({ ports: [80, 443] }), ['tls-alpn-01', 'http-01']);
  assert.equal(order({ mappedPort: 80 }), ['http-01', 'tls-alpn-01']);
  assert.equal(order({}, { goodChallenge: 'http-01' }), ['http-01', 'tls-alpn-01']);
  assert.equal(order({}, { failedChallenge: 'tls-alpn-01' }), ['http-01', 'tls-alpn-01']);
  assert.equal(order({}, { goodChallenge: 'http-01', failedChallenge: 'http-01' }), ['tls-alpn-01', 'http-01']);
  assert.equal(challengeOrder({ ...settings, hook: '/h' }, FRESH_STANDING), ['dns-01']);
  assert.equal(challengeOrder({ ...settings, challenge: 'http-01', hook: '/h' }, FRESH_STANDING), ['http-01']);
});

test('what has to lead here is said for the ports as they are', () => {
  const needs = (ports: number[], mappedPort = 0, place: Ways['place'] = 'linux') =>
    whatAuthorityNeeds({ ...settings, ways: { ports, mappedPort, place } });
  assert.equal(needs([32443]), [
    'tls-alpn-01 needs outside port 443 to lead to port 32443 here',
    'http-01 needs outside port 80 to lead to port 32443 here',
  ]);
  assert.equal(needs([32443, 443])[0], 'tls-alpn-01 needs outside port 443 to lead to port 443 here');
  assert.equal(
    needs([32443], 443)[0],
    'tls-alpn-01 needs outside port 443, which [remote] map_port asks the router for',
  );
  assert.match(
    needs([32443], 0, 'synology')[1] ?? '',
    /to lead to port 32443 here \(on the NAS 80 and 443 are taken by DSM/,
  );
  assert.match(needs([32443], 0, 'openwrt')[0] ?? '', /here \(a redirect in this router's firewall does that\)$/);
  assert.equal(whatAuthorityNeeds({ ...settings, hook: '/h' }), []);
});

test('a certificate of six days has few days left when it should have been renewed, not before', () => {
  const { certificatePem, keyPem } = makeCertificate({ names: ['films.example.org'], days: 6 });
  const chain = assembleChain('it', {
    certificates: readCertificates('it', certificatePem),
    keys: readKeys('it', keyPem),
  });
  const place = { source: 'acme', origin: 'here' } as const;
  const warningsAfter = (days: number) => {
    const now = new Date(Date.now() + days * 24 * 60 * MINUTE_MS);
    return describeCertificate(chain, place, now).problems.filter(({ sentence }) => sentence.includes('expires in'));
  };
  assert.equal(warningsAfter(0), []);
  assert.equal(warningsAfter(4.2), []);
  assert.is(warningsAfter(4.6).length, 1);
});

test.run();
