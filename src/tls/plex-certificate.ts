/** The certificate that Plex Media Server keeps for itself: its file, its derived passphrase, its zone. */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../lib/errors.ts';

/** Newest server versions first. */
const FILE_NAMES = ['cert-v2.p12', 'certificate.p12'] as const;

/** The id that `/identity` shows: SHA-1 of the `MachineIdentifier` with a suffix. An id that is processed already comes back as it is. */
export function processedIdentifier(machineId: string): string {
  if (/^[0-9a-f]{40}$/i.test(machineId)) return machineId.toLowerCase();
  return createHash('sha1').update(`${machineId}- Plex Media Server`).digest('hex');
}

/** The passphrase of the server's PKCS#12 file; `machineId` is either form of the id. */
export function plexPassphrase(machineId: string): string {
  return createHash('sha512')
    .update(`plex${processedIdentifier(machineId)}`)
    .digest('hex');
}

/** The server's PKCS#12 file in its data folder: the known names, else the newest `*.p12`. Undefined: none yet. Rejects with the system error when the folder must not be read. */
export async function findPlexCertificate(dataFolder: string): Promise<string | undefined> {
  const folder = join(dataFolder, 'Cache');
  const names = await fileNames(folder);
  const known = FILE_NAMES.find((name) => names.includes(name));
  if (known !== undefined) return join(folder, known);
  const others = names.filter((name) => name.endsWith('.p12')).map((name) => join(folder, name));
  const dated = await Promise.all(others.map(async (path) => ({ path, modified: (await stat(path)).mtimeMs })));
  return dated.sort((one, other) => other.modified - one.modified)[0]?.path;
}

async function fileNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
