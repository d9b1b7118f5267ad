/** The media server's own certificate: opened, kept, and replaced by nothing worse. */
import { createHash } from 'node:crypto';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KeptCertificate } from '../../src/tls/kept-certificate.ts';
import { ServerSource } from '../../src/tls/server-source.ts';
import {
  makePkcs12,
  makePlexCertificate,
  PLEX_PROCESSED_IDENTIFIER,
  PLEX_ZONE,
  plexPreferencesXml,
} from '../support/certificates.ts';
import { rememberingLog } from './front.ts';
import {
  fingerprintOf,
  type StoreContext,
  serverSource,
  setUp,
  startStore,
  tearDown,
  writeServerFile,
} from './store-fixture.ts';

const test = suite<StoreContext>('server source');

test.before.each(setUp);
test.after.each(tearDown);

const plex = makePlexCertificate();
const renewedPlex = makePlexCertificate({ key: 'ec' });

test('a file with RC2 encryption is opened with the derived passphrase and served', async (context) => {
  await writeServerFile(context, makePkcs12(plex, { encryption: 'legacy' }), 'certificate.p12');
  const store = await startStore(context, { sources: [serverSource(context)] });
  const [facts] = store.facts();
  assert.is(facts?.source, 'server');
  assert.equal(facts?.names, [`*.${PLEX_ZONE}`]);
  assert.is(facts?.issuer, 'Test Intermediate');
  assert.is(facts?.fingerprint, fingerprintOf(plex));
  assert.is(facts?.daysLeft, 89);
  assert.equal(store.problems(), []);
});

test('a half-written file changes nothing, is said once, and the complete one is taken up', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const log = rememberingLog();
  const store = await startStore(context, { sources: [serverSource(context)], log });
  const renewed = makePkcs12(renewedPlex);
  await writeServerFile(context, renewed.subarray(0, renewed.length >> 1));
  await store.reload();
  await store.reload();
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(plex));
  assert.equal(
    store.problems().map(({ sentence }) => sentence),
    [
      `"${join(context.dataFolder, 'Cache', 'cert-v2.p12')}" is not a complete PKCS#12 file (${renewed.length >> 1} bytes)`,
    ],
  );
  assert.is(log.warnings().length, 1);
  await writeServerFile(context, renewed);
  await store.reload();
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(renewedPlex));
  assert.equal(store.problems(), []);
});

test('a file that another server wrote is one sentence and changes nothing', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const store = await startStore(context, { sources: [serverSource(context)] });
  await writeServerFile(context, makePkcs12(renewedPlex, { passphrase: 'of another server' }));
  await store.reload();
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(plex));
  assert.match(store.problems()[0]?.sentence ?? '', 'is not opened by the passphrase');
});

test('the copy in the state folder stands in when the folder is gone at the next start', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  await startStore(context, { sources: [serverSource(context)] });
  await rm(context.dataFolder, { recursive: true });
  const store = await startStore(context, { sources: [serverSource(context)] });
  const [facts] = store.facts();
  assert.is(facts?.fingerprint, fingerprintOf(plex));
  assert.is(facts?.origin, new KeptCertificate(context.state).path);
});

test('a folder that was named and is not there is one sentence; one that was not named is nothing', async (context) => {
  await rm(context.dataFolder, { recursive: true });
  const named = await startStore(context, { sources: [serverSource(context)] });
  assert.is(named.problems()[0]?.sentence, `server.data_dir: "${context.dataFolder}" does not exist`);
  const source = new ServerSource({ machineId: () => undefined, usualFolders: [context.dataFolder] });
  const unnamed = await startStore(context, { sources: [source] });
  assert.is(unnamed.problems().length, 1);
  assert.match(unnamed.problems()[0]?.sentence ?? '', 'there is no certificate');
});

test('the copy stands in, with the fault said, while the file is bad at start', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  await startStore(context, { sources: [serverSource(context)] });
  await writeServerFile(context, Buffer.from('nonsense'));
  const store = await startStore(context, { sources: [serverSource(context)] });
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(plex));
  assert.match(store.problems()[0]?.sentence ?? '', 'not a complete PKCS#12 file');
});

