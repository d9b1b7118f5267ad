/** tls-alpn-01 on the gateway's own port (RFC 8737): a handshake of its own beside all others. */

import { once } from 'node:events';
import { connect, createSecureContext } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ContextChooser } from '../../src/tls/terminator.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { look, startFront } from './front.ts';
import { fingerprintOf } from './store-fixture.ts';

const NAME = 'films.example.org';
const ordinary = makeCertificate({ names: [NAME] });
const challenge = makeCertificate({ names: [NAME] });

function contextOf({ certificatePem, keyPem }: TestCertificate) {
  return { cert: certificatePem, key: keyPem };
}

const certificates: ContextChooser = {
  defaultContextOptions: contextOf(ordinary),
  contextFor: (name) => (name === NAME ? createSecureContext(contextOf(ordinary)) : undefined),
  onChange() {},
};
const challengeFor = (name: string) => (name === NAME ? createSecureContext(contextOf(challenge)) : undefined);

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`whoever speaks acme-tls/1 sees the certificate of the challenge, and the connection ends (${version})`, async () => {
    const front = await startFront(certificates, { challengeFor });
    const socket = connect({
      ...{ port: front.port, host: '127.0.0.1', servername: NAME.toUpperCase(), rejectUnauthorized: false },
      ...{ ALPNProtocols: ['acme-tls/1'], minVersion: version, maxVersion: version },
    });
    await once(socket, 'secureConnect');
    assert.is(socket.alpnProtocol, 'acme-tls/1');
    assert.is(socket.getPeerCertificate().fingerprint256, fingerprintOf(challenge));
    let said = '';
    socket.on('data', (bytes) => {
      said += bytes;
    });
    await once(socket, 'end');
    assert.is(said, '', 'nothing is served on it');
    assert.is(front.terminator.counters().completed, 0);
    await front.close();
  });

  test(`everybody else sees the ordinary certificate meanwhile (${version})`, async () => {
    const front = await startFront(certificates, { challengeFor });
    const versions = { minVersion: version, maxVersion: version };
    for (const ALPNProtocols of [['h2', 'http/1.1'], ['http/1.1'], undefined]) {
      const shown = await look(front.port, { servername: NAME, ...versions, ...(ALPNProtocols && { ALPNProtocols }) });
      assert.is(shown.fingerprint, fingerprintOf(ordinary));
      assert.is(shown.alpn, ALPNProtocols === undefined ? false : 'http/1.1');
    }
    await front.close();
  });
}

test('without a challenge, and for another name, acme-tls/1 is a protocol that is not spoken', async () => {
  for (const options of [{}, { challengeFor }]) {
    const front = await startFront(certificates, options);
    const servername = 'challengeFor' in options ? 'other.example.org' : NAME;
    const error = await look(front.port, { servername, ALPNProtocols: ['acme-tls/1'] }).catch((reason) => reason);
    assert.match(String(error.code), 'NO_APPLICATION_PROTOCOL');
    await front.close();
  }
});

test.run();
