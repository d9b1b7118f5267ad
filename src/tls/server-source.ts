/** The media server's own certificate: from its data folder, or the copy that was kept or imported. */
import { join } from 'node:path';
import { GatewayError } from '../lib/errors.ts';
import { plexZone } from './address-zone.ts';
import { readBoundedFile } from './bounded-file.ts';
import { alternativeNames } from './certificate-facts.ts';
import type { CertificateSource, LoadedCertificate } from './certificate-source.ts';
import type { KeyedChain } from './chain.ts';
import { digestOf, type KeptCertificate, type KeptCopy } from './kept-certificate.ts';
import { Pkcs12File } from './pkcs12-file.ts';
import { findPlexCertificate, plexPassphrase } from './plex-certificate.ts';
import { detectPlatform, findPlexDataFolder, type Platform, unreadableError } from './plex-data-folder.ts';
import { type PlexPreferences, readPlexPreferences } from './plex-preferences.ts';

/** So long is said that the server's names have changed: long enough for somebody to look, and to forget it. */
const NEW_NAMES_DAYS = 14;
const DAY_MS = 24 * 60 * 60_000;

export interface ServerSourceOptions {
  /** `server.data_dir`; undefined: the usual places. */
  readonly dataFolder?: string | undefined;
  /** The server's id in either form, as far as it is known. */
  readonly machineId: () => string | undefined;
  /** The zone that the server is known to have, from its own TLS side or its discovery reply. */
  readonly knownZone?: () => string | undefined;
  /** Absent: nothing is kept and no kept copy is used (`check`). */
  readonly kept?: KeptCertificate;
  readonly usualFolders?: readonly string[];
  readonly platform?: Platform;
}

/** What one of the two places gave. */
interface Finding {
  readonly loaded?: LoadedCertificate;
  readonly fault?: GatewayError;
  /** What is kept now. */
  readonly copy?: KeptCopy | undefined;
}

export class ServerSource implements CertificateSource {
  readonly name = 'server';
  readonly #options: ServerSourceOptions;
  readonly #platform: Platform;
  readonly #file = new Pkcs12File();
  #dataFolder: string | undefined;

  constructor(options: ServerSourceOptions) {
    this.#options = options;
    this.#platform = options.platform ?? detectPlatform();
  }

  /** The certificate that was issued last, of the server's file and the kept copy; the file's is kept when it is new. */
  async load(): Promise<LoadedCertificate | undefined> {
    this.#dataFolder = await findPlexDataFolder(this.#options.dataFolder, this.#options.usualFolders);
    const preferences = await this.#preferences();
    const copy = await this.#readKept(preferences);
    const file = await this.#readFile(preferences, copy.copy);
    const best = newest(file.loaded, copy.loaded);
    const copyFault = file.loaded === undefined ? copy.fault : undefined;
    const fault = file.fault ?? copyFault ?? this.#missingFolder() ?? newNames(file.copy ?? copy.copy);
    if (best === undefined) {
      if (fault !== undefined) throw fault;
      return undefined;
    }
    return fault === undefined ? best : { ...best, fault };
  }