test('an unchanged file is served from the copy without being opened again', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  await startStore(context, { sources: [serverSource(context)] });
  await rm(join(context.dataFolder, 'Preferences.xml'));
  const store = await startStore(context, { sources: [serverSource(context)] });
  assert.is(store.facts()[0]?.origin, join(context.dataFolder, 'Cache', 'cert-v2.p12'));
  assert.equal(store.problems(), []);
});

test('a copy of another server is not served', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  await startStore(context, { sources: [serverSource(context)] });
  const source = new ServerSource({
    dataFolder: join(context.folder, 'none'),
    machineId: () => undefined,
    knownZone: () => 'ffffffffffffffffffffffffffffffff.plex.direct',
    kept: new KeptCertificate(context.state),
  });
  const store = await startStore(context, { sources: [source] });
  assert.equal(store.facts(), []);
  assert.match(store.problems()[0]?.sentence ?? '', "is not for the server's zone");
});

test('without readable settings the id of the running server opens the file; without an id that is said', async (context) => {
  await rm(join(context.dataFolder, 'Preferences.xml'));
  await writeServerFile(context, makePkcs12(plex));
  const without = await startStore(context, { sources: [serverSource(context)] });
  assert.match(without.problems()[0]?.sentence ?? '', 'cannot be opened before its id is known');
  const store = await startStore(context, { sources: [serverSource(context, PLEX_PROCESSED_IDENTIFIER)] });
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(plex));
});

test('a state folder that cannot be written costs nothing but the copy', async (context) => {
  await writeFile(context.state.path, 'a file where the folder should be');
  await writeServerFile(context, makePkcs12(plex));
  const store = await startStore(context, { sources: [serverSource(context)] });
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(plex));
  assert.is(store.problems().length, 1);
  await rm(context.state.path);
});

const NEW_UUID = 'f'.repeat(32);

test('after the server got other names that is said with what to replace, over renewals and restarts', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const store = await startStore(context, { sources: [serverSource(context)] });
  const preferences = join(context.dataFolder, 'Preferences.xml');
  await writeFile(preferences, plexPreferencesXml({ CertificateUUID: NEW_UUID }));
  await store.reload();
  assert.match(
    store.problems()[0]?.sentence ?? '',
    `is for the server's former names "*.${PLEX_ZONE}"; its settings say "*.${NEW_UUID}`,
  );
  for (const key of ['rsa', 'ec'] as const) {
    await writeServerFile(context, makePkcs12(makePlexCertificate({ uuid: NEW_UUID, key })));
    await store.reload();
    const again = await startStore(context, { sources: [serverSource(context)] });
    for (const [problem] of [store, again].map((each) => each.problems())) {
      assert.match(problem?.sentence ?? '', `from "*.${PLEX_ZONE}" to "*.${NEW_UUID}.plex.direct"`);
      assert.match(problem?.remedy ?? '', 'lockgate snippet');
    }
  }
});

test('a file that stays as it is while its end nears is said to be unchanged since its day', async (context) => {
  await writeServerFile(context, makePkcs12(plex));
  const path = join(context.dataFolder, 'Cache', 'cert-v2.p12');
  await utimes(path, new Date('2026-09-01'), new Date('2026-09-01'));
  const now = () => new Date(Date.now() + 80 * 24 * 60 * 60_000);
  const store = await startStore(context, { sources: [serverSource(context)], now });
  assert.match(store.problems()[0]?.sentence ?? '', /expires in 9 days, and its file is unchanged since 2026-09-01$/);
  await utimes(path, new Date('2026-11-01'), new Date('2026-11-01'));
  await store.reload();
  assert.match(store.problems()[0]?.sentence ?? '', /unchanged since 2026-11-01$/);
});

test('the digest in the copy is the one of the file', async (context) => {
  const bytes = makePkcs12(plex);
  await writeServerFile(context, bytes);
  await startStore(context, { sources: [serverSource(context)] });
  const text = await readFile(new KeptCertificate(context.state).path, 'utf8');
  assert.ok(text.startsWith(`made from the file with sha256 ${createHash('sha256').update(bytes).digest('hex')}\n`));
});

test.run();
