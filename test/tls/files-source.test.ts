/** Certificates of the user: every usual form of PEM and PKCS#12, and one sentence for every fault. */
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FilesSource, type FilesSourceOptions } from '../../src/tls/files-source.ts';
import {
  encryptKey,
  makeCertificate,
  makePkcs12,
  makePlexCertificate,
  PLEX_PROCESSED_IDENTIFIER,
  type TestCertificate,
  testAuthority,
} from '../support/certificates.ts';
import { nextSwap, openClient, startFront } from './front.ts';
import { fingerprintOf, pemSource, type StoreContext, setUp, startStore, tearDown } from './store-fixture.ts';

const test = suite<StoreContext>('files source');

test.before.each(setUp);
test.after.each(tearDown);

const plex = makePlexCertificate();
const own = makeCertificate({ names: ['films.test', '*.home.test', 'music.home.test'], issuer: testAuthority() });
const exact = makeCertificate({ names: ['photos.home.test'], addresses: ['127.0.0.1'], issuer: testAuthority() });

test('a chain without its intermediate is served with a warning', async (context) => {
  const store = await startStore(context, { sources: [await pemSource(context, { ...own, chainPem: '' })] });
  assert.is(store.facts()[0]?.isIncomplete, true);
  assert.match(store.problems()[0]?.sentence ?? '', 'comes without the certificate of its issuer "Test Intermediate"');
});

test('a chain in any order, with its root, is sent in order and without the root', async (context) => {
  const certFile = join(context.folder, 'jumble.pem');
  await writeFile(certFile, `some text\n${own.rootPem}${own.chainPem}${own.keyPem}${own.certificatePem}`);
  const store = await startStore(context, { sources: [new FilesSource({ certFile })] });
  assert.is(store.defaultContextOptions.cert, own.certificatePem + own.chainPem);
  const front = await startFront(store);
  const { socket } = await openClient(front.port, {
    servername: 'films.test',
    ca: own.rootPem,
    rejectUnauthorized: true,
  });
  assert.ok(socket.authorized);
  socket.destroy();
  await front.close();
});

test('encrypted keys open with their passphrase file', async (context) => {
  const passphraseFile = join(context.folder, 'passphrase');
  await writeFile(passphraseFile, 'open sesame\n');
  const rsa = makeCertificate({ names: ['rsa.test'], key: 'rsa' });
  for (const [certificate, form] of [
    [own, 'pkcs8'],
    [rsa, 'traditional'],
  ] as const) {
    const source = await pemSource(
      context,
      { ...certificate, keyPem: encryptKey(certificate.keyPem, 'open sesame', form) },
      { keyPassphraseFile: passphraseFile },
    );
    const store = await startStore(context, { sources: [source] });
    assert.is(store.facts()[0]?.fingerprint, fingerprintOf(certificate), form);
  }
});

test('cert_file alone may hold everything, as PEM or as PKCS#12', async (context) => {
  const certFile = join(context.folder, 'everything.p12');
  const pfxPassphraseFile = join(context.folder, 'passphrase');
  await writeFile(pfxPassphraseFile, 'of my own\n');
  await writeFile(certFile, makePkcs12(own, { passphrase: 'of my own' }));
  const store = await startStore(context, { sources: [new FilesSource({ certFile, pfxPassphraseFile })] });
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(own));
  await writeFile(certFile, exact.certificatePem + exact.chainPem + exact.keyPem);
  await store.reload();
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(exact));
});

test('a key with its curve parameters in front is read', async (context) => {
  const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
  const store = await startStore(context, {
    sources: [await pemSource(context, { ...own, keyPem: parameters + own.keyPem })],
  });
  assert.is(store.facts().length, 1);
});

test('a PKCS#12 file of the user opens with its passphrase file, or with none', async (context) => {
  const pfxFile = join(context.folder, 'own.pfx');
  const pfxPassphraseFile = join(context.folder, 'passphrase');
  await writeFile(pfxPassphraseFile, 'of my own\r\n');
  await writeFile(pfxFile, makePkcs12(own, { passphrase: 'of my own' }));
  const store = await startStore(context, { sources: [new FilesSource({ pfxFile, pfxPassphraseFile })] });
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(own));
  await writeFile(pfxFile, makePkcs12(plex));
  const derived = new FilesSource({ pfxFile, machineId: () => PLEX_PROCESSED_IDENTIFIER });
  assert.is((await startStore(context, { sources: [derived] })).facts()[0]?.fingerprint, fingerprintOf(plex));
  await writeFile(pfxFile, makePkcs12(own, { passphrase: '' }));
  assert.is(
    (await startStore(context, { sources: [new FilesSource({ pfxFile })] })).facts()[0]?.fingerprint,
    fingerprintOf(own),
  );
});

