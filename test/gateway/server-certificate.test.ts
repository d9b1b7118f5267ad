/** The certificate that the server shows against the gateway's copy: every way in which one of them can be behind, told apart. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { serverCertificateCheck } from '../../src/gateway/server-certificate.ts';
import type { ShownCertificate } from '../../src/gateway/shown-certificate.ts';
import type { CertificateFacts } from '../../src/tls/certificate-facts.ts';
import { parsePlexPreferences } from '../../src/tls/plex-preferences.ts';

const ZONE = '0123456789abcdef0123456789abcdef.plex.direct';
const NEW_ZONE = `${'f'.repeat(32)}.plex.direct`;

const own: CertificateFacts = {
  source: 'server',
  origin: '/plex/Cache/cert-v2.p12',
  names: [`*.${ZONE}`],
  addresses: [],
  zones: [ZONE],
  issuer: 'R11',
  notBefore: new Date('2026-09-01T00:00:00Z'),
  notAfter: new Date('2026-11-30T00:00:00Z'),
  daysLeft: 60,
  isRunningOut: false,
  fingerprint: 'AA',
  isIncomplete: false,
  changed: undefined,
  problems: [],
};
const same: ShownCertificate = {
  fingerprint: 'AA',
  notBefore: own.notBefore,
  notAfter: own.notAfter,
  zones: [ZONE],
};

function judge(
  shown: Partial<ShownCertificate>,
  mine: Partial<CertificateFacts> = {},
  settings = 'PlexOnlineToken="x"',
) {
  const preferences = parsePlexPreferences(`<Preferences ${settings}/>`);
  const certificates = [{ ...own, ...mine }];
  return serverCertificateCheck({ shown: { ...same, ...shown }, certificates, settings: preferences });
}

const test = suite('server certificate');

test('nothing is said while both show the same and it is not due', () => {
  assert.is(judge({}), undefined);
});

test('a newer one at the server is a fault at once, however long the copy is still good', () => {
  const check = judge({
    fingerprint: 'BB',
    notBefore: new Date('2026-10-01T00:00:00Z'),
    notAfter: new Date('2026-11-20T00:00:00Z'),
  });
  assert.is(check?.verdict, 'fault');
  assert.match(
    check?.evidence ?? '',
    'the server has a new certificate (until 2026-11-20), the gateway still the former one',
  );
  assert.match(check?.remedy ?? '', 'lockgate snippet nas');
});

test('other names at the server are a fault of their own, whichever was issued later', () => {
  for (const notBefore of ['2026-08-01', '2026-10-01']) {
    const check = judge({ fingerprint: 'BB', zones: [NEW_ZONE], notBefore: new Date(notBefore) });
    assert.is(check?.verdict, 'fault');
    assert.match(check?.evidence ?? '', `the server's names are now those of ${NEW_ZONE}`);
    assert.match(check?.remedy ?? '', 'in the resolver (lockgate snippet) and in Custom server access URLs');
  }
});

test('a server that still shows its former one wants a restart', () => {
  const check = judge({ fingerprint: 'BB', notBefore: new Date('2026-06-01'), notAfter: new Date('2026-09-10') });
  assert.is(check?.verdict, 'warning');
  assert.match(check?.remedy ?? '', 'restart the media server when nobody watches');
});

test('a certificate that the server does not renew while its end nears is told with the reason, and is a fault in the last days', () => {
  const reasons: Readonly<Record<string, RegExp>> = {
    'PlexOnlineToken="x"':
      /has not renewed it, 9 days before its end: it cannot reach plex\.tv, or was refused because it asked too often/,
    'PlexOnlineToken=""': /it is signed out/,
    'PlexOnlineToken="x" secureConnections="2"': /its Secure connections are disabled/,
  };
  for (const [settings, reason] of Object.entries(reasons)) {
    const check = judge({}, { daysLeft: 9, isRunningOut: true }, settings);
    assert.is(check?.verdict, 'warning');
    assert.match(check?.evidence ?? '', reason);
  }
  assert.is(judge({}, { daysLeft: 2, isRunningOut: true })?.verdict, 'fault');
});

test('a copy among the files of the user is compared too, a certificate of another name is not', () => {
  assert.is(judge({ fingerprint: 'BB', notBefore: new Date('2026-10-01') }, { source: 'files' })?.verdict, 'fault');
  assert.is(judge({ fingerprint: 'BB' }, { source: 'files', zones: [], names: ['films.example'] }), undefined);
  assert.is(judge({ fingerprint: 'BB', zones: [] }), undefined);
});

test.run();
