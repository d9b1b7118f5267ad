/** `certificate import`: what is taken, and that a refusal leaves everything as it was. */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GatewayError } from '../../src/lib/errors.ts';
import { type ImportRequest, importCertificate } from '../../src/tls/import.ts';
import { KeptCertificate } from '../../src/tls/kept-certificate.ts';
import { ServerSource } from '../../src/tls/server-source.ts';
import {
  makeCertificate,
  makePkcs12,
  makePlexCertificate,
  PLEX_MACHINE_IDENTIFIER,
  PLEX_PASSPHRASE,
  PLEX_PROCESSED_IDENTIFIER,
  PLEX_ZONE,
} from '../support/certificates.ts';
import { look, nextSwap, startFront } from './front.ts';
import { fingerprintOf, type StoreContext, setUp, startStore, tearDown } from './store-fixture.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

const test = suite<StoreContext>('import');

test.before.each(setUp);
test.after.each(tearDown);

const plex = makePlexCertificate();
const file = makePkcs12(plex, { encryption: 'legacy' });

function importInto({ state }: StoreContext, request: Partial<ImportRequest> = {}) {
  return importCertificate({
    bytes: file,
    state,
    machineId: PLEX_PROCESSED_IDENTIFIER,
    expectedZone: PLEX_ZONE,
    ...request,
  });
}

test('the pushed file is kept, private, and described', async (context) => {
  const facts = await importInto(context);
  assert.is(facts.fingerprint, fingerprintOf(plex));
  assert.equal(facts.names, [`*.${PLEX_ZONE}`]);
  const { path, folder } = new KeptCertificate(context.state);
  assert.is((await stat(path)).mode & 0o777, 0o600);
  assert.is((await stat(folder)).mode & 0o777, 0o700);
});

test('either form of the id opens it, and so does a passphrase given', async (context) => {
  await importInto(context, { machineId: PLEX_MACHINE_IDENTIFIER });
  await importInto(context, { machineId: undefined, passphrases: [PLEX_PASSPHRASE] });
});

test('a running gateway takes an import up by itself, and the same file again changes nothing', async (context) => {
  const kept = new KeptCertificate(context.state);
  await context.state.prepare();
  const source = new ServerSource({ dataFolder: '/nowhere', machineId: () => undefined, kept });
  const store = await startStore(context, { sources: [source], pollIntervalMs: 30 });
  const front = await startFront(store);
  const swapped = nextSwap(store);
  await importInto(context);
  await swapped;
  assert.is((await look(front.port)).fingerprint, fingerprintOf(plex));
  const before = await readFile(kept.path);
  await importInto(context);
  await store.reload();
  assert.equal(await readFile(kept.path), before);
  assert.is((await look(front.port)).fingerprint, fingerprintOf(plex));
  await front.close();
});

test('a renewed file replaces the kept one while the gateway runs', async (context) => {
  await importInto(context);
  const source = new ServerSource({
    dataFolder: '/nowhere',
    machineId: () => undefined,
    kept: new KeptCertificate(context.state),
  });
  const store = await startStore(context, { sources: [source] });
  const renewed = makePlexCertificate({ key: 'ec' });
  const swapped = nextSwap(store);
  await importInto(context, { bytes: makePkcs12(renewed) });
  await swapped;
  assert.is(store.facts()[0]?.fingerprint, fingerprintOf(renewed));
});

const other = makePlexCertificate({ uuid: 'f'.repeat(32) });
const refused: Readonly<Record<string, [Partial<ImportRequest>, RegExp]>> = {
  'a wrong id': [{ machineId: 'a'.repeat(40) }, /is not opened by the passphrase/],
  'no id at all': [{ machineId: undefined }, /cannot be opened before its id is known \(set \[server\] id/],
  'half a file': [{ bytes: file.subarray(0, 900) }, /is not a complete PKCS#12 file \(900 bytes\)/],
  nothing: [{ bytes: Buffer.alloc(0) }, /is not a complete PKCS#12 file \(0 bytes\)/],
  'a file without key': [{ bytes: makePkcs12(plex, { withoutKey: true }) }, /holds no private key/],
  "another server's certificate": [{ bytes: makePkcs12(other) }, /is for "\*\.f{32}\.plex\.direct", not for "\*\.0123/],
  'a certificate of a web site': [
    { bytes: makePkcs12(makeCertificate({ names: ['films.example'] })), expectedZone: undefined },
    /is not a media server's certificate: it is for "films\.example"/,
  ],
  'an expired one': [{ now: new Date(Date.now() + 100 * DAY_MS) }, /expired on \d{4}-/],
  'one from the future': [{ now: new Date(0) }, /is not valid before .*clock of this machine is right: it says 1970/],
};
for (const [what, [request, sentence]] of Object.entries(refused)) {
  test(`${what} is refused and changes nothing`, async (context) => {
    const error = await importInto(context, request).then(
      () => undefined,
      (fault) => fault,
    );
    assert.instance(error, GatewayError);
    assert.match((error as GatewayError).sentence, sentence);
    assert.equal(await readdir(context.state.path).catch(() => []), []);
    await importInto(context);
    const before = await readFile(new KeptCertificate(context.state).path);
    await importInto(context, request).catch(() => {});
    assert.equal(await readFile(new KeptCertificate(context.state).path), before);
  });
}

test('a file that is older than the kept one is refused', async (context) => {
  // Dates of certificates count whole seconds.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await importInto(context, { bytes: makePkcs12(makePlexCertificate({ key: 'ec' })) });
  const error = await importInto(context).then(
    () => undefined,
    (fault) => fault,
  );
  assert.match((error as GatewayError).sentence, 'was issued before the one that is kept already');
});

test("while the server does not show its zone, another zone's file does not replace the kept one, although the passphrase opens it", async (context) => {
  const kept = new KeptCertificate(context.state);
  await importInto(context, { expectedZone: undefined });
  const before = await readFile(kept.path);
  const error = await importInto(context, { bytes: makePkcs12(other), expectedZone: undefined }).then(
    () => undefined,
    (fault) => fault,
  );
  assert.instance(error, GatewayError);
  const { sentence } = error as GatewayError;
  assert.match(sentence, `is for "*.${'f'.repeat(32)}.plex.direct", the kept one for "*.${PLEX_ZONE}"`);
  assert.match(sentence, `or, if it has got a new name for good, remove "${kept.path}" first`);
  assert.equal(await readFile(kept.path), before);
  await importInto(context, { bytes: makePkcs12(makePlexCertificate({ key: 'ec' })), expectedZone: undefined });
  assert.not.equal(await readFile(kept.path), before);
});

test('a server that shows a new zone gets its file taken, and so does the first file of all', async (context) => {
  const newZone = `${'f'.repeat(32)}.plex.direct`;
  await importInto(context);
  await importInto(context, { bytes: makePkcs12(other), expectedZone: newZone });
  await rm(new KeptCertificate(context.state).path);
  const facts = await importInto(context, { expectedZone: undefined });
  assert.equal(facts.zones, [PLEX_ZONE]);
});

test('what root imports belongs to the owner of the state folder, so that the service can read it', async (context) => {
  if (process.getuid?.() !== 0) {
    console.log('skipped: only root can give files away');
    return;
  }
  const { chown } = await import('node:fs/promises');
  await context.state.prepare();
  await chown(context.state.path, 65534, 65534);
  await importInto(context);
  const { path } = new KeptCertificate(context.state);
  assert.is((await stat(path)).uid, 65534);
  assert.is((await stat(join(path, '..'))).uid, 65534);
});

test.run();