test('every fault of configured files is one sentence that names the key of the configuration', async (context) => {
  const path = (name: string) => join(context.folder, name);
  await writeFile(path('chain.pem'), own.certificatePem);
  await writeFile(path('key.pem'), own.keyPem);
  await writeFile(path('foreign.pem'), exact.keyPem);
  await writeFile(path('encrypted.pem'), encryptKey(own.keyPem, 'secret'));
  await writeFile(path('wrong'), 'wrong');
  await writeFile(path('short.pem'), own.certificatePem.slice(0, 200));
  await writeFile(path('broken.pem'), own.certificatePem.replace(/^MII.*$/m, ''));
  await writeFile(path('file.p12'), makePkcs12(own));
  const weak = makeCertificate({ names: ['weak.test'], key: 'weak-rsa' });
  await writeFile(path('weak.pem'), weak.certificatePem + weak.keyPem);
  const faults: readonly [FilesSourceOptions, RegExp][] = [
    [{ certFile: path('none.pem') }, /^certificate\.cert_file: ".*none\.pem" does not exist$/],
    [{ certFile: context.folder }, /^certificate\.cert_file: .* it is not a file$/],
    [{ certFile: path('chain.pem') }, /^certificate\.cert_file: ".*" holds no private key$/],
    [
      { certFile: path('chain.pem'), keyFile: path('none.pem') },
      /^certificate\.key_file: ".*none\.pem" does not exist$/,
    ],
    [
      { certFile: path('chain.pem'), keyFile: path('foreign.pem') },
      /holds a private key that does not belong to its certificate$/,
    ],
    [{ certFile: path('key.pem') }, /holds no certificate$/],
    [
      { certFile: path('chain.pem'), keyFile: path('encrypted.pem') },
      /^certificate\.key_file: ".*" holds an encrypted private key$/,
    ],
    [
      { certFile: path('chain.pem'), keyFile: path('encrypted.pem'), keyPassphraseFile: path('wrong') },
      /^certificate\.key_file: ".*" holds a private key that its passphrase does not open$/,
    ],
    [{ certFile: path('short.pem') }, /is not PEM$/],
    [{ certFile: path('broken.pem'), keyFile: path('key.pem') }, /holds a certificate that cannot be read/],
    [{ certFile: path('file.p12'), keyFile: path('key.pem') }, /is not PEM$/],
    [{ certFile: path('file.p12') }, /^certificate\.cert_file: ".*" is not opened by the passphrase/],
    [{ pfxFile: path('chain.pem') }, /^certificate\.pfx_file: ".*" is PEM, not PKCS#12$/],
    [
      { pfxFile: path('file.p12'), pfxPassphraseFile: path('wrong') },
      /^certificate\.pfx_file: ".*" is not opened by the passphrase/,
    ],
    [{ certFile: path('weak.pem') }, /is not accepted by OpenSSL: .*key too small/],
  ];
  for (const [options, sentence] of faults) {
    const store = await startStore(context, { sources: [new FilesSource(options)] });
    const [problem] = store.problems();
    assert.match(problem?.sentence ?? 'no problem', sentence);
    assert.not.match(`${problem?.sentence}${problem?.remedy}`, '\n');
    store.close();
  }
});

/** Writes one renewal into a folder of its tool; the swap must come by events alone. */
type Renew = (folder: string, certificate: TestCertificate, round: number) => Promise<void>;

const tools: Readonly<Record<string, Renew>> = {
  // acme.sh --install-cert: in place, the key first.
  'acme.sh': async (folder, { certificatePem, chainPem, keyPem }) => {
    await writeFile(join(folder, 'privkey.pem'), keyPem);
    await writeFile(join(folder, 'fullchain.pem'), certificatePem + chainPem);
  },
  // certbot: links into an archive, pointed elsewhere.
  certbot: async (folder, { certificatePem, chainPem, keyPem }, round) => {
    for (const [name, text] of [
      ['privkey', keyPem],
      ['fullchain', certificatePem + chainPem],
    ] as const) {
      const target = join(folder, '..', `${name}${round}.pem`);
      await writeFile(target, text);
      await symlink(target, join(folder, `${name}.new`));
      await rename(join(folder, `${name}.new`), join(folder, `${name}.pem`));
    }
  },
  // DSM: complete files moved over the former ones.
  DSM: async (folder, { certificatePem, chainPem, keyPem }) => {
    for (const [name, text] of [
      ['privkey', keyPem],
      ['fullchain', certificatePem + chainPem],
    ] as const) {
      await writeFile(join(folder, `.${name}`), text);
      await rename(join(folder, `.${name}`), join(folder, `${name}.pem`));
    }
  },
};
for (const [tool, renew] of Object.entries(tools)) {
  test(`a renewal by ${tool} is taken up by itself, and half of one changes nothing`, async (context) => {
    const folder = join(context.folder, tool);
    await mkdir(folder);
    await renew(folder, own, 0);
    const files = { certFile: join(folder, 'fullchain.pem'), keyFile: join(folder, 'privkey.pem') };
    const store = await startStore(context, { sources: [new FilesSource(files)] });
    await rename(files.keyFile, join(folder, 'kept'));
    await writeFile(files.keyFile, exact.keyPem);
    await store.reload();
    assert.is(store.facts()[0]?.fingerprint, fingerprintOf(own));
    assert.match(store.problems()[0]?.sentence ?? '', 'does not belong to its certificate');
    const swapped = nextSwap(store);
    await renew(folder, exact, 1);
    await swapped;
    assert.is(store.facts()[0]?.fingerprint, fingerprintOf(exact));
    assert.equal(store.problems(), []);
  });
}

test('a pipe where a file should be does not hang the start', async (context) => {
  const { execFileSync } = await import('node:child_process');
  const certFile = join(context.folder, 'pipe');
  execFileSync('mkfifo', [certFile]);
  const store = await startStore(context, { sources: [new FilesSource({ certFile })] });
  assert.match(store.problems()[0]?.sentence ?? '', 'it is not a file');
});

test.run();
