/** What the two profiles offer, asked by openssl, curl and node: nothing old with `modern`, what old televisions need with `legacy`. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { namesAes } from '../../src/tls/aes-hardware.ts';
import { CertificateStore } from '../../src/tls/certificates.ts';
import type { TlsProfileName } from '../../src/tls/profile.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { type Front, look, startFront } from './front.ts';
import { pemSource, type StoreContext, setUp, tearDown } from './store-fixture.ts';

const run = promisify(execFile);

const test = suite<StoreContext>('profile');

test.before.each(setUp);
test.after.each(tearDown);

const rsa = makeCertificate({ names: ['films.test'], key: 'rsa' });
const ec = makeCertificate({ names: ['films.test'], key: 'ec' });

async function frontWith(
  context: StoreContext,
  profile: TlsProfileName,
  certificate: TestCertificate,
  hasAes = true,
): Promise<Front> {
  const store = new CertificateStore({ sources: [await pemSource(context, certificate)], profile, hasAes });
  await store.reload();
  return startFront(store);
}

/** The cipher that openssl agrees on with these flags, or undefined when the handshake fails. */
async function agreedCipher(front: Front, ...flags: string[]): Promise<string | undefined> {
  const args = ['s_client', '-connect', `127.0.0.1:${front.port}`, '-brief', ...flags];
  const child = run('openssl', args);
  child.child.stdin?.end();
  const { stderr } = await child.catch((error: { stderr: string }) => error);
  return /^Ciphersuite: (.*)$/m.exec(stderr)?.[1];
}

const OLD = ['-cipher', 'ALL:@SECLEVEL=0'];

test('modern: TLS 1.3 and 1.2 with forward secrecy and authenticated encryption only', async (context) => {
  for (const certificate of [rsa, ec]) {
    const front = await frontWith(context, 'modern', certificate);
    assert.is(await agreedCipher(front, '-tls1_3'), 'TLS_AES_128_GCM_SHA256');
    assert.match((await agreedCipher(front, '-tls1_2')) ?? '', /^ECDHE-(RSA|ECDSA)-AES128-GCM-SHA256$/);
    assert.is(await agreedCipher(front, '-tls1_1', ...OLD), undefined);
    assert.is(await agreedCipher(front, '-tls1', ...OLD), undefined);
    for (const cipher of [
      'kRSA',
      'ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA',
      'AES128-SHA256',
      'DHE',
      'aNULL',
      'AES128-GCM-SHA256',
    ]) {
      assert.is(await agreedCipher(front, '-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`), undefined, cipher);
    }
    await front.close();
  }
});

test('legacy: also TLS 1.0 and 1.1, CBC, and key exchange by RSA, for clients that have nothing else', async (context) => {
  const front = await frontWith(context, 'legacy', rsa);
  assert.is(await agreedCipher(front, '-tls1_3'), 'TLS_AES_128_GCM_SHA256');
  assert.is(await agreedCipher(front, '-tls1_2', ...OLD), 'ECDHE-RSA-AES128-GCM-SHA256');
  assert.is(await agreedCipher(front, '-tls1_1', ...OLD), 'ECDHE-RSA-AES128-SHA');
  assert.is(await agreedCipher(front, '-tls1', ...OLD), 'ECDHE-RSA-AES128-SHA');
  assert.is(await agreedCipher(front, '-tls1', '-cipher', 'AES128-SHA:@SECLEVEL=0'), 'AES128-SHA');
  assert.is(await agreedCipher(front, '-tls1_2', '-cipher', 'AES256-SHA:@SECLEVEL=0'), 'AES256-SHA');
  assert.is(await agreedCipher(front, '-tls1_2', '-cipher', 'aNULL:@SECLEVEL=0'), undefined);
  await front.close();
});

test('without AES in hardware ChaCha20 goes first for every client that knows it, and AES for the others', async (context) => {
  const AES_FIRST = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256';
  for (const profile of ['modern', 'legacy'] as const) {
    const front = await frontWith(context, profile, ec, false);
    assert.is(await agreedCipher(front, '-tls1_3', '-ciphersuites', AES_FIRST), 'TLS_CHACHA20_POLY1305_SHA256');
    assert.is(
      await agreedCipher(front, '-tls1_3', '-ciphersuites', 'TLS_AES_256_GCM_SHA384'),
      'TLS_AES_256_GCM_SHA384',
    );
    assert.is(await agreedCipher(front, '-tls1_2'), 'ECDHE-ECDSA-CHACHA20-POLY1305');
    assert.is(
      await agreedCipher(front, '-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'),
      'ECDHE-ECDSA-AES128-GCM-SHA256',
    );
    await front.close();
  }
});

test('the processor is asked for AES in the words of x86 and of ARM', () => {
  assert.ok(namesAes('processor\t: 0\nflags\t\t: fpu vme sse2 aes xsave avx\nbogomips\t: 5000\n'));
  assert.ok(namesAes('processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid\n'));
  assert.ok(
    namesAes('Features\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm aes\n'),
  );
  assert.not(namesAes('model name\t: Intel(R) Atom(TM) CPU D2700\nflags\t\t: fpu vme sse2 ssse3 vaes_not\n'));
  // A Raspberry Pi 4, and a MIPS router whose list is of another kind.
  assert.not(namesAes('Features\t: fp asimd evtstrm crc32 cpuid\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4 aes\n'));
  assert.not(namesAes('system type\t\t: MediaTek MT7621\nASEs implemented\t: mips16 dsp mt\n'));
  assert.not(namesAes(''));
});

test('both: a client that puts ChaCha20 first gets it; else AES goes first', async (context) => {
  for (const profile of ['modern', 'legacy'] as const) {
    const front = await frontWith(context, profile, ec);
    const versions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
    const chacha = 'ECDHE-ECDSA-CHACHA20-POLY1305';
    const aes = 'ECDHE-ECDSA-AES128-GCM-SHA256';
    assert.is((await look(front.port, { ...versions, ciphers: `${chacha}:${aes}` })).cipher, chacha);
    assert.is((await look(front.port, { ...versions, ciphers: `${aes}:${chacha}` })).cipher, aes);
    await front.close();
  }
});

test('modern: X25519 and P-256 are agreed, nothing else', async (context) => {
  const front = await frontWith(context, 'modern', ec);
  for (const curve of ['X25519', 'P-256']) assert.ok(await agreedCipher(front, '-groups', curve), curve);
  assert.is(await agreedCipher(front, '-groups', 'P-521'), undefined);
  await front.close();
});

test('renegotiation, of no use to HTTP, is refused', async (context) => {
  const front = await frontWith(context, 'modern', ec);
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${front.port}`, '-tls1_2']);
  let output = '';
  for (const stream of [client.stdout, client.stderr]) {
    stream.on('data', (bytes) => {
      if (!output.includes('hello') && String(bytes).includes('hello')) client.stdin.write('R\n');
      output += bytes;
    });
  }
  await once(client, 'close');
  assert.match(output, 'no renegotiation');
  await front.close();
});

test.run();
