/** The media server's data folder and certificate file: found in the usual places; one sentence with the platform's remedy when closed. */
import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findPlexCertificate, plexPassphrase, processedIdentifier } from '../../src/tls/plex-certificate.ts';
import { detectPlatform, findPlexDataFolder } from '../../src/tls/plex-data-folder.ts';
import {
  PLEX_MACHINE_IDENTIFIER,
  PLEX_PASSPHRASE,
  PLEX_PROCESSED_IDENTIFIER,
  plexPreferencesXml,
} from '../support/certificates.ts';
import { asOrdinaryUser, moduleUrl } from './ordinary-user.ts';

const test = suite<{ folder: string }>('plex data folder');

test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'lockgate-data-'));
  await chmod(context.folder, 0o755);
});
test.after.each(async ({ folder }) => {
  await rm(folder, { recursive: true });
});

async function makeDataFolder(...parts: string[]): Promise<string> {
  const folder = join(...parts);
  await mkdir(join(folder, 'Cache'), { recursive: true });
  await writeFile(join(folder, 'Preferences.xml'), plexPreferencesXml());
  return folder;
}

test('the passphrase is derived from either form of the id', () => {
  assert.is(processedIdentifier(PLEX_MACHINE_IDENTIFIER), PLEX_PROCESSED_IDENTIFIER);
  assert.is(plexPassphrase(PLEX_MACHINE_IDENTIFIER), PLEX_PASSPHRASE);
  assert.is(plexPassphrase(PLEX_PROCESSED_IDENTIFIER.toUpperCase()), PLEX_PASSPHRASE);
  assert.match(PLEX_PASSPHRASE, /^[0-9a-f]{128}$/);
});

test('the folder itself, or a parent that was mounted or shared, may be configured', async ({ folder }) => {
  const docker = await makeDataFolder(folder, 'config', 'Library', 'Application Support', 'Plex Media Server');
  const synology = await makeDataFolder(folder, 'share', 'AppData', 'Plex Media Server');
  assert.is(await findPlexDataFolder(docker), docker);
  assert.is(await findPlexDataFolder(join(folder, 'config')), docker);
  assert.is(await findPlexDataFolder(join(folder, 'share')), synology);
});

test('without configuration the first usual place that exists is taken', async ({ folder }) => {
  const second = await makeDataFolder(folder, 'second');
  assert.is(await findPlexDataFolder(undefined, [join(folder, 'first'), second, join(folder, 'third')]), second);
  assert.is(await findPlexDataFolder(undefined, [join(folder, 'first')]), undefined);
});

test('the newest known name wins; else the newest file of that kind', async ({ folder }) => {
  const data = await makeDataFolder(folder, 'data');
  assert.is(await findPlexCertificate(data), undefined);
  for (const [index, name] of ['b.p12', 'a.p12', 'c.p12', 'certificate.p12', 'cert-v2.p12'].entries()) {
    const path = join(data, 'Cache', name);
    await writeFile(path, '');
    if (name === 'b.p12') await utimes(path, new Date(), new Date(Date.now() + 60_000));
    assert.is(await findPlexCertificate(data), index < 3 ? join(data, 'Cache', 'b.p12') : path);
  }
});

test('a data folder without a Cache has no certificate', async ({ folder }) => {
  assert.is(await findPlexCertificate(folder), undefined);
});

/** What an ordinary user is told when it loads the certificate of a closed data folder. */
function sentenceFor(folder: string, platform: string): unknown {
  return asOrdinaryUser(`
    const { ServerSource } = await import(${JSON.stringify(moduleUrl('src/tls/server-source.ts'))});
    const options = { dataFolder: ${JSON.stringify(folder)}, machineId: () => undefined, platform: ${JSON.stringify(platform)} };
    const outcome = await new ServerSource(options).load().catch((error) => error);
    console.log(JSON.stringify(outcome?.sentence ?? 'no sentence'));
  `);
}

const remedies: Readonly<Record<string, RegExp>> = {
  synology:
    /\(Control Panel > Shared Folder > PlexMediaServer > Edit > Permissions > System internal user > sc-lockgate: Read only\)$/,
  container: /\(run the container as the server's user .*mount the server's folder, not the file\)$/,
  linux: /\(usermod -aG plex \S+, or setfacl .*\)$/,
};
for (const [platform, remedy] of Object.entries(remedies)) {
  test(`a closed folder gives one sentence with the remedy for ${platform}`, async ({ folder }) => {
    const data = await makeDataFolder(folder, 'Plex Media Server');
    await chmod(data, 0o700);
    if (process.getuid?.() !== 0) await chmod(data, 0);
    const sentence = sentenceFor(data, platform);
    await chmod(data, 0o700);
    assert.match(String(sentence), /^the media server's ".*Cache" cannot be read: this user may not read it/);
    assert.match(String(sentence), remedy);
    assert.not.match(String(sentence), '\n');
  });
}

test('a certificate that is open to its owner alone asks for that user, not for its group', async ({ folder }) => {
  const data = await makeDataFolder(folder, 'data');
  const path = join(data, 'Cache', 'cert-v2.p12');
  await writeFile(path, 'x', { mode: 0o600 });
  if (process.getuid?.() !== 0) await chmod(path, 0);
  assert.match(
    String(sentenceFor(data, 'linux')),
    /cert-v2\.p12" cannot be read: .*\[run\] user.*lockgate snippet nas/,
  );
});

test('the platform is told by its marks', () => {
  const platformWith = (mark: string) => detectPlatform((path) => path === mark);
  assert.is(platformWith('/etc/synoinfo.conf'), 'synology');
  assert.is(platformWith('/.dockerenv'), 'container');
  assert.is(platformWith('/run/.containerenv'), 'container');
  assert.is(platformWith('/etc/debian_version'), 'linux');
});

test.run();
