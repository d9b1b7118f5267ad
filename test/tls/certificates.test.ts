/** The certificate store: who gets which certificate, and what renewals do under open connections. */
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AuthoritySource } from '../../src/tls/authority-source.ts';
import type { CertificateSource } from '../../src/tls/certificate-source.ts';
import { CertificateStore } from '../../src/tls/certificates.ts';
import { FilesSource } from '../../src/tls/files-source.ts';
import { KeptCertificate } from '../../src/tls/kept-certificate.ts';
import {
  makeCertificate,
  makePkcs12,
  makePlexCertificate,
  PLEX_ZONE,
  plexPreferencesXml,
  type TestCertificate,
  testAuthority,
} from '../support/certificates.ts';
import { look, nextSwap, openClient, rememberingLog, startFront } from './front.ts';
import {
  fingerprintOf,
  pemSource,
  type StoreContext,
  serverSource,
  setUp,
  startStore,
  tearDown,
  writeServerFile,
} from './store-fixture.ts';

const test = suite<StoreContext>('certificates');

test.before.each(setUp);
test.after.each(tearDown);

const DAY_MS = 24 * 60 * 60 * 1000;

const plex = makePlexCertificate();
const renewedPlex = makePlexCertificate({ key: 'ec' });
const own = makeCertificate({ names: ['films.test', '*.home.test', 'music.home.test'], issuer: testAuthority() });
const exact = makeCertificate({ names: ['photos.home.test'], addresses: ['127.0.0.1'], issuer: testAuthority() });

test('the name that a client asks for chooses the certificate: exact, then one-label wildcard, else the first', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const sources = [serverSource(context), await pemSource(context, own), await pemSource(context, exact)];
  const store = await startStore(context, { sources });
  const front = await startFront(store);
  const expected: Readonly<Record<string, TestCertificate>> = {
    [`192-168-1-10.${PLEX_ZONE}`]: plex,
    'films.test': own,
    'FILMS.Test': own,
    'music.home.test': own,
    'any.home.test': own,
    'photos.home.test': exact,
    'two.labels.home.test': plex,
    'home.test': plex,
    'unknown.example': plex,
  };
  for (const [servername, certificate] of Object.entries(expected)) {
    const shown = await look(front.port, { servername });
    assert.is(shown.fingerprint, fingerprintOf(certificate), servername);
    assert.is(shown.greeting, `hello ${servername}\n`);
  }
  await front.close();
});

test("a client that names no host gets the media server's certificate", async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const store = await startStore(context, { sources: [serverSource(context), await pemSource(context, own)] });
  const front = await startFront(store);
  const shown = await look(front.port, { servername: '' });
  assert.is(shown.fingerprint, fingerprintOf(plex));
  assert.is(shown.greeting, 'hello nobody\n');
  await front.close();
});

test('covers and names: wildcards for one label, addresses, case, final dot', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const store = await startStore(context, { sources: [serverSource(context), await pemSource(context, exact)] });
  for (const host of [
    `1-2-3-4.${PLEX_ZONE}`,
    'PHOTOS.home.test',
    'photos.home.test.',
    '127.0.0.1',
    '::ffff:127.0.0.1',
  ]) {
    assert.ok(store.covers(host), host);
  }
  for (const host of [PLEX_ZONE, `a.b.${PLEX_ZONE}`, 'home.test', '127.0.0.2', '::1', '', '.', `.${PLEX_ZONE}`]) {
    assert.not(store.covers(host), host);
  }
  assert.equal(store.zones, [PLEX_ZONE]);
  assert.is(store.nameForAddress('192.168.1.10'), `192-168-1-10.${PLEX_ZONE}`);
  assert.is(store.nameForAddress('fd00::1'), `fd00-0-0-0-0-0-0-1.${PLEX_ZONE}`);
});

