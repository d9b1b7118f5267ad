/** The media server's data folder: where it usually is, and what to do when it must not be read. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { GatewayError, messageOf, systemCodeOf } from '../lib/errors.ts';

const FOLDER_NAME = 'Plex Media Server';

/** Where packages of the server put the folder: Debian and Red Hat, Docker, Synology (DSM 7, DSM 6). */
export const USUAL_DATA_FOLDERS: readonly string[] = [
  `/var/lib/plexmediaserver/Library/Application Support/${FOLDER_NAME}`,
  `/config/Library/Application Support/${FOLDER_NAME}`,
  `/volume1/PlexMediaServer/AppData/${FOLDER_NAME}`,
  `/var/packages/PlexMediaServer/shares/PlexMediaServer/AppData/${FOLDER_NAME}`,
];

/** What a user names as the folder may be one of its parents: a mounted `/config`, a shared folder. */
const BELOW_CONFIGURED: readonly string[] = [
  '',
  FOLDER_NAME,
  join('Library', 'Application Support', FOLDER_NAME),
  join('AppData', FOLDER_NAME),
];

/**
 * The data folder: the configured one (or its usual place below it), else the first usual place that exists. A folder that exists but must
 * not be entered counts as found. Undefined: there is none here.
 */
export async function findPlexDataFolder(
  configured: string | undefined,
  usual: readonly string[] = USUAL_DATA_FOLDERS,
): Promise<string | undefined> {
  const candidates = configured === undefined ? usual : BELOW_CONFIGURED.map((below) => join(configured, below));
  for (const folder of candidates) {
    if (await isPresent(join(folder, 'Preferences.xml'))) return folder;
  }
  for (const folder of candidates) {
    if (await isPresent(folder)) return folder;
  }
  return undefined;
}

/** Present includes what this process must not look at: that is a fault to report, not an absence. */
async function isPresent(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    return isForbidden(error);
  }
}

/** Whether a system error means missing permission. */
export function isForbidden(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'EACCES' || code === 'EPERM';
}

export type Platform = 'synology' | 'container' | 'linux';

/** What this process runs on, as far as the remedy for missing permission depends on it. */
export function detectPlatform(exists: (path: string) => boolean = existsSync): Platform {
  if (exists('/etc/synoinfo.conf')) return 'synology';
  if (exists('/.dockerenv') || exists('/run/.containerenv')) return 'container';
  return 'linux';
}

/** The error for a file or folder of the server that cannot be read: one sentence, with the remedy of the platform. */
export async function unreadableError(path: string, cause: unknown, platform: Platform): Promise<GatewayError> {
  const reason = isForbidden(cause) ? 'this user may not read it' : messageOf(cause);
  return new GatewayError('certificate', `the media server's ${JSON.stringify(path)} cannot be read: ${reason}`, {
    hint: isForbidden(cause) ? await permissionRemedy(path, platform) : 'look at the file and its disk',
    cause,
  });
}

async function permissionRemedy(path: string, platform: Platform): Promise<string> {
  if (platform === 'synology') {
    return 'Control Panel > Shared Folder > PlexMediaServer > Edit > Permissions > System internal user > sc-lockgate: Read only';
  }
  if (platform === 'container') {
    return "run the container as the server's user (`user:`), and mount the server's folder, not the file";
  }
  return linuxRemedy(path);
}

/** A file closed to its group stays closed to everybody's group and ACL: only its owner or a daily copy helps. */
async function linuxRemedy(path: string): Promise<string> {
  const facts = await stat(path).catch(() => undefined);
  const isClosedToGroup = facts?.isFile() && (facts.mode & 0o040) === 0;
  if (isClosedToGroup) {
    return 'the file is open to its owner alone: run lockgate as that user ([run] user), or let root push it daily: lockgate snippet nas';
  }
  const user = userName();
  return `usermod -aG plex ${user}, or setfacl -R -m u:${user}:rX on the folder, then restart lockgate`;
}

/** A container may run under a number that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'lockgate';
  }
}