  folders(): readonly string[] {
    const folders = this.#options.kept === undefined ? [] : [this.#options.kept.folder];
    if (this.#dataFolder !== undefined) folders.push(join(this.#dataFolder, 'Cache'));
    return folders;
  }

  /** No folder is no fault, unless one was named. */
  #missingFolder(): GatewayError | undefined {
    const { dataFolder: named } = this.#options;
    if (named === undefined || this.#dataFolder !== undefined) return undefined;
    return new GatewayError('certificate', `server.data_dir: ${JSON.stringify(named)} does not exist`, {
      hint: 'check the path (a container must have the folder mounted), or leave it out when the server is on another machine',
    });
  }

  /** Unreadable settings are no reason to stop: the id may be known otherwise, and the certificate's own fault says the same. */
  async #preferences(): Promise<PlexPreferences | undefined> {
    if (this.#dataFolder === undefined) return undefined;
    return readPlexPreferences(this.#dataFolder, this.#platform).catch(() => undefined);
  }

  async #readFile(preferences: PlexPreferences | undefined, kept: KeptCopy | undefined): Promise<Finding> {
    if (this.#dataFolder === undefined) return {};
    try {
      return await this.#openFile(this.#dataFolder, preferences, kept);
    } catch (fault) {
      if (fault instanceof GatewayError) return { fault };
      throw fault;
    }
  }

  async #openFile(
    dataFolder: string,
    preferences: PlexPreferences | undefined,
    kept: KeptCopy | undefined,
  ): Promise<Finding> {
    const path = await this.#findFile(dataFolder);
    const bytes = await this.#readBytes(path);
    const digest = digestOf(bytes);
    if (kept?.originDigest === digest) return { loaded: { chain: kept.chain, origin: path } };
    const chain = await this.#file.open(JSON.stringify(path), bytes, this.#passphrases(preferences));
    const zone = zoneOf(preferences);
    if (zone !== undefined && !isForZone(chain, zone)) {
      return { loaded: { chain, origin: path }, fault: formerNames(path, chain, zone) };
    }
    const loaded = { chain, origin: path };
    if (kept !== undefined && !isNewer(chain, kept.chain)) return { loaded };
    return { loaded, ...(await this.#keep(chain, digest)) };
  }

  /** A state folder that cannot be written is no reason to serve less. */
  async #keep(chain: KeyedChain, digest: string): Promise<Finding> {
    try {
      return { copy: await this.#options.kept?.write(chain, digest) };
    } catch (fault) {
      if (fault instanceof GatewayError) return { fault };
      throw fault;
    }
  }

  async #findFile(dataFolder: string): Promise<string> {
    let path: string | undefined;
    try {
      path = await findPlexCertificate(dataFolder);
    } catch (cause) {
      throw await unreadableError(join(dataFolder, 'Cache'), cause, this.#platform);
    }
    if (path !== undefined) return path;
    throw new GatewayError('certificate', `the media server has no certificate yet in ${JSON.stringify(dataFolder)}`, {
      hint: 'sign the server in and set Secure connections to Preferred: it then fetches one by itself',
    });
  }

  async #readBytes(path: string): Promise<Buffer> {
    try {
      return await readBoundedFile(path);
    } catch (cause) {
      throw await unreadableError(path, cause, this.#platform);
    }
  }

  #passphrases(preferences: PlexPreferences | undefined): string[] {
    const ids = [preferences?.processedMachineIdentifier, preferences?.machineIdentifier, this.#options.machineId()];
    const passphrases = new Set(ids.flatMap((id) => (id === undefined ? [] : plexPassphrase(id))));
    if (passphrases.size > 0) return [...passphrases];
    throw new GatewayError('certificate', "the media server's certificate cannot be opened before its id is known", {
      hint: 'make its Preferences.xml readable, or set [server] id to the machineIdentifier that /identity shows',
    });
  }

  async #readKept(preferences: PlexPreferences | undefined): Promise<Finding> {
    const { kept } = this.#options;
    if (kept === undefined) return {};
    try {
      const copy = await kept.read();
      if (copy === undefined) return {};
      const zone = zoneOf(preferences) ?? this.#options.knownZone?.();
      if (zone !== undefined && !isForZone(copy.chain, zone)) return { fault: foreignCopy(kept.path, zone) };
      return { copy, loaded: { chain: copy.chain, origin: kept.path } };
    } catch (fault) {
      if (fault instanceof GatewayError) return { fault };
      throw fault;
    }
  }
}

function foreignCopy(path: string, zone: string): GatewayError {
  return new GatewayError(
    'certificate',
    `the kept copy ${JSON.stringify(path)} is not for the server's zone "${zone}"`,
    {
      hint: 'it is of another server or an earlier set-up: import the certificate of this one',
    },
  );
}

/** For a while after the server got other names: what was set up for the former ones leads nowhere. */
function newNames(copy: KeptCopy | undefined): GatewayError | undefined {
  if (copy?.former === undefined || daysSince(copy.former.until) > NEW_NAMES_DAYS) return undefined;
  const { zone, until } = copy.former;
  const [present] = alternativeNames(copy.chain.leaf.subjectAltName).zones;
  return new GatewayError('certificate', `the server's names changed on ${until} from "*.${zone}" to "*.${present}"`, {
    hint: `replace the former ones in the resolver (lockgate snippet) and in Custom server access URLs; said for ${NEW_NAMES_DAYS} days`,
  });
}

/** The server was signed in anew and has another hash; it fetches the certificate for that by itself. */
function formerNames(path: string, chain: KeyedChain, zone: string): GatewayError {
  const [former] = alternativeNames(chain.leaf.subjectAltName).names;
  return new GatewayError(
    'certificate',
    `${JSON.stringify(path)} is for the server's former names ${JSON.stringify(former ?? '')}; its settings say "*.${zone}"`,
    {
      hint: 'restart the media server, signed in and with a way to the Internet: it fetches the certificate for its new names',
    },
  );
}

function daysSince(day: string): number {
  return (Date.now() - Date.parse(day)) / DAY_MS;
}

function zoneOf(preferences: PlexPreferences | undefined): string | undefined {
  return preferences?.certificateUuid === undefined ? undefined : plexZone(preferences.certificateUuid);
}

/** Whether the chain's leaf is the wildcard certificate of `zone`. */
export function isForZone(chain: KeyedChain, zone: string): boolean {
  return alternativeNames(chain.leaf.subjectAltName).zones.includes(zone);
}

/** Whether `chain` was issued after `other`. */
export function isNewer(chain: KeyedChain, other: KeyedChain): boolean {
  return chain.leaf.validFromDate > other.leaf.validFromDate;
}

function newest(
  file: LoadedCertificate | undefined,
  copy: LoadedCertificate | undefined,
): LoadedCertificate | undefined {
  if (file === undefined || copy === undefined) return file ?? copy;
  return isNewer(copy.chain, file.chain) ? copy : file;
}