test('names that strangers invent cost no lasting memory and displace no certificate', async (context) => {
  const store = await startStore(context, { sources: [await pemSource(context, exact)] });
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  for (let index = 0; index < 50_000; index++) store.covers(`${String(index).padStart(200, 'x')}.test`);
  for (let index = 0; index < 20; index++) store.covers(`${'x'.repeat(1_000_000)}${index}`);
  assert.ok(used() - before < 4_000_000, `${used() - before} bytes`);
  assert.ok(store.covers('photos.home.test'));
  assert.ok(store.contextFor('PHOTOS.home.test.'));
});

test('a renewed file is taken up by itself, open connections live on, and the copy in the state folder is private', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const store = await startStore(context, { sources: [serverSource(context)] });
  const front = await startFront(store);
  const { socket } = await openClient(front.port);
  const swapped = nextSwap(store);
  await writeServerFile(context, makePkcs12(renewedPlex));
  await swapped;
  assert.is((await look(front.port)).fingerprint, fingerprintOf(renewedPlex));
  assert.is((await look(front.port, { servername: `x.${PLEX_ZONE}` })).fingerprint, fingerprintOf(renewedPlex));
  socket.write('still there');
  const echo = await new Promise((resolve) => socket.once('data', (bytes) => resolve(String(bytes))));
  assert.is(echo, 'still there');
  socket.destroy();
  const { path } = new KeptCertificate(context.state);
  assert.is((await stat(path)).mode & 0o777, 0o600);
  await front.close();
});

test('hundreds of handshakes during swaps all succeed with one of the certificates', async (context) => {
  const files = { certFile: join(context.folder, 'chain.pem'), keyFile: join(context.folder, 'key.pem') };
  const put = async ({ certificatePem, chainPem, keyPem }: TestCertificate) => {
    await writeFile(files.certFile, certificatePem + chainPem);
    await writeFile(files.keyFile, keyPem);
  };
  const other = makeCertificate({ names: ['films.test'], issuer: testAuthority() });
  await put(own);
  const store = await startStore(context, { sources: [new FilesSource(files)] });
  const front = await startFront(store);
  const known = [fingerprintOf(own), fingerprintOf(other)];
  const seen = new Map<string, number>();
  let swaps = 0;
  store.onChange(() => swaps++);
  const client = async (index: number) => {
    for (let round = 0; round < 40; round++) {
      const { fingerprint } = await look(front.port, index % 2 === 0 ? { servername: 'films.test' } : {});
      seen.set(fingerprint, (seen.get(fingerprint) ?? 0) + 1);
    }
  };
  let isDone = false;
  const clients = Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(client)).finally(() => {
    isDone = true;
  });
  for (let round = 0; !isDone; round++) {
    await put(round % 2 === 0 ? other : own);
    await store.reload();
  }
  await clients;
  assert.equal([...seen.keys()].sort(), known.sort());
  assert.is(
    [...seen.values()].reduce((sum, count) => sum + count, 0),
    320,
  );
  assert.ok(swaps > 5, `${swaps} swaps`);
  assert.equal(front.terminator.counters().failed, {});
  await front.close();
});

test('the private CA serves only while there is nothing else, and says what apps make of it', async (context) => {
  const fallback = new AuthoritySource({
    state: context.state,
    names: [],
    hostName: 'nas',
    addresses: () => ['127.0.0.1'],
  });
  const store = await startStore(context, { sources: [serverSource(context)], fallback });
  const front = await startFront(store);
  assert.equal(
    store.facts().map(({ source }) => source),
    ['private-ca'],
  );
  assert.match(store.zones[0] ?? '', /\.lockgate\.home\.arpa$/);
  assert.ok(store.covers('127.0.0.1'));
  const sentences = store.problems().map(({ sentence }) => sentence);
  assert.ok(sentences.some((sentence) => sentence.includes('the media server has no certificate yet')));
  assert.ok(sentences.some((sentence) => sentence.includes('media apps on TVs and phones will not accept it')));
  const swapped = nextSwap(store);
  await writeServerFile(context, makePkcs12(plex));
  await swapped;
  assert.equal(
    store.facts().map(({ source }) => source),
    ['server'],
  );
  assert.is((await look(front.port)).fingerprint, fingerprintOf(plex));
  assert.equal(store.problems(), []);
  await front.close();
});

