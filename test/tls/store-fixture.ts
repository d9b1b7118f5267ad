/** A media server's data folder, a state folder and stores over them: what the tests of the store and its sources share. */
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateFolder } from '../../src/lib/state-folder.ts';
import { CertificateStore, type CertificateStoreOptions } from '../../src/tls/certificates.ts';
import { FilesSource, type FilesSourceOptions } from '../../src/tls/files-source.ts';
import { KeptCertificate } from '../../src/tls/kept-certificate.ts';
import { ServerSource } from '../../src/tls/server-source.ts';
import { plexPreferencesXml, type TestCertificate } from '../support/certificates.ts';

/** Quick enough for tests, slow enough that the regular look does not hide a missing event. */
const QUICK = { settleMs: 20, pollIntervalMs: 600_000 };

export interface StoreContext {
  folder: string;
  dataFolder: string;
  state: StateFolder;
  stores: CertificateStore[];
}

export async function setUp(context: StoreContext): Promise<void> {
  context.folder = await mkdtemp(join(tmpdir(), 'lockgate-store-'));
  context.dataFolder = join(context.folder, 'Plex Media Server');
  context.state = new StateFolder(join(context.folder, 'state'));
  context.stores = [];
  await mkdir(join(context.dataFolder, 'Cache'), { recursive: true });
  await writeFile(join(context.dataFolder, 'Preferences.xml'), plexPreferencesXml());
}

export async function tearDown({ folder, stores }: StoreContext): Promise<void> {
  for (const store of stores) store.close();
  await rm(folder, { recursive: true });
}

export function fingerprintOf(certificate: TestCertificate): string {
  return new X509Certificate(certificate.certificatePem).fingerprint256;
}

/** A started store, closed with the test. */
export async function startStore(
  context: StoreContext,
  options: Partial<CertificateStoreOptions>,
): Promise<CertificateStore> {
  const store = new CertificateStore({ sources: [], profile: 'modern', ...QUICK, ...options });
  context.stores.push(store);
  await store.start();
  return store;
}

export function serverSource({ dataFolder, state }: StoreContext, machineId?: string): ServerSource {
  return new ServerSource({
    dataFolder,
    machineId: () => machineId,
    kept: new KeptCertificate(state),
    platform: 'linux',
  });
}

/** A source that has this one certificate, in a PEM file of its own. */
export async function pemSource(
  context: StoreContext,
  certificate: TestCertificate,
  options: FilesSourceOptions = {},
): Promise<FilesSource> {
  const certFile = join(context.folder, `${fingerprintOf(certificate).replaceAll(':', '').slice(0, 16)}.pem`);
  await writeFile(certFile, certificate.certificatePem + certificate.chainPem + certificate.keyPem);
  return new FilesSource({ certFile, ...options });
}

/** Writes as the media server does: the file is replaced in place. */
export function writeServerFile(context: StoreContext, bytes: Uint8Array, name = 'cert-v2.p12'): Promise<void> {
  return writeFile(join(context.dataFolder, 'Cache', name), bytes);
}
