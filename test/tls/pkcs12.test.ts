/** PKCS#12 files: old and new encryption, both kinds of keys, and every way in which a file can be wrong. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GatewayError } from '../../src/lib/errors.ts';
import { openPkcs12 } from '../../src/tls/pkcs12.ts';
import {
  makeCertificate,
  makePkcs12,
  makePlexCertificate,
  type Pkcs12Encryption,
  PLEX_PASSPHRASE,
  PLEX_ZONE,
} from '../support/certificates.ts';

const test = suite('pkcs12');

const rsa = makePlexCertificate({ key: 'rsa' });
const ec = makePlexCertificate({ key: 'ec' });

/** The sentence with which opening fails. */
async function failure(bytes: Uint8Array, passphrases: readonly string[] = [PLEX_PASSPHRASE]): Promise<GatewayError> {
  try {
    await openPkcs12('the file', bytes, passphrases);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('it was opened');
}

const encryptions: readonly Pkcs12Encryption[] = ['modern', 'legacy', 'des3', 'sha512', 'plain', 'without-mac'];
for (const encryption of encryptions) {
  for (const [kind, certificate] of Object.entries({ rsa, ec })) {
    test(`a file with ${kind} key and ${encryption} encryption gives the chain, leaf first, byte for byte`, async () => {
      const bytes = makePkcs12(certificate, { encryption });
      const chain = await openPkcs12('the file', bytes, [PLEX_PASSPHRASE]);
      assert.is(chain.certificatePem, certificate.certificatePem + certificate.chainPem);
      assert.is(chain.leaf.subjectAltName, `DNS:*.${PLEX_ZONE}`);
      assert.is(chain.keyPem, certificate.keyPem);
      assert.is(chain.isIncomplete, false);
    });
  }
}

test('what comes out of an RC2 file serves a handshake that a client verifies', async () => {
  const chain = await openPkcs12('the file', makePkcs12(rsa, { encryption: 'legacy' }), [PLEX_PASSPHRASE]);
  const server = createServer({ cert: chain.certificatePem, key: chain.keyPem }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', ca: rsa.rootPem, servername: `127-0-0-1.${PLEX_ZONE}` });
  await once(client, 'secureConnect');
  assert.ok(client.authorized);
  client.destroy();
  server.close();
});

test('the second passphrase is tried when the first does not fit', async () => {
  const chain = await openPkcs12('the file', makePkcs12(ec), ['wrong', PLEX_PASSPHRASE]);
  assert.is(chain.leaf.fingerprint256, new X509Certificate(ec.certificatePem).fingerprint256);
});

test('a passphrase beyond ASCII opens old and new encryption', async () => {
  for (const encryption of ['modern', 'legacy'] as const) {
    const bytes = makePkcs12(ec, { passphrase: 'Küche-Ω', encryption });
    assert.ok(await openPkcs12('the file', bytes, ['Küche-Ω']), encryption);
  }
});

test('an empty passphrase opens a file made with one', async () => {
  assert.ok(await openPkcs12('the file', makePkcs12(ec, { passphrase: '' }), ['']));
});

test('a wrong passphrase is called one, with and without a MAC', async () => {
  for (const encryption of encryptions.filter((name) => name !== 'plain')) {
    const error = await failure(makePkcs12(ec, { encryption }), ['wrong']);
    assert.is(error.code, 'certificate');
    assert.match(error.message, 'the file is not opened by the passphrase known for it', encryption);
    assert.match(error.hint ?? '', 'pfx_passphrase_file');
  }
});

test('a file that was cut anywhere is called incomplete, never a wrong passphrase', async () => {
  const bytes = makePkcs12(ec);
  for (const length of [0, 1, 2, 10, 100, bytes.length >> 1, bytes.length - 1]) {
    const error = await failure(bytes.subarray(0, length));
    assert.match(error.message, `the file is not a complete PKCS#12 file (${length} bytes)`);
  }
});

test('a complete file with noise behind it is refused', async () => {
  assert.match((await failure(Buffer.concat([makePkcs12(ec), Buffer.alloc(8)]))).message, 'not a complete');
});

test('any flipped byte gives the chain or a sentence, never another exception', async () => {
  const bytes = makePkcs12(ec, { encryption: 'plain' });
  for (let position = 0; position < bytes.length; position += 7) {
    const damaged = Buffer.from(bytes);
    damaged[position] = (damaged[position] ?? 0) ^ 0x55;
    await openPkcs12('the file', damaged, [PLEX_PASSPHRASE]).catch((error) => {
      assert.instance(error, GatewayError, `byte ${position}`);
    });
  }
});

test('PEM given as PKCS#12 is recognised', async () => {
  const error = await failure(Buffer.from(ec.certificatePem + ec.keyPem));
  assert.is(error.message, 'the file is PEM, not PKCS#12');
  assert.match(error.hint ?? '', 'cert_file');
});

test('a file without a key says so', async () => {
  assert.match((await failure(makePkcs12(ec, { withoutKey: true }))).message, 'the file holds no private key');
});

test('a key of another certificate is noticed', async () => {
  const bytes = makePkcs12(ec, { encryption: 'bare' });
  const own = derOf(ec.keyPem);
  const position = bytes.indexOf(own);
  assert.ok(position > 0);
  bytes.set(derOf(makeCertificate({ names: ['other.test'] }).keyPem), position);
  assert.match((await failure(bytes)).message, 'the file holds a private key that does not belong to its certificate');
});

function derOf(keyPem: string): Buffer {
  return createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' });
}

test('a file that asks for hundreds of thousands of rounds is refused before they are computed', async () => {
  const error = await failure(makePkcs12(ec, { encryption: 'slow' }));
  assert.match(error.message, 'the file asks for 300000 rounds of key derivation');
});

test.run();