test('without any certificate handshakes fail and the way out is named', async (context) => {
  const store = await startStore(context, { sources: [] });
  const front = await startFront(store);
  const error = await look(front.port).then(
    () => undefined,
    (failure) => failure,
  );
  assert.instance(error, Error);
  assert.match(store.problems()[0]?.sentence ?? '', 'there is no certificate');
  assert.match(store.problems()[0]?.remedy ?? '', 'lockgate snippet nas');
  await front.close();
});

test('an expired certificate is served, with the remedy in the problems and in the log', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const log = rememberingLog();
  const now = () => new Date(Date.now() + 100 * DAY_MS);
  const store = await startStore(context, { sources: [serverSource(context)], log, now });
  const front = await startFront(store);
  assert.is((await look(front.port)).fingerprint, fingerprintOf(plex));
  const [problem] = store.problems();
  assert.is(problem?.severity, 'fault');
  assert.match(
    problem?.sentence ?? '',
    new RegExp(
      `the certificate for "\\*\\.${PLEX_ZONE}" expired on \\d{4}-\\d\\d-\\d\\d, and its file is unchanged since \\d{4}-\\d\\d-\\d\\d$`,
    ),
  );
  assert.match(problem?.remedy ?? '', 'restart it');
  assert.ok((store.facts()[0]?.daysLeft ?? 0) < 0);
  assert.match(log.warnings()[0] ?? '', 'expired on');
  await front.close();
});

test('under fourteen days the log says how many are left, once a day and not with every look', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const log = rememberingLog();
  const store = await startStore(context, {
    sources: [serverSource(context)],
    log,
    now: () => new Date(Date.now() + 80 * DAY_MS),
  });
  await store.reload();
  await store.reload();
  assert.is(log.warnings().filter((message) => message.includes('expires in 9 days')).length, 1);
});

test('a clock in the past is named as the reason', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const store = await startStore(context, { sources: [serverSource(context)], now: () => new Date(0) });
  assert.match(store.problems()[0]?.sentence ?? '', 'is not valid before');
  assert.match(store.problems()[0]?.remedy ?? '', 'clock is right: it says 1970-01-01');
});

test('a renewal that moves a new file over the old one is noticed by events', async (context) => {
  const source = await pemSource(context, own);
  const store = await startStore(context, { sources: [source] });
  const next = join(context.folder, 'next');
  await writeFile(next, exact.certificatePem + exact.chainPem + exact.keyPem);
  const swapped = nextSwap(store);
  await rename(next, join(context.folder, (await source.load())?.origin.split('/').at(-1) ?? ''));
  await swapped;
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(exact));
});

test('the regular look finds what no event told: a folder that was replaced as a whole', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const store = await startStore(context, { sources: [serverSource(context)], pollIntervalMs: 50 });
  await rename(context.dataFolder, `${context.dataFolder}.old`);
  await mkdir(join(context.dataFolder, 'Cache'), { recursive: true });
  await writeFile(join(context.dataFolder, 'Preferences.xml'), plexPreferencesXml());
  const swapped = nextSwap(store);
  await writeServerFile(context, makePkcs12(renewedPlex));
  await swapped;
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(renewedPlex));
});

test('a source that fails for want of a disk is a sentence; a defect is thrown', async (context) => {
  const failing = (error: Error): CertificateSource => ({
    name: 'files',
    folders: () => [],
    load: () => Promise.reject(error),
  });
  const diskError = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
  const store = await startStore(context, { sources: [failing(diskError)] });
  assert.match(store.problems()[0]?.sentence ?? '', 'the certificate from files cannot be had: EIO');
  const defective = new CertificateStore({ sources: [failing(new TypeError('defect'))], profile: 'modern' });
  assert.match(await defective.reload().then(() => 'nothing', String), 'defect');
});

test.run();
